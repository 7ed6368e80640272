"""The items of a case at the left, each with how it stands; the chosen one opens beside them and stands in the address."""

from __future__ import annotations

import streamlit as st

from core.reviews.queries import CaseDetail, ItemView
from pages.parts import badges, case_words
from pages.parts.notices import plain

_KEY = "case item"


def chosen(detail: CaseDetail) -> ItemView | None:
    """The item that the address names, or the first that wants something."""
    named = detail.item(st.query_params.get("item", ""))
    wanting = (one for one in detail.items if one.is_asked or not one.is_settled)
    found = named or next(wanting, detail.items[0] if detail.items else None)
    if found is not None:
        st.query_params["item"] = found.item.id  # it stays, whatever others answer while somebody writes here
    return found


def show(detail: CaseDetail, current: ItemView | None) -> None:
    """Every item in the order of the checklist, to be walked through with the arrow keys; then those that do not apply."""
    items = {one.item.id: one for one in detail.items}
    if current is not None:
        st.session_state[_KEY] = current.item.id
        st.radio("Items", items, format_func=lambda one: _label(items[one]), captions=[_caption(one) for one in items.values()], key=_KEY, on_change=_choose, label_visibility="collapsed")  # fmt: skip
    if detail.left_out:
        with st.expander(f"{badges.count(len(detail.left_out), 'item')} left out"):
            for item in detail.left_out:
                st.caption(f"{plain(item.id)} · {plain(item.summary)}: {plain(item.because)}")


def _label(view: ItemView) -> str:
    _, icon, colour = case_words.STATUSES[view.status]
    return f":{colour}[{icon}] {plain(view.item.id)} {plain(view.item.summary)}"


def _caption(view: ItemView) -> str:
    marks = [case_words.STATUSES[view.status][0]]
    marks += (["blocking"] if view.item.blocking else []) + (["a change is asked for"] if view.is_asked else [])
    return f"{plain(view.item.section)}: {', '.join(marks)}"


def _choose() -> None:
    st.query_params["item"] = st.session_state[_KEY]
