"""A bank with a project, a checklist and the people who answer, sign, accept risk and look on; its clock stands still."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from core import db
from core.access.policy import Actor
from core.activity.tables import Activity
from core.catalog.tables import Entry
from core.evidence.tables import EvidenceCheck, EvidenceSnapshot
from core.people import actions as people
from core.people import notices
from core.projects import actions as projects
from core.projects import members
from core.reviews import ending, pins, signing, waivers
from core.reviews.items import FrozenItem
from core.reviews.pins import Refused
from core.reviews.signing import Signed
from core.reviews.tables import CaseAnswer, CaseFinding, CaseSeat, ChecklistVersion, ReviewCase, Signature, Waiver
from core.reviews.waivers import Wish
from tests.conftest import SYSTEM, actor_now
from tests.core.datasets.house import Clock, Make

PIN = "4711-kiwi"
PEOPLE: dict[str, tuple[str, ...]] = {
    "olga": ("data scientist",), "mo": ("ML engineer", "model validator"), "vera": ("model validator",),
    "viktor": ("model validator",), "rita": ("reviewer",), "rob": ("reviewer",), "max": ("manager",),
    "mia": ("manager",), "ada": ("administrator",), "audrey": ("auditor",),
}  # fmt: skip
"""Name → roles. Olga owns the cases, and Mo, who may validate, works with her; nobody else is of their team."""
ITEMS = (
    FrozenItem("DATA-1", "Data", "The data are known", "Where do the data come from?", "text", blocking=True),
    FrozenItem("FAIR-1", "Fairness", "Groups fare alike", "", "metric", check="selection_rate_ratio", blocking=True),
    FrozenItem("NOTE-1", "Data", "Anything else", "What else?", "text"),
)
ASK_PIN = (waivers.approve, waivers.break_glass, waivers.second, ending.revoke)
"""Verbs beside signing that ask for it."""
QUORUM = {"model validator": 1, "reviewer": 1}


@dataclass
class Bank:
    """The people by name, and what they do."""

    clock: Clock
    checklist_id: int
    who: dict[str, Actor] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Actor:
        try:
            return self.__dict__["who"][name]
        except KeyError:
            raise AttributeError(name) from None

    # --- cases -------------------------------------------------------------------------------------------------------

    def draft(self, version: str = "1", *, verdict: str = "pass", seats: bool = True, **more: Any) -> int:
        """A case of Olga's with everything answered; Vera and Rita have its seats."""
        with db.writing() as session:
            snapshot = self.snapshot(session, version)
            values: dict[str, Any] = {
                "checklist_id": self.checklist_id, "project_id": "churn", "kind": "model", "name": "churn",
                "version": version, "subject_digest": snapshot.subject_digest, "snapshot_id": snapshot.id,
                "tier": "limited", "items": [one.as_data() for one in ITEMS], "quorum": QUORUM,
                "environments": ["test", "production"], "owner": self.olga.ref, "opened_at": self.clock(),
            } | more  # fmt: skip
            case = ReviewCase(**values)
            session.add(case)
            session.flush()
            assert case.id
            session.add_all(self._answers(case.id))
            session.add(CaseFinding(case_id=case.id, item_id="FAIR-1", snapshot_id=snapshot.id, verdict=verdict))
            if seats:
                for name, role in (("vera", "model validator"), ("rita", "reviewer")):
                    session.add(self.seat(case.id, name, role))
            return case.id

    def submitted(self, version: str = "1", **more: Any) -> int:
        """A case in review."""
        case_id = self.draft(version, **more)
        self.signed(self.olga, case_id, "submit")
        return case_id

    def approved(self, version: str = "1", **more: Any) -> int:
        """A case that Vera and Rita approved."""
        case_id = self.submitted(version, **more)
        self.signed(self.vera, case_id, "approve")
        self.signed(self.rita, case_id, "approve")
        return case_id

    def snapshot(self, session: Any, version: str) -> EvidenceSnapshot:
        digest = hashlib.sha256(version.encode()).hexdigest()
        made = EvidenceSnapshot(
            model="churn", version=version, subject_digest=digest, digest=digest[::-1], content={"metrics": {}},
            taken_at=self.clock(), taken_by=self.olga.ref,
        )  # fmt: skip
        session.add(made)
        session.flush()
        session.refresh(made)
        return made

    def _answers(self, case_id: int) -> list[CaseAnswer]:
        return [
            CaseAnswer(
                case_id=case_id, item_id=item, revision=1, value="yes", answered_by=self.olga.ref,
                answered_at=self.clock(),
            )
            for item in ("DATA-1", "NOTE-1")
        ]  # fmt: skip

    def seat(self, case_id: int, name: str, role: str) -> CaseSeat:
        return CaseSeat(
            case_id=case_id, role=role, person_id=self.who[name].id, assigned_by=SYSTEM.ref, assigned_at=self.clock()
        )

    def row(self, case_id: int) -> ReviewCase:
        with db.reading() as session:
            return session.get_one(ReviewCase, case_id)

    def state(self, case_id: int) -> str:
        return self.row(case_id).state

    def change(self, case_id: int, **values: Any) -> None:
        with db.writing() as session:
            session.execute(update(ReviewCase).where(col(ReviewCase.id) == case_id).values(**values))

    def find(self, case_id: int, verdict: str) -> None:
        """What the check of FAIR-1 says from now on."""
        with db.writing() as session:
            session.execute(update(CaseFinding).where(col(CaseFinding.case_id) == case_id).values(verdict=verdict))

    # --- signing -----------------------------------------------------------------------------------------------------

    def verify(self, case_id: int, outcome: str = "same", at: datetime | None = None) -> None:
        with db.writing() as session:
            snapshot_id = session.get_one(ReviewCase, case_id).snapshot_id
            session.add(EvidenceCheck(snapshot_id=snapshot_id, outcome=outcome, checked_at=at or self.clock()))

    def prepare(self, actor: Actor, case_id: int, decision: str, meaning: str = "", **details: Any) -> str:
        usual = "authorship" if decision == "submit" else "review"
        with db.writing() as session:
            form = signing.prepare(
                session, actor=actor, case_id=case_id, meaning=meaning or usual, decision=decision, details=details
            )
            return form.nonce

    def sign(self, actor: Actor, nonce: str, pin: str = PIN) -> Signed | Refused:
        with db.writing() as session:
            return signing.sign(session, actor=actor, nonce=nonce, pin=pin)

    def signed(self, actor: Actor, case_id: int, decision: str, meaning: str = "", **details: Any) -> Signed:
        """The whole way: evidence compared, form, PIN."""
        self.verify(case_id)
        made = self.sign(actor, self.prepare(actor, case_id, decision, meaning, **details))
        assert isinstance(made, Signed)
        return made

    def signatures(self, case_id: int) -> list[Signature]:
        with db.reading() as session:
            return list(session.exec(select(Signature).where(Signature.case_id == case_id).order_by(col(Signature.id))))

    # --- waivers -----------------------------------------------------------------------------------------------------

    def wish(self, **more: Any) -> Wish:
        given = {"reason": "The group is small.", "control": "People look at each decision."}
        return Wish(**(given | {"expires_at": self.clock() + timedelta(hours=48)} | more))

    def waiver(self, case_id: int, item: str = "FAIR-1", **more: Any) -> int:
        with db.writing() as session:
            made = waivers.request(session, actor=self.olga, case_id=case_id, item_id=item, wish=self.wish(**more))
            return made.id or 0

    def waived(self, case_id: int, item: str = "FAIR-1", **more: Any) -> int:
        waiver_id = self.waiver(case_id, item, **more)
        self.do(waivers.approve, self.max, waiver_id=waiver_id)
        return waiver_id

    def waiver_row(self, waiver_id: int) -> Waiver:
        with db.reading() as session:
            return session.get_one(Waiver, waiver_id)

    # --- the rest ----------------------------------------------------------------------------------------------------

    def do(self, verb: Callable[..., Any], actor: Actor, **more: Any) -> Any:
        """Do it, with the PIN where one is asked and none is given."""
        if verb in ASK_PIN:
            more.setdefault("pin", PIN)
        with db.writing() as session:
            return verb(session, actor=actor, **more)

    def events(self, case_id: int, *names: str) -> list[str]:
        """What the log says of a case, in order."""
        wanted = select(Activity.event).where(Activity.subject == f"case:{case_id}").order_by(col(Activity.seq))
        with db.reading() as session:
            return [one for one in session.exec(wanted) if not names or one in names]

    def told(self, name: str) -> list[str]:
        with db.reading() as session:
            return [one.text for one in notices.unread(session, self.who[name], limit=100)]

    def deactivate(self, name: str) -> None:
        with db.writing() as session:
            people.deactivate_person(session, actor=SYSTEM, person_id=self.who[name].id)


