"""What people looked for and did not find, the most wanted first; taken up, answered or declined by ML engineers."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.catalog import actions as catalog
from core.errors import PortalError
from core.reuse import demand
from core.reuse.demand import DemandLine
from pages.parts import actor as actors
from pages.parts import addresses, badges, demand_detail, notices, writing
from pages.parts.notices import plain

SIZE = 25
SHOWN = {
    "open": "Open", "taken": "Taken up", "answered": "Answered", "declined": "Declined", "all": "All",
}  # fmt: skip
EMPTY = {
    "open": "Nothing is asked for. Searches without a result, wishes, and assets that projects turned down appear here.",
    "taken": "Nobody works on a demand now. Open one and take it up.",
    "answered": "No demand is answered yet. Whoever links the entry that answers one tells everybody who asked.",
    "declined": "No demand was declined.",
    "all": "Nobody asked for anything yet.",
}


def ask_for() -> None:
    """The form of a wish."""
    with (
        st.popover("Ask for something", type="primary", icon=":material/campaign:"),
        st.form("wish", border=False, clear_on_submit=True),
    ):
        text = st.text_input("What is missing?", max_chars=200, placeholder="survival analysis for contracts")
        note = st.text_area("What would you use it for?", max_chars=2000)
        if st.form_submit_button("Ask", type="primary"):
            writing.attempt(
                catalog.wish, actor=actor, text=text, note=note, done="Noted. You are told when it is there."
            )


def line(one: DemandLine, names: dict[str, str]) -> None:
    """One demand: what, how often by how many, who last, and what became of it."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("demand.py", label=f"**{plain(one.text)}**", query_params={"text": one.text}, icon=":material/contact_support:")  # fmt: skip
            st.markdown(demand_detail.state_badge(one))
        st.markdown(demand_detail.counted(one))
        if one.latest:
            latest = one.latest[0]
            unit = f" ({latest.unit})" if latest.unit else ""
            st.caption(plain(f"Last by {names[latest.asked_by]}{unit}, {badges.ago(latest.asked_at)}; first {badges.ago(one.first_at)}"))  # fmt: skip
        demand_detail.outcome(one, names)


actor = actors.current()
if asked := st.query_params.get("text"):
    demand_detail.show(actor, asked)
    st.stop()

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Demand", anchor=False)
    ask_for()
st.caption(
    "Ranked by asks times business units: what many parts of the organisation look for comes before what one part "
    "repeats. A person counts once a day for the same search."
)
state = addresses.switch("Show", "state", SHOWN, default="open")
page = addresses.page_number()
try:
    with db.reading() as session:
        states = demand.STATES if state == "all" else (state,)
        found = demand.ranked(session, actor, states=states, page=page, size=SIZE)
        who = {ask.asked_by for one in found.items for ask in one.latest}
        who |= {ref for one in found.items for ref in (one.taken_by, one.decided_by) if ref}
        names = people.names(session, who)
except PortalError as error:
    notices.refuse(error)
    st.stop()

if not found.total:
    st.info(EMPTY[state], icon=":material/contact_support:")
for one in found.items:
    line(one, names)
addresses.pages(found.total, SIZE, page)
