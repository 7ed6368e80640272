"""What came of the harvest: candidates, published, reused by others within 12 months, by unit and year."""

from __future__ import annotations

import streamlit as st

from core.projects.harvest_queries import YieldRow
from pages.parts import badges, charts

MEANING = (
    "Candidates are decisions to share, in the year they were made; published are those a curator approved; reused are "
    "those that a project other than the source adopted within 12 months (365 days) of publication. The definition is "
    "the factory's own."
)
MOST_BARS = 12
"""Units and years in the chart; the table below it has all of them."""


def show(rows: list[YieldRow]) -> None:
    """Figures, chart and table; says what would be here where nothing is."""
    st.subheader("What came of it", anchor=False)
    if not rows:
        st.info("No project has shared anything or closed yet. A project decides what it gives back on its page.", icon=":material/agriculture:")  # fmt: skip
        st.page_link("projects.py", label="Open the projects", icon=":material/account_tree:")
        return
    st.caption(MEANING)
    _totals(rows)
    if any(one.candidates for one in rows):
        charts.counts({f"{one.unit}, {one.year}": _funnel(one) for one in _largest(rows)}, alt=_takeaway(rows))
    _table(rows)


def percent(part: int, whole: int) -> str:
    """``40 % (2 of 5)``, or a dash where there is nothing to compare with."""
    return f"{100 * part / whole:.0f} % ({part} of {whole})" if whole else "–"


def _totals(rows: list[YieldRow]) -> None:
    candidates, published = sum(one.candidates for one in rows), sum(one.published for one in rows)
    reused, young = sum(one.reused for one in rows), sum(one.maturing for one in rows)
    with st.container(horizontal=True):
        st.metric("Candidates", f"{candidates:,}")
        st.metric("Published", percent(published, candidates))
        st.metric("Reused by others", percent(reused, published))
        st.metric("Closed projects that shared", percent(sum(one.closed_sharing for one in rows), sum(one.closed for one in rows)))  # fmt: skip
    if young:
        st.caption(f"{badges.count(young, 'published entry', 'published entries')} can still be reused within its 12 months.")  # fmt: skip


def _largest(rows: list[YieldRow]) -> list[YieldRow]:
    """The units and years with the most candidates, in the order of the table."""
    kept = sorted(rows, key=lambda one: -one.candidates)[:MOST_BARS]
    return [one for one in rows if one in kept and one.candidates]


def _funnel(row: YieldRow) -> dict[str, int]:
    return {"candidates": row.candidates, "published": row.published, "reused by others": row.reused}


def _takeaway(rows: list[YieldRow]) -> str:
    best = max(rows, key=lambda one: (one.reused, one.published, one.candidates))
    return (
        f"Harvest by unit and year: {sum(one.candidates for one in rows)} candidates, "
        f"{sum(one.published for one in rows)} published, {sum(one.reused for one in rows)} reused by others; "
        f"most were reused from {best.unit} in {best.year}: {best.reused}"
    )


def _table(rows: list[YieldRow]) -> None:
    st.dataframe(
        {
            "Unit": [one.unit for one in rows],
            "Year": [str(one.year) for one in rows],
            "Candidates": [one.candidates for one in rows],
            "Published": [one.published for one in rows],
            "Reused by others": [one.reused for one in rows],
            "Still within 12 months": [one.maturing for one in rows],
            "Closed projects": [one.closed for one in rows],
            "Of these shared": [one.closed_sharing for one in rows],
        },
        hide_index=True, height="content", alt=f"Yield of the harvest for {badges.count(len(rows), 'unit and year', 'units and years')}",
    )  # fmt: skip
