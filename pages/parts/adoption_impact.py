"""Who uses an entry, how far behind they are, and who is hit when it changes."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.catalog.tables import Entry
from core.projects import adoption, adoption_queries
from core.projects.adoption_queries import HitEntry, HitProject, Impact
from pages.parts import adoption_value, badges, writing
from pages.parts.notices import plain


def show(actor: Actor, entry: Entry) -> None:
    """Adopters with their versions, what a change would hit, and what reuse was worth."""
    with db.reading() as session:
        found = adoption_queries.impact(session, actor, entry.id or 0)
    if found.projects:
        _projects(found.projects, entry)
        _actions(actor, entry, found.projects)
    else:
        st.info(
            "No project uses this yet. Adopt it for yours, so that others see that it works.", icon=":material/group:"
        )
    _impact(found)
    if found.projects:
        adoption_value.show(actor, entry.id or 0, found.projects)


def _projects(rows: list[HitProject], entry: Entry) -> None:
    st.table(
        {
            "Project": [f"[{plain(one.title)}](project?id={one.project_id})" for one in rows],
            "Stage": [one.stage for one in rows],
            "Risk tier": [one.tier or "not assessed" for one in rows],
            "Team": [plain(one.team) for one in rows],
            "People": [plain(", ".join(one.people)) or "nobody named" for one in rows],
            "Version": [plain(_version(one)) for one in rows],
            "How": [adoption.WAYS.get(one.how, one.how) for one in rows],
            "Since": [badges.exact(one.since) for one in rows],
        },
        border="horizontal", hide_index=True, alt=f"{len(rows)} projects use {entry.title}",
    )  # fmt: skip


def _version(one: HitProject) -> str:
    if not one.behind:
        return one.version
    return f"{one.version} ({badges.count(one.behind, 'version')} behind)"


def _impact(found: Impact) -> None:
    st.subheader("Impact", anchor=False)
    if not found.by_stage and not found.entries:
        st.caption("Nobody is hit when this changes: no project uses it, and no entry depends on it.")
        return
    stages = ", ".join(f"{count} in {stage}" for stage, count in found.by_stage.items()) or "no project"
    behind = sum(one.behind > 0 for one in found.projects)
    late = f", {badges.count(behind, 'of them', 'of them')} behind the newest version" if behind else ""
    st.markdown(f"A change hits {stages}{late}; {badges.count(len(found.entries), 'entry', 'entries')} depend on it.")
    for one in found.entries:
        st.page_link("entry.py", label=f"{plain(one.title)} · {_distance(one)}", query_params={"ref": one.key}, icon=badges.kind_icon(one.kind))  # fmt: skip


def _distance(one: HitEntry) -> str:
    return "depends on it" if one.depth == 1 else f"depends on it through {badges.count(one.depth - 1, 'other')}"


def _actions(actor: Actor, entry: Entry, rows: list[HitProject]) -> None:
    mine = [one for one in rows if policy.may(actor, "entry.adopt", one.scope)]
    if entry.kind == adoption.PATTERN:
        _patterns(mine)
        return
    with st.container(horizontal=True):
        if late := [one for one in mine if one.running and one.version != entry.version]:
            _update(actor, entry, late)
        if mine:
            _end(actor, entry, mine)


def _patterns(rows: list[HitProject]) -> None:
    """A pattern is moved and left with what the project declares, where one sees which approvals that reopens."""
    for one in rows:
        if one.running:
            st.page_link("project.py", label=f"Change how {plain(one.title)} uses it", query_params={"id": one.project_id, "open": "Pattern"}, icon=":material/tune:")  # fmt: skip


def _update(actor: Actor, entry: Entry, rows: list[HitProject]) -> None:
    with st.popover("Move to the newest version", icon=":material/upgrade:"):
        titles = {one.project_id: f"{one.title} ({one.version})" for one in rows}
        project_id = st.selectbox(f"Project that uses {plain(entry.version)} now", titles, format_func=titles.__getitem__)  # fmt: skip
        if not st.button("Note the move", type="primary", key="update_adoption"):
            return
        writing.attempt(
            adoption.update_adoption, actor=actor, project_id=project_id, entry_id=entry.id or 0,
            done=f"{titles[project_id]} uses version {entry.version} now.",
        )  # fmt: skip


def _end(actor: Actor, entry: Entry, rows: list[HitProject]) -> None:
    with st.popover("End an adoption", icon=":material/remove_circle:"):
        titles = {one.project_id: one.title for one in rows}
        project_id = st.selectbox("Project that no longer uses it", titles, format_func=titles.__getitem__)
        if not st.button("End adoption", key="end_adoption"):
            return
        writing.attempt(
            adoption.end_adoption, actor=actor, project_id=project_id, entry_id=entry.id or 0,
            done=f"{titles[project_id]} no longer uses this entry.",
        )  # fmt: skip
