"""All patterns in one table: what each is for, how fast and dear it is, who uses it, and what is approved."""

from __future__ import annotations

import math

import streamlit as st

from core import db
from core.access.policy import Actor
from core.patterns import queries
from core.patterns.queries import PatternRow
from pages.parts import badges
from pages.parts.notices import plain

SIZE = 50


def show(actor: Actor) -> None:
    """The table of one page of patterns; choosing a row opens its entry."""
    asked = st.query_params.get("page", "1")
    page = int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 6 else 1
    with db.reading() as session:
        found = queries.patterns(session, actor, page=page, size=SIZE)
    if not found.total:
        st.info("Here stand the architectures that projects start from. Propose the first one.", icon=":material/schema:")  # fmt: skip
        st.page_link("propose.py", label="Propose a pattern", icon=":material/add:", query_params={"kind": "pattern"})
        return
    st.caption(
        f"{badges.count(found.total, 'pattern')}, the most used first. Approvals are those that reviewers gave to the present version."
    )
    _table(found.items)
    if found.total > SIZE:
        here = min(max(page, 1), math.ceil(found.total / SIZE))
        key = f"patterns_page_{here}"
        st.pagination(math.ceil(found.total / SIZE), default=here, key=key, on_change=_turn, args=(key,))


def _table(rows: list[PatternRow]) -> None:
    chosen = st.dataframe(
        {
            "Pattern": [one.title for one in rows],
            "For": [one.summary for one in rows],
            "Answers within": [one.latency for one in rows],
            "Cost": [one.cost for one in rows],
            "Data": [", ".join(one.classifications) or "any" for one in rows],
            "Used by": [one.adoptions for one in rows],
            "Approvals": [one.approvals for one in rows],
            "Version": [one.version for one in rows],
            "State": [badges.LIFECYCLES[one.lifecycle][0] if one.lifecycle in badges.LIFECYCLES else one.lifecycle for one in rows],
        },
        hide_index=True, on_select="rerun", selection_mode="single-row", key="patterns", height="content",
        column_config={"For": st.column_config.TextColumn(width="large")},
        alt=f"{len(rows)} patterns with latency, cost, data classifications, users and approvals",
    )  # fmt: skip
    titles = {one.key: f"{one.title} ({one.key})" for one in rows}
    opened = st.selectbox("Open a pattern", titles, index=None, format_func=titles.__getitem__, placeholder="Choose a pattern", key="open_pattern")  # fmt: skip
    if chosen.selection.rows:
        opened = rows[chosen.selection.rows[0]].key
    if opened:
        st.switch_page("entry.py", query_params={"ref": opened})


def _turn(key: str) -> None:
    st.query_params["page"] = str(st.session_state[key])


def link(key: str, title: str, version: str) -> None:
    """A pattern's title as a link to its entry."""
    label = f"**{plain(title)}** {plain(version)}"
    st.page_link("entry.py", label=label, query_params={"ref": key}, icon=badges.kind_icon("pattern"))
