"""Architectural patterns: all of them, advice on which fits, and two or three side by side."""

from __future__ import annotations

import streamlit as st

from pages.parts import actor as actors
from pages.parts import pattern_advice, pattern_comparison, pattern_list

VIEWS = {
    "all": ("All patterns", pattern_list.show),
    "advice": ("Which one fits?", pattern_advice.show),
    "compare": ("Side by side", pattern_comparison.show),
}
"""View in the address → its title and what draws it."""


def turn_to() -> None:
    """Put the chosen view into the address; the answers and the comparison in it stay."""
    st.query_params["view"] = st.session_state.patterns_view
    st.query_params.pop("page", None)


actor = actors.current()
st.title("Patterns", anchor=False)
st.caption(
    "Start from an architecture that others run already: its services, its operation and its approvals come with it."
)

asked = st.query_params.get("view", "all")
st.session_state.patterns_view = asked if asked in VIEWS else "all"
view = st.radio("View", VIEWS, format_func=lambda one: VIEWS[one][0], key="patterns_view", horizontal=True, label_visibility="collapsed", on_change=turn_to)  # fmt: skip
VIEWS[view][1](actor)
