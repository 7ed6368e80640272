"""The data of a project: what was asked for in its name, and until when its people may read."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.datasets import queries
from core.projects.queries import ProjectRow
from pages.parts import badges, dataset_requests

SIZE = 50


def show(actor: Actor, project: ProjectRow) -> None:
    """The requests and grants of a project that this person may read, the newest first."""
    with db.reading() as session:
        found = queries.requests(session, actor, project_id=project.id, size=SIZE)
        names = people.names(session, {ref for one in found.items for ref in one.refs})
    if not found.items:
        st.info("Which data this project reads shows here: requests made in its name, with their grants.", icon=":material/database:")  # fmt: skip
        if policy.may(actor, "data.request") and policy.may(actor, "entry.adopt", project.scope):
            st.page_link("datasets.py", label="Choose a dataset and ask for access", icon=":material/key:")
        return
    st.markdown(f"**{badges.count(found.total, 'request')}** for data")
    for row in found.items:
        dataset_requests.card(actor, row, names)
    if found.total > SIZE:
        st.caption(f"The newest {SIZE}; the rest stands on the datasets' pages.")
