"""People: who waits for a role, and who is here with which roles and teams."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries
from core.access.policy import Actor
from core.access.queries import PersonRow
from core.access.tables import RoleGrant
from core.people import actions
from pages.parts import badges, writing
from pages.parts.admin import person
from pages.parts.notices import plain


def show(actor: Actor) -> None:
    """Roles that wait, everybody in a table, and one person in detail."""
    with db.reading() as session:
        waiting = queries.open_grants(session)
        proposers = queries.names(session, {grant.granted_by for grant, _ in waiting})
        rows = queries.people(session)
    for grant, name in waiting:
        _waiting(actor, grant, name, proposers[grant.granted_by])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sought = st.text_input(
            "Search",
            key="people_search",
            placeholder="Name, address, role or team",
            icon=":material/search:",
            width=360,
        )
        with st.popover("Add a person", icon=":material/person_add:"):
            _add(actor)
    found = [one for one in rows if (sought or "").lower() in _words(one)]
    _table(found, len(rows))
    _choose(actor, {one.id: one for one in found})


def _words(row: PersonRow) -> str:
    return " ".join([row.name, row.title, row.email or "", row.id, *row.roles, *row.teams]).lower()


def _waiting(actor: Actor, grant: RoleGrant, name: str, proposer: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        told = f"**{plain(name)}** is to become **{grant.role}** ({plain(person.scope_of(grant))})"
        st.markdown(f"{told}; proposed by {plain(proposer)} {badges.ago(grant.granted_at)}", width="stretch")
        if actor.ref == grant.granted_by or actor.id == grant.person_id:
            st.caption("A second administrator confirms it.", width="content")
        elif st.button("Confirm", type="primary", key=f"confirm_{grant.id}", icon=":material/check:"):
            writing.attempt(
                actions.decide_role, done=f"{name} is {grant.role}.", actor=actor, grant_id=grant.id, confirm=True
            )
        if st.button("Decline", key=f"decline_{grant.id}", icon=":material/close:"):
            writing.attempt(actions.decide_role, done="Declined.", actor=actor, grant_id=grant.id, confirm=False)


def _add(actor: Actor) -> None:
    with st.form("add_person", border=False):
        name = st.text_input("Name", max_chars=200)
        email = st.text_input(
            "E-mail address", help="The identity provider's address; it is matched at the first sign-in."
        )
        title = st.text_input("Job title", max_chars=200)
        if st.form_submit_button("Add", type="primary"):
            writing.attempt(
                actions.add_person, done=f"{name} is known now.", actor=actor, name=name, email=email, title=title
            )


def _table(rows: list[PersonRow], total: int) -> None:
    st.caption(f"{len(rows):,} of {badges.count(total, 'person', 'people')}")
    st.dataframe(
        {
            "Name": [one.name for one in rows],
            "Roles": [list(one.roles) for one in rows],
            "Teams": [list(one.teams) for one in rows],
            "Title": [one.title for one in rows],
            "E-mail": [one.email or "" for one in rows],
            "State": ["active" if one.active else "inactive" for one in rows],
        },
        hide_index=True, alt="People with their roles and teams", height=min(38 + 35 * max(len(rows), 1), 360),
    )  # fmt: skip


def _choose(actor: Actor, rows: dict[str, PersonRow]) -> None:
    chosen = st.query_params.get("person", "")
    st.session_state["person"] = chosen if chosen in rows else None
    st.selectbox(
        "Person", rows, key="person", on_change=_remember, placeholder="Choose a person to change roles and teams",
        format_func=lambda one: f"{rows[one].name} ({one})",
    )  # fmt: skip
    if chosen in rows:
        person.show(actor, rows[chosen])


def _remember() -> None:
    st.query_params["person"] = st.session_state["person"] or []
