"""Who could read what, on any past day: for auditors, with the table to take away."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.datasets import queries
from core.db import now
from core.errors import PortalError
from pages.parts import actor as actors
from pages.parts import addresses, badges, dataset_requests, notices

SIZE = 100


def show(actor: Actor) -> None:
    """The overview of one day, from its first to its last moment in UTC."""
    with db.reading() as session:
        everybody = {"": "Anybody"} | people.everybody(session)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        day = _day()
        person = addresses.choice("Person", "person", everybody)
        dataset = addresses.words("Dataset", "dataset", placeholder="dataset:default/payments")
    period = {"at": day, "through": day + timedelta(days=1), "dataset": dataset, "person": person}
    page = addresses.page_number()
    try:
        with db.reading() as session:
            found = queries.readers(session, actor, **period, page=page, size=SIZE)  # type: ignore[arg-type]
    except PortalError as error:
        notices.refuse(error)
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f"**{badges.count(found.total, 'access', 'accesses')}** on {day:%d %b %Y}, by grants of this portal"
        )
        st.download_button("Download as CSV", partial(_file, period), file_name=f"readers-{day:%Y-%m-%d}.csv", mime="text/csv", icon=":material/download:", on_click="ignore")  # fmt: skip
    if not policy.may(actor, "data.audit"):
        st.caption("Of the datasets of the units and teams that your role is held in; others are not shown here.")
    dataset_requests.readers(found.items)
    addresses.pages(found.total, SIZE, page)


def _day() -> datetime:
    """The day in the address, or today; midnight, UTC."""
    today = now().date()
    try:
        given = date.fromisoformat(st.query_params.get("day", ""))
    except ValueError:
        given = today
    earliest = date(2000, 1, 1)
    st.session_state["audit_day"] = min(max(given, earliest), today)
    chosen = st.date_input("Day", key="audit_day", min_value=earliest, max_value=today, on_change=_remember, width=180)
    return datetime.combine(chosen if isinstance(chosen, date) else today, time(), UTC)


def _remember() -> None:
    st.query_params["day"] = str(st.session_state["audit_day"])
    st.query_params.pop("page", None)


def _file(period: dict[str, object]) -> bytes:
    with db.reading() as session:
        return queries.readers_csv(session, actors.current(), **period).encode("utf-8-sig")  # type: ignore[arg-type]
