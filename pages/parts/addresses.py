"""Filters that live in the address, so that a list can be mailed, reloaded and gone back to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import streamlit as st


def choice(label: str, name: str, options: Mapping[str, str], *, default: str = "", width: int = 200) -> str:
    """A select box whose value is the parameter ``name`` of the address; what is not among the options is ``default``."""
    key = _given(name, options, default)
    return str(st.selectbox(label, options, format_func=options.__getitem__, key=key, on_change=_remember, args=(name, key, default), width=width))  # fmt: skip


def switch(label: str, name: str, options: Mapping[str, str], *, default: str = "") -> str:
    """The same as radio buttons in a row, for a few options that are worth seeing at once."""
    key = _given(name, options, default)
    return str(st.radio(label, options, format_func=options.__getitem__, key=key, on_change=_remember, args=(name, key, default), horizontal=True))  # fmt: skip


def words(label: str, name: str, *, placeholder: str, width: int = 260) -> str:
    """A text box whose value is the parameter ``name`` of the address."""
    key = f"address {name}"
    st.session_state[key] = st.query_params.get(name, "")[:200]
    return str(st.text_input(label, key=key, max_chars=200, placeholder=placeholder, on_change=_remember, args=(name, key, ""), width=width))  # fmt: skip


def tick(label: str, name: str) -> bool:
    """A box that is ticked where the address says so."""
    key = f"address {name}"
    st.session_state[key] = st.query_params.get(name) == "yes"
    return st.checkbox(label, key=key, on_change=_remember, args=(name, key, ""))


def open_tab(tabs: Iterable[str]) -> None:
    """Open the one of ``tabs`` that the address names as ``open``, once; call it before they are drawn.

    Links from pages that have tabs themselves name it so: Streamlit takes their ``tab`` for the old page's and drops it.
    """
    wanted = st.query_params.pop("open", "")
    if wanted in tabs:
        st.session_state["tab"] = wanted


def page_number() -> int:
    """The page in the address; anything else is page 1."""
    given = st.query_params.get("page", "1")
    return max(int(given), 1) if given.isascii() and given.isdigit() and len(given) < 7 else 1


def pages(total: int, size: int, here: int) -> None:
    """The pages of a list, where it has more than one."""
    count = math.ceil(total / size)
    if count > 1:
        key = f"page {here}"
        st.pagination(count, default=min(here, count), key=key, on_change=_turn, args=(key,))


def _given(name: str, options: Mapping[str, str], default: str) -> str:
    key = f"address {name}"
    value = st.query_params.get(name, default)
    st.session_state[key] = value if value in options else default
    return key


def _remember(name: str, key: str, default: str) -> None:
    value = st.session_state[key]
    value = "yes" if value is True else "" if value is False else str(value)
    if value == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
    st.query_params.pop("page", None)


def _turn(key: str) -> None:
    st.query_params["page"] = str(st.session_state[key])
