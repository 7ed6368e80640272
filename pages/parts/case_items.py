"""The items of a case at the left: a link each, with how it stands; the chosen one opens beside them."""

from __future__ import annotations

import streamlit as st

from core.reviews.queries import CaseDetail, ItemView
from pages.parts import badges, case_words
from pages.parts.notices import plain


def chosen(detail: CaseDetail) -> ItemView | None:
    """The item that the address names, or the first that wants something."""
    named = detail.item(st.query_params.get("item", ""))
    wanting = (one for one in detail.items if one.is_asked or one.status in ("fail", "inconclusive", "missing", "open"))
    return named or next(wanting, detail.items[0] if detail.items else None)


def show(detail: CaseDetail, current: ItemView | None) -> None:
    """Every item under its heading, and those that do not apply, with their reasons."""
    for section, items in detail.sections.items():
        st.markdown(f"**{plain(section)}**")
        for one in items:
            _line(detail, one, is_current=current is not None and one.item.id == current.item.id)
    if detail.left_out:
        with st.expander(f"{badges.count(len(detail.left_out), 'item')} left out"):
            for item in detail.left_out:
                st.caption(f"{plain(item.id)} · {plain(item.summary)}: {plain(item.because)}")


def _line(detail: CaseDetail, view: ItemView, *, is_current: bool) -> None:
    word, icon, _ = case_words.STATUSES[view.status]
    summary = f"{plain(view.item.id)} {plain(view.item.summary)}"
    marks = [word] + (["blocking"] if view.item.blocking else []) + (["change asked"] if view.is_asked else [])
    label = f"**{summary}**" if is_current else summary
    st.page_link("review.py", label=f"{label} · {', '.join(marks)}", icon=icon, query_params={"id": str(detail.case.id), "item": view.item.id})  # fmt: skip
