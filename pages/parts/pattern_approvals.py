"""Approvals of a pattern version on its page: confirm, revoke, who inherits, what deviates, whom a version hits."""

from __future__ import annotations

import math
from datetime import timedelta

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.catalog.queries import EntryPage
from core.patterns import approval_queries as queries
from core.patterns import approvals as actions
from core.patterns.approval_queries import ApprovalRow
from core.patterns.inheritance import Condition, Proposed
from pages.parts import badges, pattern_deviations, project_pattern, writing
from pages.parts.notices import plain

STATES = {
    "in force": ("In force", ":material/verified:", "green"),
    "expired": ("Expired", ":material/event_busy:", "orange"),
    "revoked": ("Revoked", ":material/block:", "red"),
    "other version": ("Of another version", ":material/history:", "gray"),
}
NEXT = "the next one, which nobody has approved yet"
USUAL_DAYS = 365
"""How long an approval is proposed to hold where the pattern names no day."""


def show(actor: Actor, page: EntryPage) -> None:
    """The Approvals tab of a pattern."""
    entry = page.entry
    with db.reading() as session:
        proposed = queries.proposed(session, actor, entry.id or 0)
        given = queries.approvals(session, actor, entry.id or 0)
        uses = queries.uses(session, actor, entry.id or 0, page=_page("uses_page"))
        waiting = queries.open_deviations_of(session, actor, entry_id=entry.id)
        author = queries.is_author(session, actor, entry)
        names = people.names(session, {one.approved_by for one in given})
    if not proposed and not given:
        st.info("This pattern proposes no approval. Propose a change that adds one.", icon=":material/verified_user:")
        return
    may_approve = policy.may(actor, "pattern.approve", page.scope) and not author
    pattern_deviations.decisions(actor, waiting, key="pattern")
    _items(actor, page, proposed, given, may_approve=may_approve)
    _given(actor, page, given, names)
    _uses(uses)
    _preview(actor, page)


def conditions(listed: tuple[Condition, ...]) -> str:
    """The conditions as lines: what is checked against which fact, what the team attests."""
    lines = [
        f"- {plain(one.text)} " + (f"({one.fact}: {plain(', '.join(one.allowed))})" if one.fact else "(attested)")
        for one in listed
    ]
    return "\n".join(lines) or "- no condition"


def _items(
    actor: Actor, page: EntryPage, proposed: list[Proposed], given: list[ApprovalRow], *, may_approve: bool
) -> None:
    st.subheader(f"Proposed for version {plain(page.entry.version)}", anchor=False)
    st.caption("A reference set: each binds when a reviewer who did not write the pattern confirms it, with evidence.")
    in_force = {one.item: one for one in given if one.state == "in force"}
    for one in proposed:
        state = STATES["in force"] if one.item in in_force else ("Not confirmed", ":material/pending:", "orange")
        with st.expander(f"{plain(one.item)} · {one.by} · {plain(one.scope)}", icon=state[1], key=f"item_{one.item}"):
            st.markdown(f"{badges.text(*state)}\n\n{conditions(one.conditions)}")
            if may_approve and page.entry.lifecycle == "approved":
                _approve(actor, page, one, in_force.get(one.item))


def _approve(actor: Actor, page: EntryPage, item: Proposed, present: ApprovalRow | None) -> None:
    today = db.now().date()
    usual = item.valid_until if item.valid_until and item.valid_until > today else today + timedelta(days=USUAL_DAYS)
    with st.form(f"approve_{item.item}", border=False):
        evidence = st.text_area("Evidence: a link to the decision, or its words", item.evidence, max_chars=actions.EVIDENCE_LENGTH, key=f"evidence_{item.item}")  # fmt: skip
        day = st.date_input("Holds until", usual, key=f"until_{item.item}")
        st.caption("The conditions above are frozen as they read now, for exactly this version.")
        if st.form_submit_button("Renew" if present else "Confirm", type="primary", key=f"approve_{item.item}_send"):
            writing.attempt(
                actions.approve_item, actor=actor, entry_id=page.entry.id or 0, version=page.entry.version,
                item_id=item.item, evidence=evidence or "", expires_on=day, revision=page.entry.revision,
                done=f"{item.item} is approved for version {page.entry.version}.",
            )  # fmt: skip


