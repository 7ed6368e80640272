"""Business units and the teams that own entries and projects."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries
from core.access.policy import Actor
from core.people import actions
from pages.parts import writing
from pages.parts.notices import plain


def show(actor: Actor) -> None:
    """Every team by unit, and forms for more of both."""
    with db.reading() as session:
        units = {one.id: one.name for one in queries.units(session)}
        teams = queries.teams(session)
    with st.container(horizontal=True):
        with st.popover("Add a team", icon=":material/group_add:", type="primary"):
            _add_team(actor, units)
        with st.popover("Add a unit", icon=":material/domain_add:"):
            _add_unit(actor)
    if not teams:
        st.info("No team yet. Entries and projects belong to teams: add the first one.", icon=":material/groups:")
        return
    st.table(
        {
            "Team": [plain(one.name) for one in teams],
            "Id": [plain(one.id) for one in teams],
            "Unit": [plain(units.get(one.unit_id or "", "whole organisation")) for one in teams],
            "What it does": [plain(one.description) for one in teams],
        },
        border="horizontal", hide_index=True, alt=f"{len(teams)} teams with their business units",
    )  # fmt: skip
    if empty := [name for key, name in units.items() if key not in {one.unit_id for one in teams}]:
        st.caption(f"Units without a team: {plain(', '.join(empty))}")


def _add_team(actor: Actor, units: dict[str, str]) -> None:
    with st.form("add_team", border=False):
        team = st.text_input("Id", help="Lower-case letters and digits, joined by '-'; entries name it as their owner.")
        name = st.text_input("Name", max_chars=200)
        unit = st.selectbox(
            "Business unit", units, index=None, format_func=units.__getitem__, placeholder="Whole organisation"
        )
        description = st.text_area("What it does", max_chars=1000)
        if st.form_submit_button("Add", type="primary"):
            writing.attempt(
                actions.add_team, done=f"The team {name} is there.", actor=actor, team_id=team, name=name, unit_id=unit,
                description=description,
            )  # fmt: skip


def _add_unit(actor: Actor) -> None:
    with st.form("add_unit", border=False):
        unit = st.text_input("Id", help="Lower-case letters and digits, joined by '-'.")
        name = st.text_input("Name", max_chars=200)
        if st.form_submit_button("Add", type="primary"):
            writing.attempt(actions.add_unit, done=f"The unit {name} is there.", actor=actor, unit_id=unit, name=name)
