"""The queue of proposals, one proposal with its decision, and the kinds one can propose."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.catalog import actions, queries
from core.catalog.kinds import SPECS
from core.catalog.queries import ProposalPage, ProposalRow
from pages.parts import badges, differences, texts, writing
from pages.parts.notices import plain

STATES = {
    "submitted": ("Waiting", ":material/hourglass_top:", "orange"),
    "approved": ("Approved", ":material/check_circle:", "green"),
    "rejected": ("Rejected", ":material/cancel:", "red"),
    "withdrawn": ("Withdrawn", ":material/undo:", "gray"),
}
DECIDERS = " or ".join(policy.MATRIX["entry.publish"])


def queue(actor: Actor, rows: list[ProposalRow], names: dict[str, str]) -> None:
    """What waits, the oldest first: for this person's decision, and of their own for another's."""
    mine = [one for one in rows if one.proposed_by == actor.ref]
    others = [one for one in rows if one.proposed_by != actor.ref]
    if not rows:
        st.info("No proposal waits. Propose a new entry below, or open an entry and propose a change to it.", icon=":material/inbox:")  # fmt: skip
    for heading, listed in (("Waiting for your decision", others), ("Yours, waiting for another person", mine)):
        if listed:
            st.subheader(f"{heading} · {len(listed)}", anchor=False)
        for row in listed:
            _line(row, names)
    if not policy.may_anywhere(actor, "entry.propose"):
        return
    decided = st.expander(
        "Your proposals that were decided", icon=":material/history:", on_change="rerun", key="decided"
    )
    if decided.open:
        with decided:
            _decided(actor)


def _line(row: ProposalRow, names: dict[str, str]) -> None:
    kind = row.key.partition(":")[0]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("propose.py", label=f"**{plain(row.title)}**", query_params={"proposal": str(row.id)}, icon=badges.kind_icon(kind))  # fmt: skip
            st.markdown(
                badges.text(*STATES[row.state]) + (" :blue-badge[New entry]" if row.is_new else " :gray-badge[Change]")
            )
        if row.note:
            st.markdown(plain(row.note))
        who = plain(names.get(row.proposed_by, row.proposed_by))
        st.caption(
            f"{plain(row.key)} · owner {plain(row.owner)} · {who} · {badges.ago(row.proposed_at)}",
            help=badges.exact(row.proposed_at),
        )


def _decided(actor: Actor) -> None:
    with db.reading() as session:
        rows = [one for one in queries.proposals(session, actor, state="", mine=True) if one.state != "submitted"]
    for row in reversed(rows):
        _line(row, {actor.ref: "you"})
    if not rows:
        st.caption("None yet.")


def kinds() -> None:
    """Every kind of entry, each with what it is for and a link to its form."""
    st.subheader("Propose a new entry", anchor=False)
    with st.grid("auto", min_column_width=260, border=True):
        for kind, spec in SPECS.items():
            with st.container(gap="xsmall"):
                st.page_link("propose.py", label=f"**{badges.kind_title(kind)}**", query_params={"kind": kind}, icon=badges.kind_icon(kind))  # fmt: skip
                st.caption(plain((spec.__doc__ or "").splitlines()[0]))


def show(actor: Actor, page: ProposalPage, names: dict[str, str]) -> None:
    """One proposal: who wants what and why, the difference, and the decision on it."""
    proposal = page.proposal
    metadata = proposal.document.get("metadata", {})
    title = plain(metadata.get("title") or metadata.get("name") or proposal.key)
    st.title(f"Change to {title}" if proposal.base_revision else f"New: {title}", anchor=False)
    st.markdown(badges.status_line(proposal.key.partition(":")[0], "") + " " + badges.text(*STATES[proposal.state]))
    badges.when(f"Proposed by {plain(names[proposal.proposed_by])}", proposal.proposed_at)
    texts.code(proposal.key)
    if proposal.note:
        st.markdown("> " + plain(proposal.note).replace("\n", "\n> "))
    with st.container(horizontal=True):
        st.page_link("propose.py", label="All proposals", icon=":material/arrow_back:")
        if proposal.base_revision or proposal.state == "approved":
            st.page_link(
                "entry.py", label="Open the entry", query_params={"ref": proposal.key}, icon=":material/open_in_new:"
            )
    if page.outdated:
        st.warning("The entry changed since this was proposed, so it cannot be approved as it is. Reject or withdraw it and propose it anew.", icon=":material/sync_problem:")  # fmt: skip
    if proposal.state == "submitted":
        _decide(actor, page)
    else:
        _outcome(page, names)
    st.subheader(
        "What it changes" if proposal.state == "submitted" else "How it differs from the entry now", anchor=False
    )
    if not page.differences:
        st.info("Nothing: the entry says the same by now.", icon=":material/check:")
    differences.show(page.differences)


def _outcome(page: ProposalPage, names: dict[str, str]) -> None:
    proposal = page.proposal
    label, icon, _ = STATES[proposal.state]
    by = plain(names.get(proposal.decided_by or "", "somebody"))
    st.info(f"{label} by {by} {badges.ago(proposal.decided_at)}." + (f"\n\n{plain(proposal.reason)}" if proposal.reason else ""), icon=icon)  # fmt: skip


def _decide(actor: Actor, page: ProposalPage) -> None:
    number = page.proposal.id or 0
    if page.proposal.proposed_by == actor.ref:
        st.info(f"You proposed this, so another person decides: {DECIDERS}.", icon=":material/group:")
        with st.container(horizontal=True, vertical_alignment="center"):
            if not page.outdated:
                st.page_link("propose.py", label="Edit", query_params={"proposal": str(number), "edit": "yes"}, icon=":material/edit:")  # fmt: skip
            withdraw = st.button("Withdraw", icon=":material/undo:")
        if withdraw:
            writing.attempt(actions.withdraw, done=f"Proposal {number} is withdrawn.", actor=actor, proposal_id=number)
        return
    if not policy.may(actor, "entry.publish", page.scope):
        st.info(f"To decide takes the role {DECIDERS} where the entry belongs.", icon=":material/lock:")
        return
    with st.container(horizontal=True):
        approve = st.button(
            "Approve", type="primary", icon=":material/check:", disabled=page.outdated, on_click=_remember_what_was_read,
            args=(page.proposal.revision,),
        )  # fmt: skip
        with st.popover("Reject", icon=":material/close:"), st.form("reject", border=False):
            reason = st.text_area("What would have to change?", max_chars=actions.NOTE_LENGTH)
            reject = st.form_submit_button("Reject")
    if approve:
        writing.attempt(
            actions.approve, done="Approved: it is in the catalog now.", actor=actor, proposal_id=number,
            revision=st.session_state.pop("proposal_revision_read"),
        )  # fmt: skip
    if reject:
        writing.attempt(
            actions.reject, done=f"Proposal {number} is rejected.", actor=actor, proposal_id=number, reason=reason
        )


def _remember_what_was_read(revision: int) -> None:
    # A callback gets what stood on the page when the button was drawn; this run may have read a later revision.
    st.session_state["proposal_revision_read"] = revision
