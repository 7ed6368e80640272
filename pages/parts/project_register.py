"""Registering a project, and changing what it says of itself."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from core import db
from core.access.policy import Actor
from core.errors import NotAllowed, PortalError
from core.patterns import approval_queries, changes
from core.projects import members, names
from core.projects.actions import NAME_LENGTH
from core.projects.queries import ProjectDetail
from pages.parts import notices, project_form
from pages.parts.notices import plain


def register(actor: Actor) -> None:
    """The form of a new project; its page opens when it is registered."""
    st.title("Register a project", anchor=False)
    chosen = project_form.choices(actor)
    if not chosen.teams:
        hint = "Ask an administrator to add you to one, with a role that builds."
        notices.refuse(NotAllowed("You are in no team that may run a project.", hint=hint))
        return
    st.caption(
        "A title, a problem and a team are enough to begin; the rest can follow. Exploring asks for no approval."
    )
    left, right = st.columns(2, gap="large")
    with left:
        said = project_form.purpose({}, "new")
    with right:
        said |= project_form.substance({}, chosen, "new")
        usual = re.sub(r"[^a-z0-9]+", "-", said["title"].lower()).strip("-")[:63].strip("-")
        short = st.text_input("Short name", key="new id", placeholder=usual or "first-year-churn", help="Its name in addresses, in MLflow and in the catalog. Empty: made from the title.").strip()  # fmt: skip
        project_id = short or usual
        role = _own_role(actor)
        experiment = _experiment(chosen, said["team_id"], project_id)
        others, models = _others(chosen, actor), _models(chosen, said["team_id"], project_id)
    if not st.button("Register", type="primary", icon=":material/rocket_launch:"):
        return
    try:
        with db.writing() as session:
            members.register(
                session, actor=actor, project_id=project_id, people=[*([(actor.id, role)] if role else []), *others],
                experiments=[experiment] if experiment.strip() else [], models=models, **said,
            )  # fmt: skip
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun(f"{said['title']} is registered. See what exists already before you build.")
    st.switch_page("project.py", query_params={"id": project_id, "open": "Reuse"})


def change(actor: Actor, detail: ProjectDetail, seen: str) -> None:
    """The form of changes to a project, made on the revision ``seen`` when the form was opened."""
    project, record = detail.project, detail.record
    st.title(f"Change {plain(project.title)}", anchor=False)
    st.page_link("project.py", label="Back to the project", query_params={"id": project.id}, icon=":material/arrow_back:")  # fmt: skip
    if seen != str(record.revision):
        st.warning("The project changed since you opened this form. Open it again, so that nothing is lost.", icon=":material/sync_problem:")  # fmt: skip
        st.page_link("project.py", label="Open it on what stands there now", query_params={"id": project.id, "edit": str(record.revision)}, icon=":material/sync:")  # fmt: skip
        return
    chosen, key = project_form.choices(actor), f"edit {project.id} {seen}"
    given = record.model_dump()
    left, right = st.columns(2, gap="large")
    with left:
        said = project_form.purpose(given, key)
    with right:
        said |= project_form.substance(given, chosen, key)
        said |= project_form.operation(given, chosen, key)
    _warn_of_reopened(actor, project.id, said)
    if not st.button("Save", type="primary", icon=":material/save:", key=f"{key} save"):
        return
    try:
        with db.writing() as session:
            changes.edit(session, actor=actor, project_id=project.id, revision=int(seen), **said)
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun("Saved.")
    st.switch_page("project.py", query_params={"id": project.id})


def _warn_of_reopened(actor: Actor, project_id: str, said: dict[str, Any]) -> None:
    facts = {name: said[name] for name in ("classification", "region", "modality")}
    with db.reading() as session:
        reopened = approval_queries.preview_edit(session, actor, project_id, **facts)
    if reopened:
        listed = ", ".join(f"{plain(one.item)} ({plain(one.by)})" for one in reopened)
        st.warning(f"Saving this reopens approvals that the project inherits from its pattern: {listed}.", icon=":material/lock_open:")  # fmt: skip


def _own_role(actor: Actor) -> str:
    roles = ["", *members.MEMBER_ROLES]
    held = [one for one in members.MEMBER_ROLES if one in actor.roles]
    return st.selectbox("You work in it as", roles, roles.index(held[0]) if held else 0, format_func=lambda one: one or "Not at all", key="new role")  # fmt: skip


def _experiment(chosen: project_form.Choices, team: str, project_id: str) -> str:
    """The first experiment's name; the proposal follows team and short name."""
    usual = names.conventional("experiment", unit=chosen.units.get(team), team=team, project=project_id)
    return st.text_input("Experiment in MLflow", usual if project_id else "", key=f"new experiment {team} {project_id}", max_chars=NAME_LENGTH, help="By the naming policy: unit/project/purpose. More names can be added later.")  # fmt: skip


def _models(chosen: project_form.Choices, team: str, project_id: str) -> list[str]:
    """The registered models that exist already, or will; the first is the one that lists compare."""
    usual = names.conventional("model", unit=chosen.units.get(team), team=team, project=project_id)
    return st.multiselect("Registered models in MLflow", [usual] if project_id else [], key=f"new models {team} {project_id}", accept_new_options=True, placeholder="Choose or type a name", help="By the naming policy: unit.project.what")  # fmt: skip


def _others(chosen: project_form.Choices, actor: Actor) -> list[tuple[str, str]]:
    """Who else works in it, as (person id, role)."""
    people = {one: name for one, name in chosen.people.items() if one != actor.id}
    named = st.multiselect("Who else works in it", people, format_func=people.__getitem__, key="new people", placeholder="Nobody yet")  # fmt: skip
    roles = {one: st.selectbox(f"{plain(people[one])} works in it as", members.MEMBER_ROLES, members.MEMBER_ROLES.index("data scientist"), key=f"new role of {one}") for one in named}  # fmt: skip
    return list(roles.items())
