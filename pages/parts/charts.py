"""Charts in one style: direct labels, honest axes, the takeaway in words beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.db import now

if TYPE_CHECKING:
    from core.projects.portfolio import Row
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


def counts(groups: Mapping[str, Mapping[str, int]], *, alt: str) -> None:
    """Horizontal bars from zero, a group of them for each key, each bar labelled with its count and what it counts."""
    import altair
    import pandas as pd

    rows = pd.DataFrame(
        [
            {"group": group, "measure": measure, "count": count, "label": f"{count:,} {measure}"}
            for group, measures in groups.items()
            for measure, count in measures.items()
        ]
    )
    most = int(rows["count"].max()) or 1
    base: Any = altair.Chart(rows).encode(
        y=altair.Y("group:N", sort=None, title=None, axis=altair.Axis(labelLimit=220)),
        yOffset=altair.YOffset("measure:N", sort=None),
        # room at the right for the label of the longest bar
        x=altair.X("count:Q", title=None, scale=altair.Scale(domain=[0, most * 1.35]), axis=altair.Axis(tickMinStep=1, format="d")),
    )  # fmt: skip
    bars = base.mark_bar().encode(color=altair.Color("measure:N", sort=None, legend=None))
    labels = base.mark_text(align="left", dx=4).encode(text="label:N")
    st.altair_chart((bars + labels).properties(height=40 + 22 * len(rows)), alt=alt)


STAGE_COLOURS = {"explore": "#56B4E9", "experiment": "#E69F00", "operate": "#009E73"}
"""From the palette of Okabe and Ito (2008), which people with any colour vision tell apart; dark words stand on each."""
_WORDS_ON_COLOUR = "#0e161e"
_FADED = 0.4
_BAR = ["project", "stage", "since", "until", "label", "strength"]
_ROW_HEIGHT = 26
_WIDE_ENOUGH = 0.12
"""Share of the whole time from which on a bar has room for its stage's name."""


def stages(projects: list[Row]) -> None:
    """The stages of each project over time, those of ended projects faded and marked with how they ended."""
    import altair as alt
    import pandas as pd

    bars, ends = _stage_bars(projects)
    order, colours = list(dict.fromkeys(_labelled(one) for one in projects)), STAGE_COLOURS
    y = alt.Y("project:N", sort=order, title=None, axis=alt.Axis(labelLimit=170))
    base: Any = alt.Chart(pd.DataFrame(bars, columns=_BAR)).encode(x=alt.X("since:T", title=None), x2="until:T", y=y)
    shade = alt.Color("stage:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None)
    chart = base.mark_bar(height=16).encode(
        color=shade,
        opacity=alt.Opacity("strength:Q", scale=None),
        tooltip=["project:N", "stage:N", "since:T", "until:T"],
    )
    chart += base.mark_text(align="left", dx=4, color=_WORDS_ON_COLOUR).encode(text="label:N")
    if ends:
        ended: Any = alt.Chart(pd.DataFrame(ends)).encode(x="since:T", y=y)
        chart += ended.mark_text(align="left", dx=4).encode(text="stage:N")
    st.altair_chart(chart.properties(height=_ROW_HEIGHT * len(order) + 40), alt=_stages_in_words(projects))


def _stage_bars(projects: list[Row]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows for the bars of running stages, and for the words at the end of stopped and closed projects."""
    present = now()
    first = min((period.since for one in projects for period in one.periods), default=present)
    room = (present - first).total_seconds() * _WIDE_ENOUGH
    bars, ends = [], []
    for one in projects:
        for period in one.periods:
            until = period.until or present
            since, end = f"{period.since:%FT%TZ}", f"{until:%FT%TZ}"
            row = {"project": _labelled(one), "stage": period.stage, "since": since, "until": end}
            if period.stage not in STAGE_COLOURS:
                ends.append(row)
                continue
            wide = one.running and (until - period.since).total_seconds() > room
            bars.append(row | {"label": period.stage if wide else "", "strength": 1.0 if one.running else _FADED})
    return bars, ends


def _labelled(one: Row) -> str:
    return f"{one.title} ({one.id})"


def _stages_in_words(projects: list[Row]) -> str:
    present = [one.stage for one in projects]
    told = ", ".join(f"{present.count(stage)} in {stage}" for stage in dict.fromkeys(present))
    longest = max((one for one in projects if one.running), key=lambda one: one.days_in_stage, default=None)
    words = f"Stages of {len(projects)} projects over time; now {told}"
    return words + (
        f"; longest in its stage: {longest.title}, {longest.days_in_stage} days in {longest.stage}" if longest else ""
    )
