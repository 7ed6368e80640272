"""Reviews: the queue, what approvals are tied to, what is waived, reviewers' own figures, and the checklists."""

from __future__ import annotations

import streamlit as st

from core.access import policy
from pages.parts import actor as actors
from pages.parts import addresses, case_boards, case_list, case_open, case_reviewer, checklist_versions

VIEWS = {
    "": ("Queue", case_list.show),
    "conditions": ("Conditions", case_boards.conditions),
    "waivers": ("Waivers", case_boards.waivers),
    "insights": ("My reviewing", case_reviewer.show),
    "checklists": ("Checklists", checklist_versions.show),
}
"""Value of ``view`` in the address → its name and what draws it."""

actor = actors.current()
if st.query_params.get("open_for"):
    case_open.form(actor, st.query_params["open_for"])
    st.stop()
st.title("Reviews", anchor=False)
if policy.may(actor, "catalog.browse"):
    VIEWS[addresses.switch("View", "view", {name: title for name, (title, _) in VIEWS.items()})][1](actor)
else:
    st.info("Reviews show here once you have a role; an administrator grants it.", icon=":material/rate_review:")