def _given(actor: Actor, page: EntryPage, given: list[ApprovalRow], names: dict[str, str]) -> None:
    st.subheader("Given approvals", anchor=False)
    if not given:
        st.caption("None yet.")
        return
    st.table(
        {
            "Approval": [plain(f"{one.item} ({one.by})") for one in given],
            "Version": [plain(one.version) for one in given],
            "State": [STATES[one.state][0] + (f": {plain(one.revoke_reason)}" if one.revoke_reason else "") for one in given],
            "Until": [one.expires_on.strftime("%d %b %Y") for one in given],
            "By": [plain(names.get(one.approved_by, one.approved_by)) for one in given],
            "Evidence": [project_pattern.evidence(one.evidence) for one in given],
        },
        border="horizontal", hide_index=True, alt=f"{len(given)} approvals that were given to this pattern",
    )  # fmt: skip
    rows = {one.id: f"{one.item} of version {one.version}" for one in given if one.state != "revoked"}
    if rows and policy.may(actor, "pattern.approve", page.scope):
        with st.popover("Revoke an approval", icon=":material/block:"), st.form("revoke_approval", border=False):
            chosen = st.selectbox("Approval", rows, format_func=rows.__getitem__, key="revoke_which")
            reason = st.text_area(
                "Why, and what the projects do now", max_chars=actions.REASON_LENGTH, key="revoke_reason"
            )
            if st.form_submit_button("Revoke", type="primary", key="revoke_send"):
                writing.attempt(actions.revoke_approval, actor=actor, approval_id=chosen, reason=reason or "", done=f"{rows[chosen]} is revoked; its projects are told.")  # fmt: skip


def _uses(found: queries.Uses) -> None:
    st.subheader("Projects on this pattern", anchor=False)
    uses = found.items
    if uses:
        st.table(
            {
                "Project": [plain(one.project) for one in uses],
                "Team": [plain(one.team) for one in uses],
                "Version": [plain(one.version) for one in uses],
                "Region": [plain(one.region or "not known") for one in uses],
                "Inherited": [one.inherited for one in uses],
                "Open": [one.open for one in uses],
            },
            border="horizontal", hide_index=True, alt=f"{len(uses)} projects on this pattern and what they inherit",
        )  # fmt: skip
        _pages("uses_page", found.total)
    elif not found.hidden:
        st.caption("No project declares yet how it uses this pattern; it does so on its page, under Pattern.")
    if found.hidden:
        st.caption(f"And {badges.count(found.hidden, 'project')} that you do not see.")


def _preview(actor: Actor, page: EntryPage) -> None:
    st.subheader("What reopens with another version", anchor=False)
    versions = list(dict.fromkeys([page.entry.version, NEXT, *(one.version for one in page.versions)]))
    chosen = st.selectbox("Version", versions, key="preview_version")
    with db.reading() as session:
        found = queries.preview_version(session, actor, page.entry.id or 0, chosen, page=_page("hits_page"))
    touched = [one for one in found.items if one.reopens]
    if touched:
        st.table(
            {
                "Project": [plain(one.project) for one in touched],
                "On": [plain(one.version) for one in touched],
                "Reopens": [plain(", ".join(item.item for item in one.reopens)) for one in touched],
                "Stays inherited": [one.stays for one in touched],
            },
            border="horizontal", hide_index=True, alt=f"{len(touched)} projects lose approvals with version {chosen}",
        )  # fmt: skip
    else:
        where = "No project" if found.total <= queries.SIZE else "No project on this page"
        st.caption(f"{where} loses an approval by moving to it.")
    _pages("hits_page", found.total)


def _page(key: str) -> int:
    """The page of one of the lists of this tab, which turn by themselves."""
    return int(st.session_state.get(key, 1))


def _pages(key: str, total: int) -> None:
    if total > queries.SIZE:
        count = math.ceil(total / queries.SIZE)
        st.session_state[key] = min(_page(key), count)
        st.pagination(count, key=key)
