"""Data: which there are, who owns them, who may read them; asking for access, deciding, and what auditors ask."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.datasets import queries
from pages.parts import actor as actors
from pages.parts import addresses, dataset_audit, dataset_decisions, dataset_detail, dataset_list, dataset_requests

VIEWS = {
    "": ("Datasets", "catalog.browse", dataset_list.show),
    "mine": ("My access", "catalog.browse", dataset_requests.mine),
    "decide": ("To decide", "data.approve", dataset_decisions.queue),
    "audit": ("Who could read what", "data.audit", dataset_audit.show),
}
"""Value of ``view`` in the address → its name, the action it takes, and what draws it."""

actor = actors.current()
if ref := st.query_params.get("ref"):
    dataset_detail.show(actor, ref)
    st.stop()
if (asked := st.query_params.get("request", "")).isascii() and asked.isdigit() and len(asked) < 10:
    dataset_decisions.one(actor, int(asked))
    st.stop()

st.title("Datasets", anchor=False)
names = {view: name for view, (name, action, _) in VIEWS.items() if policy.may_anywhere(actor, action)}
if "decide" in names:
    with db.reading() as session:
        waiting = queries.waiting_for(session, actor)
    names["decide"] += f" ({waiting})" if waiting else ""
if names:
    VIEWS[addresses.switch("View", "view", names)][2](actor)
else:
    st.info("Datasets show here once you have a role; an administrator grants it.", icon=":material/database:")