def build(person: Make, clock: Clock) -> Bank:
    """The bank in the test's store."""
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="retail", name="Retail")
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk", unit_id="retail")
    who = {
        name: person(*roles, name=name.title(), team="risk" if name in ("olga", "mo") else "")
        for name, roles in PEOPLE.items()
    }
    who = {name: actor_now(one.id) for name, one in who.items()}
    with db.writing() as session:
        projects.create(session, actor=SYSTEM, project_id="churn", title="Churn", team_id="risk")
        for name in ("olga", "mo"):
            members.add_member(session, actor=SYSTEM, project_id="churn", person_id=who[name].id, role=PEOPLE[name][0])
        for one in who.values():
            assert pins.set_pin(session, actor=one, pin=PIN) is None
    return Bank(clock, checklist(clock), who)


def checklist(clock: Clock, name: str = "responsible-ai") -> int:
    """A published version of a checklist; its content is frozen in the cases."""
    with db.writing() as session:
        entry = Entry(
            key=f"checklist:default/{name}", kind="checklist", namespace="default", name=name, title=name, summary="",
            owner="risk", lifecycle="approved", classification="internal", version="1.0.0", source="file",
        )  # fmt: skip
        session.add(entry)
        session.flush()
        version = ChecklistVersion(
            entry_id=entry.id, version="1.0.0", content_hash="c" * 64, state="published", authored_by=SYSTEM.ref,
            authored_at=clock(), content={"appliesTo": "model", "sections": []},
        )  # fmt: skip
        session.add(version)
        session.flush()
        return version.id or 0
