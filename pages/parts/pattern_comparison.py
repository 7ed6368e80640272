"""Two or three patterns side by side: what they have in common, where they differ, and the diagram of each."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from core import db
from core.access.policy import Actor
from core.errors import PortalError
from core.patterns import comparison, queries
from core.patterns.comparison import Row
from core.patterns.queries import Definition
from pages.parts import notices, pattern_list, specification
from pages.parts.notices import plain


def show(actor: Actor) -> None:
    """The choice, kept in the address as ``compare=a,b``, and the table of what the chosen ones say."""
    refs = [one for one in st.query_params.get("compare", "").split(",") if one.strip()]
    chosen: list[Definition] = []
    with db.reading() as session:
        titles = {one.key: one.title for one in queries.candidates(session, actor)}
        try:
            chosen = queries.definitions(session, actor, refs)
        except PortalError as error:
            notices.refuse(error)
    _choose(titles | {one.key: one.title for one in chosen}, [one.key for one in chosen])
    if len(chosen) < 2:
        st.info("Choose two patterns, or three, to see them side by side.", icon=":material/compare_arrows:")
        return
    _side_by_side(chosen)


def _choose(titles: dict[str, str], keys: list[str]) -> None:
    st.session_state.compared = keys
    st.multiselect(
        "Patterns to compare", titles, format_func=titles.__getitem__, max_selections=comparison.MOST, key="compared",
        placeholder="Choose two or three", on_change=_remember,
    )  # fmt: skip


def _remember() -> None:
    if st.session_state.compared:
        st.query_params["compare"] = ",".join(st.session_state.compared)
    else:
        st.query_params.pop("compare", None)


def _side_by_side(chosen: list[Definition]) -> None:
    rows = comparison.rows([one.spec for one in chosen])
    differing = [one for one in rows if one.differs]
    only = st.checkbox("Only where they differ", key="only_differences", bind="query-params")
    st.caption(f"{len(differing)} of {len(rows)} rows differ; they are marked with ≠.")
    for column, one in zip(st.columns(len(chosen)), chosen, strict=True):
        with column:
            pattern_list.link(one.key, one.title, one.version)
    for group, members in groupby(differing if only else rows, key=lambda one: one.group):
        _group(group, list(members), chosen)
    st.subheader("Diagrams", anchor=False)
    for column, one in zip(st.columns(len(chosen)), chosen, strict=True):
        with column:
            st.markdown(f"**{plain(one.title)}**")
            specification.diagram(one.spec)


def _group(group: str, rows: list[Row], chosen: list[Definition]) -> None:
    st.subheader(plain(group), anchor=False)
    alike = len({one.title for one in chosen}) < len(chosen)
    cells = {
        plain(one.key if alike else one.title): [
            " · ".join(plain(line) for line in row.cells[index]) or "–" for row in rows
        ]
        for index, one in enumerate(chosen)
    }
    st.table(
        {"Aspect": [f"≠ **{plain(one.label)}**" if one.differs else plain(one.label) for one in rows]} | cells,
        border="horizontal", hide_index=True, alt=f"{group}: {', '.join(one.title for one in chosen)} in {len(rows)} rows",
    )  # fmt: skip
