"""A finding: its verdict in words, the interval against the limit as a chart, and the same figures as a table."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.checks.findings import Finding
from pages.parts import badges, case_words
from pages.parts.notices import plain

_HEIGHT, _MIDDLE = 160, 56
"""Of the chart with its axis, and of the interval from above, in pixels."""


def show(finding: Finding, *, status: str = "") -> None:
    """What a check says, with its figures where it has any; its verdict is left out where ``status`` said it already."""
    verdict = "" if status == finding.verdict else badges.text(*case_words.STATUSES[finding.verdict]) + " "
    st.markdown(f"{verdict}{plain(finding.text)}")
    if finding.observed is not None and finding.limit is not None:
        _chart(finding)
    if finding.rows_needed:
        st.caption(f"About {finding.rows_needed:,} more rows would settle it.")
    if finding.compensating:
        st.caption("It cannot be measured here: show a control that stands in for it, or ask for a waiver.")
    if finding.advice and finding.verdict != "pass":
        st.markdown(f":material/build: {plain(finding.advice)}")
    if finding.source:
        st.caption(f"Limit: {plain(finding.source)}")


def _chart(finding: Finding) -> None:
    """The observed value with its interval as a point on a line, and the limit as a named rule."""
    import altair as alt
    import pandas as pd

    observed, limit = finding.observed or 0.0, finding.limit or 0.0
    low, high = _interval(finding)
    row = pd.DataFrame([{"low": low, "high": high, "value": observed, "name": f"{observed:.4g}"}])
    edge = pd.DataFrame([{"limit": limit, "name": f"limit {limit:.4g}"}])
    words = "#e6edf3" if st.context.theme.type == "dark" else "#0e161e"
    axis: Any = alt.X("low:Q", title=finding.metric or "observed", scale=alt.Scale(zero=False, nice=True, padding=20))
    base: Any = alt.Chart(row).encode(y=alt.value(_MIDDLE))
    chart = base.mark_rule(strokeWidth=5, color="#0072B2").encode(x=axis, x2="high:Q")
    chart += base.mark_point(filled=True, size=130, opacity=1, color="#0072B2").encode(x="value:Q")
    chart += base.mark_text(dy=-16, color=words).encode(x="value:Q", text="name:N")
    line: Any = alt.Chart(edge).encode(x="limit:Q")
    chart += line.mark_rule(strokeDash=[5, 4], strokeWidth=2, color="#D55E00")
    # above the interval and beside its line, so that it covers neither the axis nor the value
    chart += line.mark_text(align="left", dx=5, color=words).encode(y=alt.value(8), text="name:N")
    st.altair_chart(chart.properties(height=_HEIGHT), alt=_takeaway(finding))
    with st.expander("As a table", icon=":material/table:"):
        st.table(_figures(finding))


def _interval(finding: Finding) -> tuple[float, float]:
    observed = finding.observed or 0.0
    low, high = finding.lower, finding.upper
    return (observed if low is None else low), (observed if high is None else high)


def _takeaway(finding: Finding) -> str:
    low, high = _interval(finding)
    side = f", which should be {finding.better} it" if finding.better else ""
    return f"{finding.metric or 'Observed'}: {finding.observed:.4g}, interval {low:.4g} to {high:.4g}; limit {finding.limit:.4g}{side}; verdict: {finding.verdict}"  # fmt: skip


def _figures(finding: Finding) -> dict[str, list[str]]:
    figures = {
        "Observed": finding.observed, "Lower end": finding.lower, "Upper end": finding.upper, "Limit": finding.limit,
    }  # fmt: skip
    known = {name: value for name, value in figures.items() if value is not None}
    return {"Figure": list(known), "Value": [f"{value:.4g}" for value in known.values()]}
