"""Who serves what: ML engineers with their projects, their load and the automation they share."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access.policy import Actor
from core.projects import serving
from core.projects.serving import Engineer, Served
from pages.parts import addresses, badges
from pages.parts.notices import plain

SIZE = 20


def show(actor: Actor) -> None:
    """A table of engineers by load, each one in detail, and what nobody serves."""
    page = addresses.page_number()
    with db.reading() as session:
        found = serving.serving(session, actor, page=page, size=SIZE)
    st.caption(
        f"Load is the number of running projects; one of a high tier counts {serving.HIGH_TIER_WEIGHT} times, because each of its "
        "releases passes the whole checklist with people from outside the team. Roles for a whole unit, team or the "
        "organisation are named but not counted."
    )
    _unserved(found.unserved, found.unserved_total)
    if not found.engineers:
        st.info("No ML engineer here. Give people the role in Admin, or name them in a project.", icon=":material/engineering:")  # fmt: skip
        return
    _table(found.engineers)
    for one in found.engineers:
        _details(one)
    addresses.pages(found.total, SIZE, page)


def _table(engineers: list[Engineer]) -> None:
    st.dataframe(
        {
            "ML engineer": [one.name for one in engineers],
            "Load": [one.load for one in engineers],
            "Running projects": [_stages(one) for one in engineers],
            "High tier": [one.high for one in engineers],
            "Also for": [", ".join(one.scopes) or "nothing wider" for one in engineers],
            "Shared automation": [len(one.shared) for one in engineers],
        },
        hide_index=True, height="content", key="serving_table",
        alt=f"{len(engineers)} ML engineers with load, running projects by stage and shared automation",
    )  # fmt: skip


def _details(one: Engineer) -> None:
    if not one.projects and not one.shared:
        return
    panel = st.expander(
        f"{plain(one.name)} · {badges.count(len(one.projects), 'project')}", icon=":material/engineering:",
        on_change="rerun", key=f"serves {one.id}",
    )  # fmt: skip
    if not panel.open:
        return
    with panel:
        for project in one.projects:
            _project(project)
        st.markdown("**Shared automation**" if one.shared else "Their projects share no automation yet.")
        for entry in one.shared:
            st.page_link("entry.py", label=f"{plain(entry.title)} · in {badges.count(entry.projects, 'project')}", query_params={"ref": entry.key}, icon=badges.kind_icon(entry.kind))  # fmt: skip


def _unserved(projects: list[Served], total: int) -> None:
    if not total:
        return
    panel = st.expander(
        f"{badges.count(total, 'project')} past exploration without an ML engineer", icon=":material/person_off:",
        on_change="rerun", key="unserved",
    )  # fmt: skip
    if panel.open:
        with panel:
            for one in projects:
                _project(one)
            if total > len(projects):
                st.caption(f"The {len(projects)} riskiest of {total:,}.")


def _project(one: Served) -> None:
    facts = [one.stage, one.unit, f"{one.tier} tier" if one.tier else "tier not assessed"]
    st.page_link("project.py", label=f"{plain(one.title)} · {plain(', '.join(fact for fact in facts if fact))}", query_params={"id": one.id}, icon=badges.kind_icon("project"))  # fmt: skip


def _stages(one: Engineer) -> str:
    return ", ".join(f"{count} in {stage}" for stage, count in one.by_stage.items()) or "none"
