"""Answering an item: the widget that fits its type, the note beside it, and the way to say that it does not apply."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from core import db
from core.access.policy import Actor
from core.errors import PortalError
from core.reviews import answering
from core.reviews.queries import CaseDetail, ItemView
from core.reviews.tables import CaseAnswer
from pages.parts import badges, notices, writing
from pages.parts.notices import plain


def form(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    """The form, filled with the answer that its writer saw first: what somebody else answered meanwhile is told beside it."""
    item, last = view.item, view.answer
    seen = _seen(actor, detail, view)
    base = next((one for one in view.answers if one.revision == seen), None)
    if last and last.revision != seen:
        _overtaken(detail, last)
    key = f"answer {item.id} {seen}"
    with st.form(key, border=True):
        value = _widget(detail, view, base, key) if item.asks else None
        note = st.text_area("Note", value=base.note if base else "", max_chars=answering.NOTE_LENGTH, height=80, key=f"{key} note", help="What a reviewer should know beside the answer, or why the item does not apply.")  # fmt: skip
        left_out = st.checkbox("It does not apply here (say why in the note)", value=bool(base and base.not_applicable), key=f"{key} na")  # fmt: skip
        with st.container(horizontal=True):
            stays = st.form_submit_button("Save the answer", type="primary", icon=":material/save:")
            goes = st.form_submit_button("Save, then the next open item", icon=":material/arrow_forward:")
        if stays or goes:
            given = {"value": None if left_out else value, "note": note, "not_applicable": left_out}
            _save(actor, detail, view, seen, given, goes_on=goes)
    if last and last.carried and st.button("It still holds: attest it", icon=":material/verified:", key=f"{key} attest"):  # fmt: skip
        writing.attempt(answering.attest, actor=actor, case_id=detail.case.id, item_ids=[item.id], done=f"{item.id} is attested.")  # fmt: skip


def _seen(actor: Actor, detail: CaseDetail, view: ItemView) -> int:
    """The revision on which the person writes: the one that stood there when the form was opened, or their own since."""
    present = view.answer.revision if view.answer else 0
    remembered = f"seen {detail.case.id} {view.item.id}"
    seen = st.session_state.get(remembered, present)
    # fields that are not on the page are forgotten: then the form is opened anew
    is_open = f"answer {view.item.id} {seen} na" in st.session_state
    if not is_open or (view.answer and view.answer.answered_by == actor.ref):
        seen = present
    st.session_state[remembered] = seen
    return int(seen)


def _overtaken(detail: CaseDetail, last: CaseAnswer) -> None:
    who = detail.names.get(last.answered_by, last.answered_by)
    st.warning(f"{plain(who)} answered this {badges.ago(last.answered_at)}, while you had it open: {plain(words(last, detail))}", icon=":material/sync_problem:")  # fmt: skip
    if st.button("Start from that answer", icon=":material/restart_alt:", key=f"restart {last.item_id}"):
        st.session_state.pop(f"seen {detail.case.id} {last.item_id}", None)
        st.rerun()


def _save(actor: Actor, detail: CaseDetail, view: ItemView, seen: int, given: dict[str, Any], *, goes_on: bool) -> None:
    item = view.item.id
    try:
        with db.writing() as session:
            answering.answer(session, actor=actor, case_id=detail.case.id or 0, item_id=item, revision=seen, **given)
    except PortalError as error:
        notices.refuse(error)
        return
    if goes_on:
        order = [one.item.id for one in detail.items]
        later = detail.items[order.index(item) + 1 :] + detail.items[: order.index(item)]
        following = next((one.item.id for one in later if one.item.asks and not one.is_settled), item)
        st.query_params["item"] = following
    notices.after_rerun(f"{item} is answered.")
    st.rerun()


def _widget(detail: CaseDetail, view: ItemView, base: CaseAnswer | None, key: str) -> Any:
    item, given = view.item, base.value if base else None
    label = f"Answer to {item.id}"
    match item.type:
        case "boolean":
            options = {None: "No answer yet", True: "Yes", False: "No"}
            return st.radio(label, options, format_func=options.__getitem__, index=list(options).index(given if isinstance(given, bool) else None), horizontal=True, key=f"{key} value")  # fmt: skip
        case "attestation":
            return st.checkbox("I attest that this is so", value=given is True, key=f"{key} value") or None
        case "choice" | "scale":
            return st.radio(label, item.options, format_func=plain, index=item.options.index(given) if given in item.options else None, key=f"{key} value")  # fmt: skip
        case "number":
            unit = f" in {item.unit}" if item.unit else ""
            return st.number_input(f"{label}{unit}", value=float(given) if isinstance(given, int | float) else None, key=f"{key} value", format="%g")  # fmt: skip
        case "date":
            return st.date_input(label, value=date.fromisoformat(given) if given else None, key=f"{key} value")
        case "file":
            names = {one.id: one.name for one in detail.files}
            if not names:
                st.caption("Upload the file on the Evidence tab first.")
            return st.selectbox(label, names, format_func=names.__getitem__, index=list(names).index(given) if given in names else None, key=f"{key} value")  # fmt: skip
        case "link":
            return st.text_input(label, value=given or "", placeholder="https://…", key=f"{key} value") or None
        case _:
            return st.text_area(label, value=given or "", max_chars=4000, key=f"{key} value") or None


def shown(view: ItemView, detail: CaseDetail) -> str:
    """The answer that counts in words."""
    if view.answer is None:
        return "Not answered yet."
    return words(view.answer, detail) + (" A reviewer agrees." if view.answer.agreed_by else "")


def words(one: CaseAnswer, detail: CaseDetail) -> str:
    """One revision of an answer, with its note."""
    if one.not_applicable:
        return f"It does not apply: {one.note}"
    value = {True: "Yes", False: "No"}[one.value] if isinstance(one.value, bool) else one.value
    item = detail.item(one.item_id)
    if item is not None and item.item.type == "file":
        value = next((file.name for file in detail.files if file.id == value), value)
    said = [str(value)] if value is not None else []
    said += [one.note] if one.note else []
    return " · ".join(said) or "Judged by its check."
