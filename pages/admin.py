"""Administration: people and roles, units and teams, tokens, sources, jobs; each tab for those who may use it."""

from __future__ import annotations

import streamlit as st

from core.access import policy
from pages.parts import actor as actors
from pages.parts.admin import jobs, people, sources, teams, tokens

TABS = {
    "People": ("admin.people", people.show),
    "Units and teams": ("admin.people", teams.show),
    "Tokens": ("admin.tokens", tokens.show),
    "Sources and imports": ("admin.sources", sources.show),
    "Jobs": ("admin.jobs", jobs.show),
}

actor = actors.current()
admitted = {label: draw for label, (action, draw) in TABS.items() if policy.may(actor, action)}

st.title("Admin", anchor=False)
if not admitted:
    st.info("Administration takes the role administrator; jobs also the role ML engineer.", icon=":material/lock:")
    st.stop()
tabs = st.tabs(list(admitted), on_change="rerun", key="admin_tab", bind="query-params")
for tab, draw in zip(tabs, admitted.values(), strict=True):
    if tab.open:
        with tab:
            draw(actor)
