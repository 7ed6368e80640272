"""Templates: choosing one, one's requests, those to decide, versions to publish, and how far repositories are behind."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.templates import queries
from pages.parts import actor as actors
from pages.parts import addresses, template_drift, template_list, template_publish, template_requests, template_version

VIEWS = {
    "": ("Templates", "catalog.browse", template_list.show),
    "mine": ("My requests", "template.request", template_requests.mine),
    "decide": ("To decide", "template.approve", template_requests.queue),
    "drift": ("Repositories", "catalog.browse", template_drift.board),
    "publish": ("Propose a version", "entry.propose", template_publish.show),
}
"""Value of ``view`` in the address → its name, the action it takes, and what draws it."""


def number(name: str) -> int:
    """The number ``name`` in the address, or 0."""
    given = st.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


actor = actors.current()
if version_id := number("version"):
    template_version.show(actor, version_id)
    st.stop()
if stand_id := number("stand"):
    template_drift.one(actor, stand_id)
    st.stop()

st.title("Templates", anchor=False)
names = {view: name for view, (name, action, _) in VIEWS.items() if policy.may_anywhere(actor, action)}
if "decide" in names:
    with db.reading() as session:
        waiting = queries.waiting_count(session, actor)
    names["decide"] += f" ({waiting})" if waiting else ""
if names:
    VIEWS[addresses.switch("View", "view", names)][2](actor)
else:
    st.info("Templates show here once you have a role; an administrator grants it.", icon=":material/note_stack:")
