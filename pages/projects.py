"""Every use case of the factory: which there are, how far they are, who serves them, and what reuse was worth."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import db
from core.access import policy
from core.errors import PortalError
from core.projects import portfolio
from pages.parts import actor as actors
from pages.parts import (
    addresses,
    adoption_value,
    badges,
    charts,
    notices,
    portfolio_filters,
    portfolio_serving,
    portfolio_table,
)  # fmt: skip

SIZE = 50
VIEWS = {"": "List", "timeline": "Timeline", "serving": "Who serves what", "value": "Value of reuse"}


def nothing() -> None:
    """Why the list is empty, and the one thing to do."""
    if wanted != portfolio.Filter():
        st.info("No project matches these filters.", icon=":material/filter_alt_off:")
        st.page_link("projects.py", label="Clear all filters", icon=":material/filter_alt_off:")
    elif policy.may_anywhere(actor, "project.create"):
        st.info("No project yet. Register the first one: it starts from what others have built.", icon=":material/rocket_launch:")  # fmt: skip
    else:
        st.info("No project yet. Teams register them; they show here at once.", icon=":material/rocket_launch:")


actor = actors.current()
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Projects", anchor=False)
    if policy.may_anywhere(actor, "project.create") and st.button(
        "Register a project", type="primary", icon=":material/add:"
    ):
        st.switch_page("project.py", query_params={"new": "1"})

view = addresses.switch("View", "view", VIEWS)
if view == "serving":
    portfolio_serving.show(actor)
    st.stop()
if view == "value":
    adoption_value.overview(actor)
    st.stop()

wanted = portfolio_filters.ask(actor)
with st.container(horizontal=True, vertical_alignment="bottom"):
    group = addresses.switch("Group by", "group", portfolio_filters.GROUPS, default="stage")
    sort = addresses.choice("Sort by", "sort", portfolio_filters.SORTS, default="title")
try:
    with db.reading() as session:
        found = portfolio.portfolio(session, actor, wanted=wanted, sort=sort, group=group, page=addresses.page_number(), size=SIZE)  # fmt: skip
except PortalError as error:
    notices.refuse(error)
    st.stop()

if not found.items:
    nothing()
    st.stop()
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.markdown(f"**{badges.count(found.total, 'project')}**")
    st.download_button("Download as CSV", partial(portfolio_table.file, actor, wanted, sort), file_name="projects.csv", mime="text/csv", icon=":material/download:", on_click="ignore")  # fmt: skip
portfolio_table.counts(found, group)
if view == "timeline":
    charts.stages(found.items)
else:
    portfolio_table.table(found.items, group)
addresses.pages(found.total, SIZE, found.page)
