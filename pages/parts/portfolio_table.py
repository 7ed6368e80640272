"""The portfolio as a table, its groups as counts, and the way to one project."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.errors import NotAllowed
from core.projects import portfolio
from core.projects.portfolio import NO_PATTERN, Filter, Group, Portfolio, Row
from pages.parts import badges, portfolio_filters
from pages.parts.notices import plain

_MISSING = {"unit": "No business unit", "tier": "Not assessed", "pattern": "No pattern", "stage": "No stage"}
_NO_VALUE = {"tier": "none", "pattern": NO_PATTERN}
"""Group → what the filter is called for projects without it."""


def counts(found: Portfolio, group: str) -> None:
    """Every group with its number of projects; choosing one narrows the list to it."""
    if len(found.groups) < 2:
        return
    with st.container(horizontal=True, gap="small"):
        for one in found.groups:
            label = f"{plain(title(one, group))} · {one.projects:,}"
            value = one.key or _NO_VALUE.get(group, "")
            if value:
                st.page_link("projects.py", label=label, query_params=_narrowed(group, value), icon=":material/filter_alt:", help=f"Only these {badges.count(one.projects, 'project')}")  # fmt: skip
            else:
                st.markdown(label)


def title(one: Group, group: str) -> str:
    """What a group is called."""
    shown = one.title.capitalize() if group in ("stage", "tier") else one.title
    return shown or _MISSING.get(group, "None")


def table(rows: list[Row], group: str) -> None:
    """One line for each project; choosing a row opens it."""
    columns = {
        "Project": [one.title for one in rows],
        "Stage": [one.stage.capitalize() for one in rows],
        "Since": [f"{one.stage_since:%d %b %Y}" for one in rows],
        "Days in stage": [one.days_in_stage for one in rows],
        "Risk tier": [tier(one) for one in rows],
        "Pattern": [pattern(one) for one in rows],
        "Owner": [one.team for one in rows],
        "Unit": [one.unit or "none" for one in rows],
        "People": [one.people for one in rows],
        "Adoptions": [one.adoptions for one in rows],
        "Decide by": [decide_by(one) for one in rows],
    }
    first = {"unit": "Unit", "tier": "Risk tier", "pattern": "Pattern", "stage": "Stage"}.get(group)
    order = ["Project", *([first] if first else []), *columns]
    chosen = st.dataframe(
        {name: columns[name] for name in dict.fromkeys(order)},
        hide_index=True, on_select="rerun", selection_mode="single-row", key="projects_table", height="content",
        alt=f"{len(rows)} projects with stage, risk tier, pattern, owner, people and adoptions",
    )  # fmt: skip
    if chosen.selection.rows and (number := chosen.selection.rows[0]) < len(rows):
        st.switch_page("project.py", query_params={"id": rows[number].id})
    titles = {one.id: f"{one.title} ({one.team})" for one in rows}
    opened = st.selectbox("Open a project", titles, index=None, format_func=titles.__getitem__, placeholder="Choose one of this page", key="open_project")  # fmt: skip
    if opened:
        st.switch_page("project.py", query_params={"id": opened})


def file(actor: Actor, wanted: Filter, sort: str) -> bytes:
    """The whole filtered result as CSV, made when somebody asks for it, with the roles they hold then."""
    with db.reading() as session:
        present = people.actor_for(session, actor.id)
        if present is None:
            raise NotAllowed("Your account is deactivated.", hint="Ask an administrator of the portal.")
        return "".join(portfolio.as_csv(session, present, wanted=wanted, sort=sort)).encode("utf-8-sig")


def tier(one: Row) -> str:
    """The tier, and whether a reviewer has confirmed it."""
    if not one.tier:
        return "not assessed"
    return one.tier if one.tier_confirmed else f"{one.tier}, not confirmed"


def pattern(one: Row) -> str:
    """The pattern a project stands on, with its version."""
    return f"{one.pattern} {one.pattern_version}".strip() or "none"


def decide_by(one: Row) -> str:
    """The day the stop rule is looked at, and whether it has passed."""
    if one.decide_by is None or not one.running:
        return ""
    return f"{one.decide_by:%d %b %Y}" + (" (overdue)" if one.overdue else "")


def _narrowed(group: str, value: str) -> dict[str, str]:
    kept = {name: one for name, one in st.query_params.items() if name != "page"}
    next_group = next(name for name in portfolio_filters.GROUPS if name != group)
    return kept | {group: value, "group": next_group}
