"""The Repository tab of a project: where its code came from, how far its template went on, and its requests."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.projects.actions import ACTIVE_STAGES
from core.projects.queries import ProjectRow
from core.templates import queries
from pages.parts import template_drift, template_requests
from pages.parts.notices import plain

SHOWN = 20


def show(actor: Actor, project: ProjectRow) -> None:
    """Repositories from templates with their drift, then every request."""
    with db.reading() as session:
        stands, _ = queries.drift(session, actor, behind_only=False, project_id=project.id)
        found = queries.requests(session, actor, project_id=project.id, size=SHOWN)
    for row in stands:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.page_link("templates.py", label=f"From {plain(row.template)} {plain(row.version)}", query_params={"stand": str(row.stand_id)}, icon=":material/difference:")  # fmt: skip
            st.markdown(template_drift.badge(row))
    if not stands:
        st.info("No repository of the project came from a template yet.", icon=":material/note_stack:")
    if project.stage in ACTIVE_STAGES and policy.may(actor, "template.request", project.scope):
        st.page_link("templates.py", label="Ask for a template", icon=":material/rocket_launch:")
    if found.items:
        st.subheader("Requests", anchor=False)
    for one in found.items:
        template_requests.line(one, {})
