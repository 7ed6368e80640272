"""Every project's model: champion, challenger, key metric, last run and owner, from the mirror alone."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.config import settings
from core.errors import PortalError
from core.projects.actions import STAGES
from core.tracking import queries as tracking
from pages.parts import actor as actors
from pages.parts import addresses, badges, model_detail, notices
from pages.parts.notices import plain

SIZE = 50
SORTS = {
    "title": "Project", "stage": "Stage", "unit": "Business unit", "value": "Champion's value",
    "difference": "Challenger's lead", "age": "Oldest champion", "last run": "Last run",
}  # fmt: skip


def as_of(moment: object, failure: str) -> None:
    """How old the mirror is, and why, where it could not be brought up to date."""
    if failure:
        st.warning(f"MLflow does not answer; these facts are from {badges.exact(moment)}. {plain(failure)}", icon=":material/cloud_off:")  # fmt: skip
    else:
        st.caption(f"As of {badges.ago(moment)} ({badges.exact(moment)}), from the portal's mirror of MLflow.")


def standing(version: str | None, value: float | None) -> str:
    """``v3 · 0.953``, or what is missing."""
    if version is None:
        return "none"
    return f"v{version} · {value:.4g}" if value is not None else f"v{version} · not measured"


def lead(row: tracking.PortfolioRow) -> str:
    """The challenger's difference in words; a difference on different data is no lead."""
    if row.difference is None:
        return ""
    if row.comparable is False:
        return "not comparable: different data"
    verdict = "better" if row.challenger_leads else "not better"
    return f"{row.difference:+.4g} ({verdict})"


def table(rows: list[tracking.PortfolioRow]) -> None:
    """The portfolio; choosing a row opens its model."""
    chosen = st.dataframe(
        {
            "Project": [one.title for one in rows],
            "Key metric": [one.key_metric for one in rows],
            "Champion": [standing(one.champion, one.champion_value) for one in rows],
            "Challenger": [standing(one.challenger, one.challenger_value) for one in rows],
            "Lead of the challenger": [lead(one) for one in rows],
            "Owner": [one.team for one in rows],
            "Stage": [one.stage for one in rows],
            "Last run": [f"{badges.ago(one.last_run_at)} ({(one.last_run_status or 'never').lower()})" for one in rows],
            "Versions": [one.versions for one in rows],
        },
        hide_index=True, on_select="rerun", selection_mode="single-row", key="portfolio", height="content",
        alt=f"{len(rows)} projects with champion, challenger, key metric, last run and owner",
    )  # fmt: skip
    with_model = {one.model: f"{one.title} ({one.model})" for one in rows if one.versions}
    if chosen.selection.rows and (model := rows[chosen.selection.rows[0]].model) in with_model:
        st.switch_page("models.py", query_params={"model": model})
    opened = st.selectbox("Open a model", with_model, index=None, format_func=with_model.__getitem__, placeholder="Choose a project's model", key="open_model")  # fmt: skip
    if opened:
        st.switch_page("models.py", query_params={"model": opened})


actor = actors.current()
if model := st.query_params.get("model"):
    model_detail.show(actor, model)
    st.stop()

st.title("Models", anchor=False)
with db.reading() as session:
    units = {"": "All business units"} | {one.id: one.name for one in people.units(session)}
stages = {"": "All stages"} | {one: one.capitalize() for one in STAGES}
words, page = st.query_params.get("q", ""), addresses.page_number()

with st.container(horizontal=True):
    unit = addresses.choice("Business unit", "unit", units, width=220)
    stage = addresses.choice("Stage", "stage", stages, width=180)
    sort = addresses.choice("Sort by", "sort", SORTS, default="title")

try:
    with db.reading() as session:
        found = tracking.portfolio(session, actor, q=words, unit=unit or None, stage=stage or None, sort=sort, page=page, size=SIZE)  # fmt: skip
except PortalError as error:
    notices.refuse(error)
    st.stop()

as_of(found.as_of, found.failure)
if found.items:
    if settings().demo and not any(one.versions for one in found.items):
        st.info("The demo's models are being trained right now; the first ones show here within a minute or two.", icon=":material/model_training:")  # fmt: skip
    table(found.items)
elif found.total:
    st.info("The list ends before this page.", icon=":material/last_page:")
elif unit or stage or words:
    st.info("No project matches these filters.", icon=":material/filter_alt_off:")
else:
    hint = (
        "Start the demo with `make run`, or create a project."
        if policy.may_anywhere(actor, "project.create")
        else "Teams create them."
    )
    st.info(f"No project yet. {hint}", icon=":material/rocket_launch:")
addresses.pages(found.total, SIZE, page)
