"""The bar at the bottom of a case: how far it is, and the decisions that this reader may make now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from core.access.policy import Actor
from core.db import now
from core.reviews import assigning, ending, requesting, states, waivers
from core.reviews.queries import CaseDetail
from core.reviews.waivers import Wish
from pages.parts import case_signing, case_words, writing
from pages.parts.notices import plain


def show(actor: Actor, detail: CaseDetail) -> None:
    """Progress at the left, decisions at the right."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.markdown(progress(detail), width="content", help=_left(detail))
        with st.container(horizontal=True, width="content"):
            _signing(actor, detail)
            _changes(actor, detail)
            _more(actor, detail)


def progress(detail: CaseDetail) -> str:
    """How far the case is, in a line."""
    said = [f"{detail.settled} of {len(detail.items)} items settled"]
    if detail.case.state in states.OPEN:
        if detail.blockers:
            said.append(f":material/lock: {len(detail.blockers)} against an approval")
        if detail.seats_left:
            said.append(f"{sum(detail.seats_left.values())} signatures to come")
    return " · ".join(said)


def _left(detail: CaseDetail) -> str | None:
    """What exactly is left, for whoever asks."""
    if detail.case.state not in states.OPEN:
        return None
    said = [f"Against an approval: {plain(', '.join(detail.blockers))}."] if detail.blockers else []
    left = ", ".join(f"{count} {role}" for role, count in detail.seats_left.items())
    said += [f"Signatures to come: {plain(left)}."] if left else []
    return " ".join(said) or None


def _signing(actor: Actor, detail: CaseDetail) -> None:
    wanted = ["submit"] if "submit" in detail.may else []
    if "decide" in detail.may:
        wanted += ["approve", "approve with conditions", "reject"]
    for decision in wanted:
        primary = decision in ("submit", "approve")
        stopped = decision.startswith("approve") and bool(detail.blockers)
        if st.button(case_words.DECISIONS[decision], type="primary" if primary else "secondary", disabled=stopped, help="Blocking items stand against it." if stopped else None, key=f"do {decision}"):  # fmt: skip
            case_signing.begin()
            case_signing.dialog(actor, detail, decision)


def _changes(actor: Actor, detail: CaseDetail) -> None:
    if "decide" not in detail.may:
        return
    with st.popover("Ask for changes", icon=":material/edit_note:"), st.form("changes", border=False):
        names = {one.item.id: f"{one.item.id} {one.item.summary}" for one in detail.items}
        default = [one.item.id for one in detail.items if one.status in ("fail", "inconclusive", "missing")]
        items = st.multiselect("Items", names, default=default, format_func=lambda one: plain(names[one]))
        words = st.text_area("What should change", max_chars=4000)
        if st.form_submit_button("Ask", type="primary"):
            writing.attempt(requesting.request_changes, actor=actor, case_id=detail.case.id, items=dict.fromkeys(items, words), done="The owner was asked; your clock stands still.")  # fmt: skip


def _more(actor: Actor, detail: CaseDetail) -> None:
    """What is rarely done, each with its reason."""
    offered: dict[str, tuple[str, Any, dict[str, Any]]] = {
        "withdraw": ("Withdraw the case", requesting.withdraw, {}),
        "recuse": ("Give my seat up", assigning.release, {"person_id": actor.id}),
        "suspend": ("Suspend the approval", ending.suspend, {}),
        "reopen": ("Take it into review again", ending.reopen, {}),
        "revoke": (_revoking(detail), ending.revoke, {}),
    }
    able = {name: one for name, one in offered.items() if name in detail.may}
    if not able and "break glass" not in detail.may:
        return
    with st.popover("More", icon=":material/more_horiz:"):
        if able:
            _with_reason(actor, detail, able)
        if "break glass" in detail.may:
            _break_glass(actor, detail)


def _revoking(detail: CaseDetail) -> str:
    return "Confirm the revocation" if detail.case.revoke_proposed_by else "Propose to revoke it"


def _with_reason(actor: Actor, detail: CaseDetail, able: dict[str, tuple[str, Any, dict[str, Any]]]) -> None:
    with st.form("more", border=False):
        step = st.selectbox("What", able, format_func=lambda one: able[one][0])
        reason = st.text_area("Why", max_chars=2000)
        if st.form_submit_button("Do it"):
            label, verb, more = able[step]
            writing.attempt(verb, actor=actor, case_id=detail.case.id, reason=reason, done=f"{label}: done.", **more)


def _break_glass(actor: Actor, detail: CaseDetail) -> None:
    waiting = next((one for one in detail.waivers if one.kind == "break-glass" and not (one.second_by or one.refused_at or one.ended_at)), None)  # fmt: skip
    if waiting and waiting.requested_by != actor.ref:
        st.warning(f"Break-glass until {waiting.expires_at:%d %b, %H:%M UTC} waits for a second person: {plain(waiting.reason)}")  # fmt: skip
        if st.button("Agree as the second person", icon=":material/emergency:", key="second"):
            writing.attempt(waivers.second, actor=actor, waiver_id=waiting.id, done="The glass is broken; it is reviewed afterwards.")  # fmt: skip
    elif not waiting:
        with st.form("break glass", border=False):
            st.markdown("**Break the glass**: in an emergency two people let everything pass, for 72 hours at most.")
            reason = st.text_area("The emergency", max_chars=2000)
            control = st.text_area("What stands in for the checks meanwhile", max_chars=2000)
            hours = st.number_input("Hours", 1, states.BREAK_GLASS_HOURS, 24)
            if st.form_submit_button("Ask a second person"):
                wish = Wish(reason=reason, control=control, expires_at=now() + timedelta(hours=int(hours)))
                writing.attempt(waivers.break_glass, actor=actor, case_id=detail.case.id, wish=wish, done="Asked: a second person agrees.")  # fmt: skip
