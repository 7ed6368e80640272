"""Answering an item: the widget that fits its type, the note beside it, and the way to say that it does not apply."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from core.access.policy import Actor
from core.reviews import answering
from core.reviews.queries import CaseDetail, ItemView
from core.reviews.tables import CaseAnswer
from pages.parts import writing
from pages.parts.notices import plain


def form(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    """The form, filled with the answer that counts."""
    item, last = view.item, view.answer
    key = f"answer {item.id} {last.revision if last else 0}"
    with st.form(key, border=True):
        value = _widget(detail, view, key) if item.asks else None
        note = st.text_area("Note", value=last.note if last else "", max_chars=answering.NOTE_LENGTH, height=80, key=f"{key} note", help="What a reviewer should know beside the answer, or why the item does not apply.")  # fmt: skip
        left_out = st.checkbox("It does not apply here (say why in the note)", value=bool(last and last.not_applicable), key=f"{key} na")  # fmt: skip
        if st.form_submit_button("Save the answer", type="primary", icon=":material/save:"):
            writing.attempt(
                answering.answer, actor=actor, case_id=detail.case.id, item_id=item.id,
                revision=last.revision if last else 0, value=None if left_out else value, note=note,
                not_applicable=left_out, done=f"{item.id} is answered.",
            )  # fmt: skip
    if last and last.carried and st.button("It still holds: attest it", icon=":material/verified:", key=f"{key} attest"):  # fmt: skip
        writing.attempt(answering.attest, actor=actor, case_id=detail.case.id, item_ids=[item.id], done=f"{item.id} is attested.")  # fmt: skip


def _widget(detail: CaseDetail, view: ItemView, key: str) -> Any:
    item, given = view.item, view.answer.value if view.answer else None
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
            return st.selectbox(label, names, format_func=lambda one: plain(names[one]), index=list(names).index(given) if given in names else None, key=f"{key} value")  # fmt: skip
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
