"""The bar at the bottom of a case: how far it is, and the decisions that this reader may make now."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.access.policy import Actor
from core.reviews import answering, assigning, ending, requesting, states
from core.reviews.queries import CaseDetail
from pages.parts import badges, case_items, case_signing, case_waivers, case_words, signing_pin, writing
from pages.parts.notices import plain


def show(actor: Actor, detail: CaseDetail) -> None:
    """Progress at the left, decisions at the right."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.markdown(progress(detail), width="content", help=_left(detail))
        with st.container(horizontal=True, width="content"):
            _carried(actor, detail)
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
            said.append(f"{badges.count(sum(detail.seats_left.values()), 'signature')} to come")
    return " · ".join(said)


def _left(detail: CaseDetail) -> str | None:
    """What exactly is left, for whoever asks."""
    if detail.case.state not in states.OPEN:
        return None
    said = [f"Against an approval: {plain(', '.join(detail.blockers))}."] if detail.blockers else []
    left = ", ".join(f"{count} {role}" for role, count in detail.seats_left.items())
    said += [f"Signatures to come: {plain(left)}."] if left else []
    return " ".join(said) or None


def _carried(actor: Actor, detail: CaseDetail) -> None:
    """Attest what was carried over from the version before, all at once."""
    waiting = [one.item.id for one in detail.items if one.status == "carried"]
    if "answer" not in detail.may or not waiting:
        return
    question = f"You attest that these answers of the version before still hold: {plain(', '.join(waiting))}."
    if writing.confirmed("Attest what was carried", question, key="attest all", icon=":material/redo:"):
        writing.attempt(answering.attest, actor=actor, case_id=detail.case.id, item_ids=waiting, done=f"{badges.count(len(waiting), 'answer')} attested.")  # fmt: skip


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
    """Choose items, and say of each what should change; the case goes back with all of it at once."""
    if "request changes" not in detail.may:
        return
    with st.popover("Ask for changes", icon=":material/edit_note:"):
        names = {one.item.id: f"{one.item.id} {one.item.summary}" for one in detail.items}
        here = case_items.chosen(detail)
        items = st.multiselect("Items to change", names, default=[here.item.id] if here else [], format_func=names.__getitem__, key="changes")  # fmt: skip
        words = {one: st.text_area(f"What should change in {one}", max_chars=answering.COMMENT_LENGTH, height=80, key=f"change {one}") for one in items}  # fmt: skip
        if st.button("Ask", type="primary", key="ask changes", disabled=not items):
            writing.attempt(requesting.request_changes, actor=actor, case_id=detail.case.id, items=words, done="The owner was asked; your clock stands still.")  # fmt: skip


def _more(actor: Actor, detail: CaseDetail) -> None:
    """What is rarely done, each with its reason."""
    offered: dict[str, tuple[str, Any, dict[str, Any]]] = {
        "withdraw": ("Withdraw the case", requesting.withdraw, {}),
        "recuse": ("Give my seat up", assigning.release, {"person_id": actor.id}),
        "suspend": ("Suspend the approval", ending.suspend, {}),
        "reopen": ("Take it into review again", ending.reopen, {}),
    }
    able = {name: one for name, one in offered.items() if name in detail.may}
    if not able and not {"revoke", "break glass"} & detail.may:
        return
    with st.popover("More", icon=":material/more_horiz:"):
        if able:
            _with_reason(actor, detail, able)
        if "revoke" in detail.may:
            _revoke(actor, detail)
        if "break glass" in detail.may:
            case_waivers.break_glass(actor, detail)


def _revoke(actor: Actor, detail: CaseDetail) -> None:
    """Two people end an approval for good, each with their PIN."""
    proposed = detail.case.revoke_proposed_by
    by = f" {plain(detail.names.get(proposed, proposed))} proposed it." if proposed else ""
    st.markdown(f"**Revoke the approval**: for good, and it takes two people.{by}")
    if not signing_pin.is_ready(actor, "revoke"):
        return
    label = "Confirm the revocation" if proposed else "Propose to revoke it"
    with st.form("revoke", border=False):
        reason = st.text_area("Why it is revoked", max_chars=ending.REASON_LENGTH)
        pin = signing_pin.field()
        if st.form_submit_button(label):
            writing.attempt(ending.revoke, actor=actor, case_id=detail.case.id, reason=reason, pin=pin, done=f"{label}: done.")  # fmt: skip


def _with_reason(actor: Actor, detail: CaseDetail, able: dict[str, tuple[str, Any, dict[str, Any]]]) -> None:
    with st.form("more", border=False):
        step = st.selectbox("What", able, format_func=lambda one: able[one][0])
        reason = st.text_area("Why", max_chars=2000)
        if st.form_submit_button("Do it"):
            label, verb, more = able[step]
            writing.attempt(verb, actor=actor, case_id=detail.case.id, reason=reason, done=f"{label}: done.", **more)
