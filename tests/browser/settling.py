"""As a program beside the portal: a reviewer agrees with what does not apply, and a manager lets the rest pass for a month.

``python settling.py CASE VALIDATOR`` does through the actions what would be many clicks in a browser.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from sqlmodel import select

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.access.tables import Person
from core.demo.cases import PIN
from core.reviews import answering, queries, waivers
from core.reviews.pins import Refused
from core.reviews.waivers import Wish


def actor(name: str) -> Actor:
    """The person with this name, as the store knows them."""
    with db.reading() as session:
        found = people.actor_for(session, session.exec(select(Person.id).where(Person.name == name)).one())
    assert found is not None
    return found


def settle(case_id: int, validator: str, owner: str, manager: str) -> None:
    """Let nothing stand against an approval of the case any more."""
    with db.writing() as session:
        for view in queries.case(session, actor(validator), case_id).items:
            if view.answer and view.answer.not_applicable and view.item.blocking:
                answering.agree(session, actor=actor(validator), case_id=case_id, item_id=view.item.id, revision=view.answer.revision)  # fmt: skip
    with db.writing() as session:
        for item in queries.case(session, actor(validator), case_id).blockers:
            wish = Wish(reason="Too few rows.", control="A person decides each time.", expires_at=db.now() + timedelta(days=30))  # fmt: skip
            made = waivers.request(session, actor=actor(owner), case_id=case_id, item_id=item, wish=wish)
            assert not isinstance(
                waivers.approve(session, actor=actor(manager), waiver_id=made.id or 0, pin=PIN), Refused
            )


if __name__ == "__main__":
    settle(int(sys.argv[1]), sys.argv[2], "Linh Nguyen", "Elena Petrova")
