"""What waits for a person: what they were told, and each decision that needs them, as a link to where it is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.catalog import queries as catalog
from core.datasets import queries as datasets
from core.db import Session
from core.patterns import approval_queries as approvals
from core.people import notices
from core.people.tables import Notice
from core.projects import queries as projects
from core.projects import value_queries as values
from core.projects.value import hours
from core.reviews import boards as reviews
from core.templates import queries as templates
from pages.parts import badges, sentences, writing
from pages.parts.notices import plain

LONGEST = 8
"""So many decisions of one sort are named; the page they lead to has the rest."""


@dataclass(frozen=True)
class Task:
    """A decision that needs this person, why, and where they make it."""

    label: str
    why: str
    page: str
    query: dict[str, str]
    icon: str


@dataclass(frozen=True)
class Waiting:
    """Everything that waits for one person."""

    unread: list[Notice]
    tasks: list[Task]


def read(session: Session, actor: Actor) -> Waiting:
    """Read what waits for ``actor``."""
    return Waiting(notices.unread(session, actor), list(_tasks(session, actor)))


def show(actor: Actor, waiting: Waiting) -> None:
    """News first, then the decisions."""
    if not waiting.unread and not waiting.tasks:
        st.info(
            "Nothing waits for you. Search for something to reuse, or see what changed below.", icon=":material/inbox:"
        )
    _news(actor, waiting.unread)
    for task in waiting.tasks:
        st.page_link(task.page, label=task.label, query_params=task.query, icon=task.icon, help=task.why)


def _template_tasks(session: Session, actor: Actor) -> Iterator[Task]:
    if policy.may_anywhere(actor, "template.approve"):
        for one in templates.requests(session, actor, to_decide=True, size=LONGEST).items:
            why = f"Asked {badges.ago(one.submitted_at)}, decision due {badges.exact(one.due_at)}."
            label = f"Decide request of **{plain(one.project)}**: {plain(one.template)}"
            yield Task(label, why, "request.py", {"id": str(one.id)}, ":material/note_stack:")
    for one in templates.requests(session, actor, mine=True, state="changes requested", size=LONGEST).items:
        why = "An approver asked for changes."
        label = f"Change request for **{plain(one.project)}**: {plain(one.template)}"
        yield Task(label, why, "request.py", {"id": str(one.id), "edit": "yes"}, ":material/edit_note:")
    if policy.may_anywhere(actor, "entry.publish"):
        for version, title in templates.to_publish(session, actor, limit=LONGEST):
            why = f"Version {version.version} waits for a second person."
            yield Task(f"Publish **{plain(title)}** {plain(version.version)}", why, "templates.py", {"version": str(version.id)}, ":material/policy:")  # fmt: skip


def _review_tasks(session: Session, actor: Actor) -> Iterator[Task]:
    found = reviews.waiting_for(session, actor, limit=LONGEST)
    for one in found.to_decide:
        query = {"id": str(one.id)}
        why = f"You have a seat in it; decision due {badges.exact(one.due_at)}."
        yield Task(
            f"Review **{plain(one.name)} {plain(one.version)}**", why, "review.py", query, ":material/rate_review:"
        )
    for one in found.to_change:
        why = "A reviewer asked for changes; the reviewers' clock stands still until you submit it again."
        yield Task(f"Change your case on **{plain(one.name)} {plain(one.version)}**", why, "review.py", {"id": str(one.id)}, ":material/edit_note:")  # fmt: skip
    for due in found.to_meet:
        query = {"id": str(due.case_id), "tab": "Signatures"}
        yield Task(f"Meet a condition of **{plain(due.name)}** until {due.due_on:%d %b}", plain(due.text), "review.py", query, ":material/rule:")  # fmt: skip
    for waiver in found.to_waive:
        query = {"id": str(waiver.case_id)} | ({"item": waiver.item} if waiver.item else {})
        yield Task(f"Decide on a waiver of {plain(waiver.item or 'everything')} for **{plain(waiver.name)}**", plain(waiver.reason), "review.py", query, ":material/gpp_maybe:")  # fmt: skip
    for waiver in found.to_look_at:
        query = {"id": str(waiver.case_id), "tab": "Signatures"}
        yield Task(f"Look at the broken glass of **{plain(waiver.name)}**", plain(waiver.reason), "review.py", query, ":material/emergency:")  # fmt: skip
    for one in found.to_revoke:
        why = "Somebody wants the approval revoked for good; it takes a second person."
        yield Task(f"Decide on revoking the approval of **{plain(one.name)} {plain(one.version)}**", why, "review.py", {"id": str(one.id)}, ":material/block:")  # fmt: skip


def _tasks(session: Session, actor: Actor) -> Iterator[Task]:
    yield from _proposals(session, actor)
    yield from _of_projects(session, actor)
    yield from _of_patterns(session, actor)
    yield from _template_tasks(session, actor)
    yield from _review_tasks(session, actor)
    if count := datasets.waiting_for(session, actor):
        label = f"Decide on {count} requests for data" if count > 1 else "Decide on a request for data"
        yield Task(label, "They ask for datasets that your team owns.", "datasets.py", {"view": "decide"}, ":material/database:")  # fmt: skip
    if policy.may(actor, "admin.people"):
        for grant, name in people.open_grants(session)[:LONGEST]:
            label = f"Confirm or decline the role {grant.role} for **{plain(name)}**"
            yield Task(label, "It takes two administrators.", "admin.py", {}, ":material/how_to_reg:")


def _proposals(session: Session, actor: Actor) -> Iterator[Task]:
    for proposal in catalog.proposals(session, actor)[:LONGEST]:
        query, title = {"proposal": str(proposal.id)}, f"**{plain(proposal.title)}**"
        if proposal.proposed_by == actor.ref:
            yield Task(f"Proposed: {title}", "It waits for another person.", "propose.py", query, ":material/hourglass_top:")  # fmt: skip
        else:
            why = f"Proposed {badges.ago(proposal.proposed_at)}."
            yield Task(f"Decide on {title}", why, "propose.py", query, ":material/rate_review:")


def _of_projects(session: Session, actor: Actor) -> Iterator[Task]:
    for project in projects.tiers_to_confirm(session, actor, limit=LONGEST):
        why, query = "Its risk tier is to be confirmed or raised.", {"id": project.id, "tab": "Risk"}
        yield Task(
            f"Confirm tier of **{plain(project.title)}**", why, "project.py", query, ":material/shield_question:"
        )
    for claim in values.claims_to_confirm(session, actor, limit=LONGEST):
        why = f"It claims {hours(claim.low_hours, claim.high_hours)} with {plain(claim.entry)}."
        query = {"ref": claim.entry_key, "tab": "Adopters"}
        yield Task(f"Confirm hours saved by **{plain(claim.project)}**", why, "entry.py", query, ":material/savings:")


def _of_patterns(session: Session, actor: Actor) -> Iterator[Task]:
    for one in approvals.open_deviations(session, actor, limit=LONGEST):
        why, query = f"It deviates from {plain(one.pattern)} ({one.item}).", {"id": one.project_id, "tab": "Pattern"}
        yield Task(f"Decide deviation of **{plain(one.project)}**", why, "project.py", query, ":material/alt_route:")
    for given in approvals.expiring(session, actor, limit=LONGEST):
        why = f"The approval ends on {given.expires_on:%d %b %Y}; its projects lose it then."
        query = {"ref": given.pattern_key, "tab": "Approvals"}
        yield Task(f"Renew {plain(given.item)} of **{plain(given.pattern)}**", why, "entry.py", query, ":material/event_upcoming:")  # fmt: skip


def _news(actor: Actor, unread: list[Notice]) -> None:
    for one in unread:
        with st.container(border=True, gap="xsmall"):
            st.markdown(plain(one.text))
            badges.when("Told", one.told_at)
            if target := sentences.page_of(one.subject):
                st.page_link(target[0], label="Open", query_params=target[1], icon=":material/arrow_forward:", help=f"Open {plain(one.subject)}")  # fmt: skip
            if st.button("Mark as read", key=f"read {one.id}", icon=":material/done:", type="tertiary"):
                _put_away(actor, [one.id or 0])
    if len(unread) > 1 and st.button(f"Mark all {len(unread)} as read", key="read all", icon=":material/done_all:"):
        _put_away(actor, [one.id or 0 for one in unread])


def _put_away(actor: Actor, ids: list[int]) -> None:
    writing.attempt(notices.mark_read, actor=actor, notice_ids=ids, done="Marked as read.")
