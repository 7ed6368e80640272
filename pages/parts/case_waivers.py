"""Waivers of a case and its broken glasses: asking, deciding, ending, and looking at them afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import streamlit as st

from core.access.policy import Actor
from core.db import now
from core.reviews import states, waivers, waiving
from core.reviews.queries import CaseDetail, ItemView
from core.reviews.tables import Waiver
from core.reviews.waivers import Wish
from pages.parts import badges, signing_pin, writing
from pages.parts.notices import plain


def of_item(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    """The waiver of the chosen item, or the way to ask for one."""
    waiver = view.waiver
    if waiver and waiving.in_force(waiver, now()):
        st.warning(f"Waived until {badges.exact(waiver.expires_at)}: {plain(waiver.reason)} Instead: {plain(waiver.control)}", icon=":material/gpp_maybe:")  # fmt: skip
    elif waiver:
        st.info(f"A waiver until {badges.exact(waiver.expires_at)} waits: {plain(waiver.reason)} Instead: {plain(waiver.control)}", icon=":material/hourglass_top:")  # fmt: skip
        if "decide waiver" in detail.may and actor.ref != waiver.requested_by:
            _decide(actor, waiver, waivers.approve, "Approve the waiver")
    elif view.item.blocking and not view.is_settled and "ask waiver" in detail.may:
        with st.popover("Ask for a waiver", icon=":material/gpp_maybe:"), st.form("waiver", border=False):
            wish = _wish(detail, "Why it cannot be met now", waiving.WAIVER)
            if st.form_submit_button("Ask", type="primary"):
                writing.attempt(waivers.request, actor=actor, case_id=detail.case.id, item_id=view.item.id, wish=wish, done="The waiver was asked for.")  # fmt: skip


def _wish(detail: CaseDetail, question: str, kind: str) -> Wish:
    """The fields of a wish: for days, or for hours where the glass is broken."""
    case = detail.case
    reason = st.text_area(question, max_chars=waivers.LENGTH)
    control = st.text_area("What stands in for it meanwhile", max_chars=waivers.LENGTH, help="The compensating control.")  # fmt: skip
    where = st.multiselect("Where it holds", case.environments, default=case.environments) if len(case.environments) > 1 else case.environments  # fmt: skip
    if kind == waiving.BREAK_GLASS:
        holds = timedelta(hours=int(st.number_input("Hours it should hold", 1, states.BREAK_GLASS_HOURS, 24)))
    else:
        holds = timedelta(days=int(st.number_input("Days it should hold", 1, waiving.LONGEST[kind].days, 30)))
    return Wish(reason=reason, control=control, expires_at=now() + holds, environments=tuple(where))


def _decide(actor: Actor, waiver: Waiver, agree: Callable[..., Any], words: str) -> None:
    with st.container(horizontal=True):
        with st.popover(words, icon=":material/check:", key=f"agree {waiver.id}"):
            _agree(actor, waiver, agree, words)
        with st.popover("Refuse", icon=":material/close:", key=f"refuse {waiver.id}"), st.form(f"refusing {waiver.id}", border=False):  # fmt: skip
            reason = st.text_area("Why it is refused", max_chars=waivers.LENGTH)
            if st.form_submit_button("Refuse it"):
                writing.attempt(waivers.refuse, actor=actor, waiver_id=waiver.id, reason=reason, done="It was refused.")


def _agree(actor: Actor, waiver: Waiver, agree: Callable[..., Any], words: str) -> None:
    if not signing_pin.is_ready(actor, f"waiver {waiver.id}"):
        return
    with st.form(f"agreeing {waiver.id}", border=False):
        st.markdown("You accept what may come of it.")
        pin = signing_pin.field()
        if st.form_submit_button(words, type="primary"):
            writing.attempt(agree, actor=actor, waiver_id=waiver.id, pin=pin, done="It is let pass until then.")


def show(actor: Actor, detail: CaseDetail) -> None:
    """Every waiver of the case with what may be done about it."""
    if not detail.waivers:
        return
    st.markdown("**Waivers**")
    for one in detail.waivers:
        st.markdown(f"{plain(one.item_id or 'Break-glass')}: {plain(one.reason)} · {plain(_state(detail, one))}")
        stands = waiving.is_open(one) or waiving.in_force(one, now())
        if stands and ("end waiver" in detail.may or actor.ref == one.requested_by):
            _with_note("End it", "Why it ends", f"end {one.id}", waivers.end, actor, one, "reason", "It has ended.")
        looks = one.kind == waiving.BREAK_GLASS and one.second_by and not one.reviewed_at
        if looks and "look at break-glass" in detail.may and actor.ref not in (one.approved_by, one.second_by):
            _with_note("Look at it afterwards", "What you found", f"review {one.id}", waivers.review, actor, one, "note", "Your finding is kept.")  # fmt: skip


def _state(detail: CaseDetail, one: Waiver) -> str:
    names = {ref: detail.names.get(ref, ref) for ref in (one.approved_by, one.second_by, one.reviewed_by) if ref}
    who = " and ".join(names[ref] for ref in (one.approved_by, one.second_by) if ref)
    said = [f"agreed to by {who}"] if who else []
    if one.refused_at or one.ended_at:
        said.append("refused" if one.refused_at else f"ended {badges.ago(one.ended_at)}")
    else:
        said.append(f"{'waits for a decision, ' if waiving.is_open(one) else ''}until {badges.exact(one.expires_at)}")
    if one.reviewed_by:
        said.append(f"looked at by {names[one.reviewed_by]}: {one.review_note}")
    return " · ".join(said)


def _with_note(label: str, question: str, key: str, verb: Callable[..., Any], actor: Actor, one: Waiver, field: str, done: str) -> None:  # fmt: skip
    with st.popover(label, key=key), st.form(f"{key} form", border=False):
        words = st.text_area(question, max_chars=waivers.LENGTH)
        if st.form_submit_button(label, type="primary"):
            writing.attempt(verb, actor=actor, waiver_id=one.id, done=done, **{field: words})


def break_glass(actor: Actor, detail: CaseDetail) -> None:
    """Ask a second person to let everything pass, or agree as that person."""
    waiting = next((one for one in detail.waivers if one.kind == waiving.BREAK_GLASS and waiving.is_open(one)), None)
    if waiting is None:
        st.markdown(f"**Break the glass**: in an emergency two people let everything pass, for {states.BREAK_GLASS_HOURS} hours at most.")  # fmt: skip
        if not signing_pin.is_ready(actor, "break glass"):
            return
        with st.form("break glass", border=False):
            wish, pin = _wish(detail, "The emergency", waiving.BREAK_GLASS), signing_pin.field()
            if st.form_submit_button("Ask a second person"):
                writing.attempt(waivers.break_glass, actor=actor, case_id=detail.case.id, wish=wish, pin=pin, done="Asked: a second person agrees.")  # fmt: skip
        return
    st.warning(f"Break-glass until {badges.exact(waiting.expires_at)} waits for a second person: {plain(waiting.reason)} Instead: {plain(waiting.control)}", icon=":material/emergency:")  # fmt: skip
    if waiting.requested_by != actor.ref:
        _decide(actor, waiting, waivers.second, "Agree as the second person")
