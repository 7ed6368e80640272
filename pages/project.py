"""One use case: where it stands, the one next step, and everything its team, reviewers and successors need."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import queries as activity
from core.errors import PortalError
from core.projects import queries
from core.projects.queries import ProjectDetail, ProjectRow
from core.reviews import readable
from pages.parts import actor as actors
from pages.parts import (
    addresses,
    badges,
    case_open,
    notices,
    project_data,
    project_harvest,
    project_overview,
    project_pattern,
    project_register,
    project_repository,
    project_reuse,
    project_risk,
    project_stage,
    timeline,
)
from pages.parts.notices import plain


def adoptions(actor: Actor, detail: ProjectDetail) -> None:
    """What the project uses of the catalog, and used before."""
    with db.reading() as session:
        rows = queries.project(session, actor, detail.project.id).adoptions
    if not rows:
        st.info("It uses nothing of the catalog yet.", icon=":material/extension:")
        st.page_link("catalog.py", label="Find what exists", icon=":material/search:")
    for one in rows:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link("entry.py", label=plain(one.title), query_params={"ref": one.key}, icon=badges.kind_icon(one.kind))  # fmt: skip
            newer = f", newest is {one.current_version}" if one.current_version != one.version else ""
            ended = f", until {badges.exact(one.until)}" if one.until else ""
            st.caption(plain(f"version {one.version}{newer}, since {badges.exact(one.since)}{ended}"))


def history(actor: Actor, detail: ProjectDetail) -> None:
    """The stages, and what happened to the project as far as this person may read it."""
    with db.reading() as session:
        periods = queries.stage_periods(session, actor, detail.project.id)
        st.markdown(" → ".join(f"{project_stage.badge(one.stage)} {badges.exact(one.since)}" for one in periods))
        if policy.may(actor, "activity.read", detail.project.scope):
            seen = readable.seen_by(session, actor)
            timeline.show(session, activity.object_history(session, actor, f"project:{detail.project.id}", seen=seen))
        else:
            st.caption("Your role does not read the activity log.")


def of_row(show: Callable[[Actor, ProjectRow], None]) -> Callable[[Actor, ProjectDetail], None]:
    """A tab that needs no more of the project than its line in a list."""
    return lambda actor, detail: show(actor, detail.project)


TABS = {
    "Overview": project_overview.show,
    "Risk": project_risk.show,
    "Reuse": of_row(project_reuse.show),
    "Pattern": of_row(project_pattern.show),
    "Repository": of_row(project_repository.show),
    "Data": of_row(project_data.show),
    "Reviews": of_row(case_open.of_project),
    "Adoptions": adoptions,
    "Retrospective": of_row(project_harvest.show),
    "History": history,
}


def header(actor: Actor, detail: ProjectDetail) -> None:
    """Title, status, owner and the one next step."""
    project = detail.project
    may_change = policy.may(actor, "project.create", project.scope)
    step = detail.next_step
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(plain(project.title), anchor=False)
        with st.container(horizontal=True, width="content"):
            if may_change and not (step and step.where == "stage"):
                project_stage.mover(actor, detail)
            if may_change and project.running and st.button("Change", icon=":material/edit:", key="change"):
                st.switch_page("project.py", query_params={"id": project.id, "edit": str(detail.record.revision)})
    status = [project_stage.badge(project.stage), project_risk.badge(project.tier)]
    if project.tier and detail.record.tier_confirmed_by is None:
        status.append(badges.text("Not confirmed", ":material/pending:", "orange"))
    if project.classification != "internal":
        status.append(badges.text(*badges.CLASSIFICATIONS[project.classification]))
    st.markdown(" ".join(status))
    unit = f" ({project.unit})" if project.unit else ""
    st.caption(f"{plain(project.summary)}\n\nOwned by {plain(project.team + unit)} · {plain(project.id)}")
    badges.when(f"{project_stage.STAGES[project.stage][0]} since", project.stage_since)
    if project.finding:
        st.info(f"**What was learnt.** {plain(project.finding)}", icon=":material/lightbulb:")
    project_stage.next_step(actor, detail, may_change=may_change)


actor = actors.current()
if st.query_params.get("new"):
    project_register.register(actor)
    st.stop()
try:
    with db.reading() as session:
        detail = queries.detail(session, actor, st.query_params.get("id", ""))
except PortalError as error:
    st.title("Project", anchor=False)
    notices.refuse(error)
    st.page_link("projects.py", label="All projects", icon=":material/arrow_back:")
    st.stop()
if seen := st.query_params.get("edit"):
    project_register.change(actor, detail, seen)
    st.stop()

header(actor, detail)
addresses.open_tab(TABS)
tabs = st.tabs(list(TABS), on_change="rerun", key="tab", bind="query-params")
for tab, draw in zip(tabs, TABS.values(), strict=True):
    if tab.open:
        with tab:
            draw(actor, detail)
