"""The first tab of a project: what it is for, who works in it, and what of MLflow is its own."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.projects import actions, members, names
from core.projects.queries import ProjectDetail
from pages.parts import badges, writing
from pages.parts.notices import plain


def show(actor: Actor, detail: ProjectDetail) -> None:
    """Everything a team says of its project."""
    may_change = policy.may(actor, "project.create", detail.project.scope)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _said(detail)
    with right:
        _facts(detail)
        _people(actor, detail, may_change)
        _names(actor, detail, may_change)


def _said(detail: ProjectDetail) -> None:
    record = detail.record
    decide = f" Looked at on {record.decide_by:%d %b %Y}." if record.decide_by else ""
    for title, text in (
        ("Business problem", record.summary),
        ("Value hypothesis", record.value_hypothesis),
        ("Stop rule", f"{record.stop_rule}{decide}".strip()),
        ("Data access and security", record.data_access),
        ("Where the model is watched", record.monitoring),
        ("Finding", record.finding),
    ):
        if text or title not in ("Where the model is watched", "Finding"):
            st.markdown(f"**{title}**")
            if text:
                st.markdown(plain(text))
            else:
                st.caption("Not said yet")


def _facts(detail: ProjectDetail) -> None:
    project, called = detail.project, detail.on_call
    st.markdown("**Facts**")
    left = "" if called is None or called.active else ", who left: name somebody else"
    facts = {
        "Data": badges.CLASSIFICATIONS[project.classification][0],
        "Kind of data": project.modality.capitalize(),
        "Region": project.region,
        "Predicts": project.target,
        "Key metric": project.key_metric,
        "Tags": ", ".join(project.tags),
        "On call": f"{called.name}{left}" if called else "",
    }
    for label, value in facts.items():
        if value:
            st.markdown(f"{label}: {plain(value)}")


def _people(actor: Actor, detail: ProjectDetail, may_change: bool) -> None:
    st.markdown("**People**")
    if not detail.people:
        st.caption("Nobody is named yet.")
    for one in detail.people:
        with st.container(horizontal=True, vertical_alignment="center"):
            gone = "" if one.active else " (left the organisation)"
            st.markdown(f"{plain(one.name)}{gone} · {plain(one.role)}", width="stretch")
            if may_change and st.button("Remove", key=f"remove {one.person_id} {one.role}", type="tertiary", help=f"{plain(one.name)} no longer works in it as {one.role}"):  # fmt: skip
                writing.attempt(
                    members.remove_member, actor=actor, project_id=detail.project.id, person_id=one.person_id,
                    role=one.role, done=f"{one.name} is removed.",
                )  # fmt: skip
    if may_change and detail.project.running:
        _add_person(actor, detail)


def _add_person(actor: Actor, detail: ProjectDetail) -> None:
    panel = st.popover("Add a person", icon=":material/person_add:", on_change="rerun", key="add_person")
    if not panel.open:
        return
    with panel, st.form("member", border=False):
        with db.reading() as session:
            people = {one.id: one.name for one in queries.people(session, active_only=True)}
        person_id = st.selectbox("Person", people, format_func=people.__getitem__, key="member_person")
        role = st.selectbox("Role", members.MEMBER_ROLES, key="member_role")
        if st.form_submit_button("Add", type="primary"):
            writing.attempt(
                members.add_member, actor=actor, project_id=detail.project.id, person_id=person_id, role=role,
                done=f"{people[person_id]} works in it as {role}.",
            )  # fmt: skip


def _names(actor: Actor, detail: ProjectDetail, may_change: bool) -> None:
    st.markdown("**In MLflow**")
    if not detail.tracking:
        st.caption("No experiment and no registered model is named yet.")
    for kind, name in detail.tracking:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{kind.capitalize()} {plain(name)}", width="stretch")
            if kind == "model":
                st.page_link("models.py", label="Open", query_params={"model": name}, icon=":material/monitoring:")
            if may_change and st.button("Release", key=f"release {kind} {name}", type="tertiary", help=f"{plain(name)} is the project's no longer"):  # fmt: skip
                writing.attempt(
                    actions.release, actor=actor, project_id=detail.project.id, kind=kind, name=name,
                    done=f"{name} is released.",
                )  # fmt: skip
    if may_change and detail.project.running:
        _claim(actor, detail)


def _claim(actor: Actor, detail: ProjectDetail) -> None:
    project = detail.project
    panel = st.popover("Add a name", icon=":material/add_link:", on_change="rerun", key="add_name")
    if not panel.open:
        return
    with panel:
        kind = st.radio("What", names.KINDS, horizontal=True, format_func=str.capitalize, key="claim_kind")
        usual = names.conventional(kind, unit=project.unit_id, team=project.team_id, project=project.id)
        name = st.text_input("Name", usual, key=f"claim_{kind}", max_chars=actions.NAME_LENGTH, help="Proposed by the naming policy; a name belongs to one project.")  # fmt: skip
        if st.button("Claim", type="primary", key="claim"):
            writing.attempt(
                actions.claim, actor=actor, project_id=project.id, kind=kind, name=name, done=f"{name} is yours.",
            )  # fmt: skip
