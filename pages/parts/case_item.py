"""The chosen item: what is asked and why, what was answered, what the evidence says, and what was said about it."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from core.access.policy import Actor
from core.db import now
from core.reviews import answering, states, waivers, waiving
from core.reviews.queries import CaseDetail, ItemView
from core.reviews.waivers import Wish
from pages.parts import badges, case_answer, case_finding, case_words, writing
from pages.parts.notices import plain


def show(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    """Everything about one item."""
    item = view.item
    st.subheader(f"{plain(item.id)} {plain(item.summary)}", anchor=False)
    st.markdown(case_words.status(view) + (" " + badges.text("Blocking", ":material/lock:", "orange") if item.blocking else ""))  # fmt: skip
    st.markdown(plain(item.question))
    for one in view.comments:
        if one.asks_change and one.resolved_by_revision is None:
            st.warning(f"{plain(detail.names.get(one.author, one.author))} asks for a change: {plain(one.text)}", icon=":material/edit_note:")  # fmt: skip
    if view.finding:
        case_finding.show(view.finding)
    elif item.check:
        st.info("Its check judges the evidence once that is attached.", icon=":material/hourglass_empty:")
    if "answer" in detail.may:
        case_answer.form(actor, detail, view)
    elif item.asks:
        st.markdown(f"**Answer.** {plain(case_answer.shown(view, detail))}")
    _agree(actor, detail, view)
    _why(view)
    _waiver(actor, detail, view)
    _discussion(actor, detail, view)


def _why(view: ItemView) -> None:
    item = view.item
    with st.expander("Why this is asked", icon=":material/lightbulb:"):
        if item.why:
            st.markdown(plain(item.why))
        st.caption(plain(item.because))
        if item.mappings:
            st.caption("It answers to " + ", ".join(plain(one) for one in item.mappings))
    if len(view.answers) > 1:
        with st.expander(f"{len(view.answers)} revisions", icon=":material/history:"):
            for one in view.answers:
                st.caption(f"{one.revision}: {plain(str(one.value) if one.value is not None else '')} {plain(one.note)} · {badges.exact(one.answered_at)}")  # fmt: skip


def _agree(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    last = view.answer
    wanted = last and last.not_applicable and not last.agreed_by and view.item.blocking and "decide" in detail.may
    if last and wanted and st.button("I agree that it does not apply", icon=":material/handshake:", key="agree"):
        writing.attempt(answering.agree, actor=actor, case_id=detail.case.id, item_id=view.item.id, revision=last.revision, done="Agreed.")  # fmt: skip


def _waiver(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    waiver, moment = view.waiver, now()
    if waiver and waiving.in_force(waiver, moment):
        st.warning(f"Waived until {badges.exact(waiver.expires_at)}: {plain(waiver.reason)} Instead: {plain(waiver.control)}", icon=":material/gpp_maybe:")  # fmt: skip
    elif waiver:
        st.info(f"A waiver until {badges.exact(waiver.expires_at)} waits: {plain(waiver.reason)} Instead: {plain(waiver.control)}", icon=":material/hourglass_top:")  # fmt: skip
        if "decide waiver" in detail.may and actor.ref != waiver.requested_by:
            _decide(actor, waiver.id or 0)
    elif view.item.blocking and view.status not in ("pass", "answered") and "ask waiver" in detail.may:
        with st.popover("Ask for a waiver", icon=":material/gpp_maybe:"), st.form("waiver", border=False):
            reason = st.text_area("Why it cannot be met now", max_chars=2000)
            control = st.text_area("What stands in for it meanwhile", max_chars=2000, help="The compensating control.")
            days = st.number_input("Days it should hold", 1, 90, 30)
            if st.form_submit_button("Ask", type="primary"):
                wish = Wish(reason=reason, control=control, expires_at=moment + timedelta(days=int(days)))
                writing.attempt(waivers.request, actor=actor, case_id=detail.case.id, item_id=view.item.id, wish=wish, done="The waiver was asked for.")  # fmt: skip


def _decide(actor: Actor, waiver_id: int) -> None:
    with st.container(horizontal=True):
        if st.button("Approve the waiver", icon=":material/check:", key="waiver yes"):
            writing.attempt(waivers.approve, actor=actor, waiver_id=waiver_id, done="The item is let pass until then.")
        with st.popover("Refuse", icon=":material/close:"), st.form("waiver no", border=False):
            reason = st.text_area("Why", max_chars=2000)
            if st.form_submit_button("Refuse the waiver"):
                writing.attempt(waivers.refuse, actor=actor, waiver_id=waiver_id, reason=reason, done="It was refused.")


def _discussion(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    for one in view.comments:
        if not (one.asks_change and one.resolved_by_revision is None):
            settled = " (a change, made since)" if one.asks_change else ""
            st.markdown(f"> {plain(one.text)}{settled}")
            badges.when(plain(detail.names.get(one.author, one.author)), one.at)
    if "comment" in detail.may and detail.case.state not in states.ENDED:
        with st.form(f"comment {view.item.id}", border=False, clear_on_submit=True):
            words = st.text_input("Comment on this item", max_chars=answering.COMMENT_LENGTH)
            if st.form_submit_button("Comment", icon=":material/comment:"):
                writing.attempt(answering.comment, actor=actor, case_id=detail.case.id, item_id=view.item.id, text=words, done="Said.")  # fmt: skip
