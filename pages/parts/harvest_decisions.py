"""A project's harvest decisions with the state of their drafts, and the form that adds one."""

from __future__ import annotations

import streamlit as st

from core.access import policy
from core.access.policy import Actor
from core.projects import harvest, harvest_draft
from core.projects.harvest_queries import DecisionRow
from core.projects.queries import ProjectRow
from pages.parts import badges, harvest_lists, writing
from pages.parts.notices import plain

DECISIONS = {
    "share": ("Share", ":material/ios_share:", "green"),
    "later": ("Generalise later", ":material/hourglass_top:", "orange"),
    "nothing": ("Nothing to share", ":material/block:", "gray"),
}
DRAFTS = {
    "submitted": ("Draft waits for a curator", ":material/hourglass_top:", "orange"),
    "approved": ("In the catalog", ":material/check_circle:", "green"),
    "rejected": ("Draft turned down", ":material/cancel:", "red"),
    "withdrawn": ("Draft taken back", ":material/undo:", "gray"),
}


def show(
    actor: Actor, project: ProjectRow, rows: list[DecisionRow], names: dict[str, str], *, may_change: bool
) -> None:
    """Every decision with its reason and draft, the latest first, and how to add another."""
    if not rows:
        st.info("Nothing has been decided yet: what did the project make that another team could use?", icon=":material/agriculture:")  # fmt: skip
    for row in rows:
        _decision(actor, row, names, may_change=may_change)
    if may_change:
        _add(actor, project)


def _decision(actor: Actor, row: DecisionRow, names: dict[str, str], *, may_change: bool) -> None:
    with st.container(border=True, gap="xsmall"):
        state = " " + badges.text(*DRAFTS[row.draft_state]) if row.draft_state in DRAFTS else ""
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{plain(row.what)}** {badges.text(*DECISIONS[row.decision])}{state}")
            _acts(actor, row, may_change=may_change)
        st.markdown(plain(row.reason))
        badges.when(f"Decided by {plain(names[row.decided_by])}", row.decided_at)


def _acts(actor: Actor, row: DecisionRow, *, may_change: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if row.draft_state == "approved":
            st.page_link("entry.py", label="Open the entry", query_params={"ref": row.draft_key}, icon=":material/open_in_new:")  # fmt: skip
        elif row.draft_state and row.drafted_by == actor.ref:
            is_open = row.draft_state == "submitted"
            st.page_link(
                "propose.py", label="Complete the draft" if is_open else "Read the draft", icon=":material/edit_note:",
                query_params={"proposal": str(row.proposal_id)} | ({"edit": "yes"} if is_open else {}),
            )  # fmt: skip
        if row.may_reopen and policy.may(actor, "entry.propose", row.scope):
            harvest_lists.reopen(actor, row)
        if may_change and _may_withdraw(actor, row):
            _withdraw(actor, row)


def _may_withdraw(actor: Actor, row: DecisionRow) -> bool:
    return row.draft_state != "approved" and (row.draft_state != "submitted" or row.drafted_by == actor.ref)


def _withdraw(actor: Actor, row: DecisionRow) -> None:
    question = f"The decision on {plain(row.what)} goes" + (", and its draft with it." if row.draft_state == "submitted" else ".")  # fmt: skip
    with st.popover("Take back", icon=":material/undo:", key=f"withdraw_ask_{row.id}"):
        st.markdown(question)
        if st.button("Yes, take it back", type="primary", key=f"withdraw_{row.id}"):
            writing.attempt(harvest.withdraw_decision, done="The decision is taken back.", actor=actor, decision_id=row.id)  # fmt: skip


def _add(actor: Actor, project: ProjectRow) -> None:
    possible = [one for one in DECISIONS if one != "share" or policy.may(actor, "entry.propose", project.scope)]
    with st.form(f"decide {project.id}", clear_on_submit=False):
        st.markdown("**Decide about something the project made**")
        what = st.text_input("What is it?", max_chars=140, placeholder="Such as: claim windows per customer")
        decision = st.radio("Decision", possible, format_func=lambda one: DECISIONS[one][0], horizontal=True)
        kind = st.selectbox("Kind of entry, if shared", harvest_draft.KINDS, format_func=badges.kind_title)
        reason = st.text_area("Why?", max_chars=harvest.REASON_LENGTH, help="Who could use it, or what speaks against it.")  # fmt: skip
        if "share" in possible:
            st.caption("Sharing opens a draft entry filled from the project. You complete it; another person publishes it.")  # fmt: skip
        else:
            st.caption("To share takes a role that may propose entries of this team.")
        sent = st.form_submit_button("Decide", icon=":material/check:")
    if sent:
        shared = decision == "share"
        writing.attempt(
            harvest.decide_harvest, actor=actor, project_id=project.id, what=what, decision=decision or "", reason=reason, kind=kind,
            done="The draft is open: complete it from the list here." if shared else "The decision is kept.",
        )  # fmt: skip
