"""What projects gave back: drafts to curate, things to generalise, and what came of it all."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.errors import PortalError
from core.projects import harvest_queries
from pages.parts import actor as actors
from pages.parts import harvest_lists, harvest_yield, notices

SIZE = 20


def filters(years: list[int]) -> tuple[str, int]:
    """The unit (empty for all) and the year (0 for all) in the address."""
    with db.reading() as session:
        units = {"": "All business units"} | {one.id: one.name for one in people.units(session)}
    offered = {0: "All years"} | {one: str(one) for one in years}
    with st.container(horizontal=True):
        unit = st.selectbox("Business unit", units, format_func=units.__getitem__, key="harvest_unit", bind="query-params", width=240)  # fmt: skip
        year = st.selectbox("Year", offered, format_func=offered.__getitem__, key="harvest_year", bind="query-params", width=160)  # fmt: skip
    return unit or "", year or 0


actor = actors.current()
st.title("Harvest", anchor=False)
try:
    with db.reading() as session:
        rows = harvest_queries.yields(session, actor)
    unit, year = filters(sorted({one.year for one in rows} | {db.now().year}, reverse=True))
    with db.reading() as session:
        asked = st.query_params.get("harvest_page", "1")
        page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
        drafts = harvest_queries.curation(session, actor, unit=unit, year=year)
        later = harvest_queries.waiting(session, actor, unit=unit, year=year, page=page, size=SIZE)
        named = {one.proposed_by for one in drafts} | {one.decided_by for one in later.items}
        names = people.names(session, named)
except PortalError as error:
    notices.refuse(error)
    st.stop()

if policy.may_anywhere(actor, "entry.publish"):
    harvest_lists.curation(drafts, names)
harvest_lists.waiting(actor, later, names, size=SIZE)
harvest_yield.show([one for one in rows if unit in ("", one.unit_id) and year in (0, one.year)])
