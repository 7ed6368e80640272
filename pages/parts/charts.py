"""Charts in one style: direct labels, honest axes, the takeaway in words beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from core.tracking.queries import VersionLine


def metric_by_version(versions: list[VersionLine], metric: str, *, higher_is_better: bool) -> None:
    """A metric over a model's versions, oldest first, each labelled with its alias; its table stands below the chart."""
    import altair as alt
    import pandas as pd

    measured = [one for one in reversed(versions) if metric in one.metrics]
    if not measured:
        st.info(f"No version has the metric {metric}.", icon=":material/query_stats:")
        return
    rows = pd.DataFrame(
        {
            "version": [f"v{one.version}" for one in measured],
            "value": [one.metrics[metric] for one in measured],
            "label": [", ".join(one.aliases) for one in measured],
        }
    )
    base: Any = alt.Chart(rows).encode(
        x=alt.X("version:N", sort=None, title="Version"),
        y=alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False)),
    )
    chart = base.mark_line(strokeDash=[3, 3]) + base.mark_point(size=90, filled=True)
    chart += base.mark_text(dy=-14).encode(text="label:N")
    st.altair_chart(chart.properties(height=260), alt=_takeaway(measured, metric, higher_is_better))


def _takeaway(measured: list[VersionLine], metric: str, higher_is_better: bool) -> str:
    best = (max if higher_is_better else min)(measured, key=lambda one: one.metrics[metric])
    champion = next((one for one in measured if "champion" in one.aliases), None)
    told = f"{metric} over {len(measured)} versions: best is version {best.version} with {best.metrics[metric]:.4g}"
    return told + (f"; champion is version {champion.version} with {champion.metrics[metric]:.4g}" if champion else "")
