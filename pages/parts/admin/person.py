"""One person: roles in their scopes, teams, and the account."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import db, roles
from core.access import policy, queries
from core.access.policy import Actor
from core.access.queries import PersonRow
from core.access.tables import RoleGrant
from core.people import actions
from core.projects import queries as projects
from pages.parts import badges, writing
from pages.parts.notices import plain


@dataclass(frozen=True)
class Places:
    """What a role's scope and a membership can name, as id → name."""

    unit: dict[str, str]
    team: dict[str, str]
    project: dict[str, str]


def show(actor: Actor, row: PersonRow) -> None:
    """What this person is and belongs to, with everything an administrator changes about it."""
    with db.reading() as session:
        grants = queries.grants_of(session, row.id)
        teams = {one.id: one.name for one in queries.teams(session)}
        units = {one.id: one.name for one in queries.units(session)}
        running = projects.projects(session, actor, size=projects.LARGEST_PAGE).items
    places = Places(units, teams, {one.id: one.title for one in running})
    with st.container(border=True):
        state = (
            badges.text("Active", ":material/check_circle:", "green")
            if row.active
            else badges.text("Inactive", ":material/block:", "gray")
        )
        st.subheader(f"{plain(row.name)} {state}", anchor=False)
        held, memberships = st.columns(2, gap="large")
        with held:
            _roles(actor, row, grants, places)
        with memberships:
            _teams(actor, row, teams)
        _account(actor, row)


def _roles(actor: Actor, row: PersonRow, grants: list[RoleGrant], places: Places) -> None:
    st.markdown("**Roles**")
    for grant in grants:
        with st.container(horizontal=True, vertical_alignment="center"):
            source = "" if grant.source == "portal" else f", from {plain(grant.source)}"
            st.markdown(f"{grant.role} · {plain(scope_of(grant))}{source}", width="stretch")
            if writing.confirmed("Revoke", f"{plain(row.name)} loses the role {grant.role} at once.", key=f"revoke_{grant.id}", icon=":material/remove_circle:"):  # fmt: skip
                writing.attempt(
                    actions.revoke_role, done=f"{row.name} is no longer {grant.role}.", actor=actor, grant_id=grant.id
                )
    if not grants:
        st.caption("No role: this person can sign in and see nothing.")
    if row.active:
        with st.popover("Grant a role", icon=":material/add:"):
            _grant(actor, row, places)


def _grant(actor: Actor, row: PersonRow, places: Places) -> None:
    role = st.selectbox("Role", roles.ROLES, key=f"role_{row.id}")
    kind = st.selectbox("Where", roles.SCOPE_KINDS, key=f"scope_kind_{row.id}", format_func=str.capitalize)
    choices = {} if kind == "organisation" else getattr(places, kind)
    scope = (
        st.selectbox(kind.capitalize(), choices, key=f"scope_{row.id}", format_func=lambda one: choices.get(one, one))
        if choices
        else ""
    )
    if kind != "organisation" and not choices:
        st.caption(f"There is no {kind} yet.")
    if role == "administrator" and kind != "organisation":
        st.caption("Administration takes the role for the whole organisation; in a part of it, it runs nothing.")
    if role in policy.TWO_PERSON_ROLES:
        st.caption("This role takes two administrators: it waits until another one confirms it.")
    if st.button("Grant", type="primary", key=f"grant_{row.id}"):
        done = (
            f"{row.name} waits for a second administrator."
            if role in policy.TWO_PERSON_ROLES
            else f"{row.name} is {role}."
        )
        writing.attempt(
            actions.grant_role,
            done=done,
            actor=actor,
            person_id=row.id,
            role=role,
            scope_kind=kind,
            scope_id=scope or "",
        )


def _teams(actor: Actor, row: PersonRow, teams: dict[str, str]) -> None:
    st.markdown("**Teams**")
    joined = {key: name for key, name in teams.items() if name in row.teams}
    for key, name in joined.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(name), width="stretch")
            if writing.confirmed(
                "Leave", f"{plain(row.name)} leaves {plain(name)}.", key=f"leave_{key}", icon=":material/remove_circle:"
            ):
                writing.attempt(
                    actions.leave_team, done=f"{row.name} left {name}.", actor=actor, team_id=key, person_id=row.id
                )
    if not joined:
        st.caption("In no team: entries and projects belong to teams.")
    open_ = {key: name for key, name in teams.items() if key not in joined}
    if open_:
        with st.popover("Join a team", icon=":material/group_add:"):
            team = st.selectbox("Team", open_, key=f"team_{row.id}", format_func=open_.__getitem__)
            if st.button("Join", type="primary", key=f"join_{row.id}"):
                writing.attempt(
                    actions.join_team,
                    done=f"{row.name} is in {open_[team]}.",
                    actor=actor,
                    team_id=team,
                    person_id=row.id,
                )


def _account(actor: Actor, row: PersonRow) -> None:
    with st.container(horizontal=True):
        if row.active:
            if row.id != actor.id and writing.confirmed("Deactivate", "Their sign-ins end at once. The name stays on what they did.", key="deactivate", icon=":material/block:"):  # fmt: skip
                writing.attempt(
                    actions.deactivate_person, done=f"{row.name} is inactive.", actor=actor, person_id=row.id
                )
            return
        if st.button("Reactivate", icon=":material/check_circle:", key="reactivate"):
            writing.attempt(
                actions.reactivate_person, done=f"{row.name} may sign in again.", actor=actor, person_id=row.id
            )
        if writing.confirmed("Erase", "The name and the address are deleted for good; the log keeps a pseudonym.", key="erase", icon=":material/person_off:"):  # fmt: skip
            writing.attempt(actions.erase_person, done="The name is erased.", actor=actor, person_id=row.id)


def scope_of(grant: RoleGrant) -> str:
    """Where a role holds, in words."""
    return f"{grant.scope_kind} {grant.scope_id}".strip()
