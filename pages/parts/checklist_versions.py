"""Checklists and their versions: what is asked, what publishing one would change, and the decisions about them."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.errors import PortalError
from core.reviews import boards, checklists, ending, impact
from core.reviews.boards import ChecklistRow
from core.reviews.impact import Difference
from pages.parts import badges, notices, writing
from pages.parts.notices import plain

STATES = {
    "proposed": ("Proposed", ":material/pending:", "orange"),
    "published": ("Published", ":material/check_circle:", "green"),
    "deprecated": ("Deprecated", ":material/warning:", "orange"),
    "withdrawn": ("Withdrawn", ":material/block:", "red"),
    "rejected": ("Rejected", ":material/thumb_down:", "gray"),
}


def show(actor: Actor) -> None:
    """Every version, those that wait for a decision first."""
    with db.reading() as session:
        rows = boards.checklist_versions(session, actor)
    if not rows:
        st.info("No checklist has a version yet: they come with the catalog, or a person proposes one.", icon=":material/checklist:")  # fmt: skip
    for row in rows:
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.page_link("entry.py", label=f"**{plain(row.title)}** {plain(row.version)}", query_params={"ref": row.key}, icon=badges.kind_icon("checklist"))  # fmt: skip
                st.markdown(badges.text(*STATES[row.state]))
            st.caption(plain(f"{row.items} items for a {row.applies_to} · {badges.count(row.cases, 'case')} · content {row.content_hash[:16]}"))  # fmt: skip
            _decisions(actor, row)
    if policy.may_anywhere(actor, "checklist.author"):
        _propose(actor, rows)


def _decisions(actor: Actor, row: ChecklistRow) -> None:
    if row.state not in ("proposed", "published", "deprecated"):
        return
    opened = st.expander("What it changes, and decisions", on_change="rerun", key=f"version {row.id}")
    if not opened.open:
        return
    with opened:
        _impact(actor, row)
        if not policy.may(actor, "checklist.publish", row.scope):
            return
        if row.state == "proposed" and row.authored_by != actor.ref and st.button("Publish", type="primary", icon=":material/check:", key=f"publish {row.id}"):  # fmt: skip
            writing.attempt(checklists.publish, actor=actor, version_id=row.id, done=f"Version {row.version} is published: new cases are opened with it.")  # fmt: skip
        with st.form(f"end {row.id}", border=False):
            hows = ["reject"] if row.state == "proposed" else ["withdraw"] if row.state == "deprecated" else ["deprecate", "withdraw"]  # fmt: skip
            how = st.selectbox("End it", hows, format_func=str.capitalize, help="Withdrawing one that is wrong suspends the approvals that rest on it.")  # fmt: skip
            reason = st.text_area("Why", max_chars=checklists.REASON_LENGTH)
            if st.form_submit_button("End this version"):
                _end(actor, row, how, reason)


def _end(actor: Actor, row: ChecklistRow, how: str, reason: str) -> None:
    try:
        with db.writing() as session:
            cases = checklists.end(session, actor=actor, version_id=row.id, how=how, reason=reason)
            for case_id in cases:
                ending.suspend(session, actor=policy.system("reviews"), case_id=case_id, reason=f"checklist {row.version} was withdrawn: {reason}")  # fmt: skip
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun(f"Done; {badges.count(len(cases), 'approval')} suspended.")
    st.rerun()


def _impact(actor: Actor, row: ChecklistRow) -> None:
    with db.reading() as session:
        found = impact.impact(session, actor, row.id)
    before = f"version {found.published}" if found.published else "nothing"
    st.markdown(f"Against {plain(before)}: {_said(found.items)}" + (" Other people would have to sign." if found.quorum_changes else ""))  # fmt: skip
    for one in found.cases:
        st.page_link("review.py", label=f"Case {one.case_id}: {plain(one.name)} {plain(one.version)} ({one.state}): {_said(one.items)}", query_params={"id": str(one.case_id)}, icon=":material/rate_review:")  # fmt: skip
    if not found.cases:
        st.caption("No case that you see would be asked anything else.")


def _said(items: Difference) -> str:
    parts = [("added", items.added), ("removed", items.removed), ("changed", items.changed)]
    said = [f"{len(ids)} {word} ({plain(', '.join(ids[:12]))}{' …' if len(ids) > 12 else ''})" for word, ids in parts if ids]  # fmt: skip
    return "; ".join(said) + "." if said else "nothing changes."


def _propose(actor: Actor, rows: list[ChecklistRow]) -> None:
    """Propose what the catalog entry says now as the next version."""
    entries = {row.entry_id: row.title for row in rows}
    if not entries:
        return
    with st.popover("Propose a version", icon=":material/add:"), st.form("propose checklist", border=False):
        entry_id = st.selectbox("Checklist", entries, format_func=lambda one: plain(entries[one]))
        reason = st.text_area("What changed, and why", max_chars=checklists.REASON_LENGTH)
        st.caption("Its content is what the catalog entry says now; edit the entry first.")
        if st.form_submit_button("Propose", type="primary"):
            writing.attempt(checklists.propose, actor=actor, entry_id=entry_id, reason=reason, done="Proposed: another person publishes it.")  # fmt: skip
