"""Proposals: what waits for a decision, one proposal with its differences, and the form that makes one."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Scope
from core.catalog import actions, forms, queries
from core.catalog.kinds import SPECS
from core.errors import Conflict, Invalid, NotAllowed, PortalError
from pages.parts import actor as actors
from pages.parts import badges, drafts, editing, notices, proposals
from pages.parts.drafts import Draft
from pages.parts.notices import plain


def refused(error: PortalError) -> None:
    """End the page with a refusal and the way back."""
    st.title("Proposals", anchor=False)
    notices.refuse(error)
    st.page_link("propose.py", label="All proposals", icon=":material/arrow_back:")
    st.stop()


def draft_of_change() -> tuple[Draft, queries.EntryPage]:
    """The draft of a change to the entry in the address."""
    with db.reading() as session:
        page = queries.entry(session, actor, ref)
    if page.entry.kind not in SPECS:
        raise Invalid(f"Entries of kind {page.entry.kind} are kept as imported.", hint="Change it in its source.")
    if actions.is_kept(page.entry):
        raise Conflict(f"{page.entry.title} is kept by its project.", hint="Change it on the project's page.")
    policy.require(actor, "entry.propose", page.scope)
    made = Draft(f"draft {page.entry.key}", page.document, page.readme, page.document, page.readme, page.entry.revision)
    return drafts.opened(made), page


def draft_of_revision() -> tuple[Draft, queries.EntryPage | None]:
    """The draft of a revision of this person's own waiting proposal, and the entry it would change (if any)."""
    with db.reading() as session:
        page = proposed(session)
        wanted = page.proposal
        entry = queries.entry(session, actor, wanted.key) if wanted.base_revision and not page.outdated else None
    if wanted.proposed_by != actor.ref:
        raise NotAllowed("Only the proposer edits a proposal.", hint="Reject it and say what would have to change.")
    if wanted.state != "submitted" or page.outdated:
        raise Conflict(f"Proposal {wanted.id} can no longer be edited.", hint="Open it to see why, then propose anew.")
    base, base_readme = (entry.document, entry.readme) if entry else ({}, "")
    made = Draft(
        f"draft proposal {wanted.id} {wanted.revision}", wanted.document, wanted.readme, base, base_readme,
        wanted.base_revision, wanted.id or 0, wanted.note,
    )  # fmt: skip
    return drafts.opened(made), entry


def proposed(session: db.Session) -> queries.ProposalPage:
    """The proposal in the address."""
    return queries.proposal(session, actor, int(number) if number.isdecimal() and len(number) < 10 else 0)


def draft_of_new() -> Draft:
    """The draft of a new entry of the kind in the address."""
    if kind not in SPECS:
        raise Invalid(f"{kind!r} is not a kind of entry.", hint=f"Possible: {', '.join(SPECS)}.")
    return drafts.opened(Draft(f"draft new {kind}", forms.blank(kind)))


actor = actors.current()
number, ref, kind = (st.query_params.get(name, "") for name in ("proposal", "ref", "kind"))

if number and "edit" not in st.query_params:
    try:
        with db.reading() as session:
            page = proposed(session)
            names = people.names(session, {page.proposal.proposed_by, page.proposal.decided_by or ""})
    except PortalError as error:
        refused(error)
    proposals.show(actor, page, names)
elif number or ref or kind:
    try:
        with db.reading() as session:
            teams = {
                one.id: one.name
                for one in people.teams(session)
                if policy.may(actor, "entry.propose", Scope(one.unit_id, one.id))
            }
        if not teams:
            raise NotAllowed(
                "You are in no team that may own an entry.", hint="Ask an administrator to add you to one."
            )
        if number:
            draft, entry = draft_of_revision()
        else:
            draft, entry = draft_of_change() if ref else (draft_of_new(), None)
    except PortalError as error:
        refused(error)
    new = badges.kind_title(str(draft.document.get("kind") or kind)).lower()
    st.title(f"Change {plain(entry.entry.title)}" if entry else f"New: {new}", anchor=False)
    editing.show(actor, draft, entry, teams)
else:
    st.title("Proposals", anchor=False)
    try:
        with db.reading() as session:
            rows = queries.proposals(session, actor)
            names = people.names(session, {one.proposed_by for one in rows})
    except PortalError as error:
        notices.refuse(error)
        st.stop()
    proposals.queue(actor, rows, names)
    if policy.may_anywhere(actor, "entry.propose"):
        proposals.kinds()
