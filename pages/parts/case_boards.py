"""Boards beside the queue: conditions that are due, waivers that run, and what reviewing costs."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.reviews import boards, insights
from pages.parts import badges
from pages.parts.notices import plain


def conditions(actor: Actor) -> None:
    """What approvals are tied to and is not done yet."""
    with db.reading() as session:
        found = boards.conditions_due(session, actor)
    for one in found:
        with st.container(border=True, gap="xsmall"):
            late = badges.text("Late", ":material/alarm:", "red") if one.is_late else ""
            st.markdown(f"{plain(one.text)} {late}")
            st.caption(plain(f"Until {one.due_on:%d %b %Y} · {one.owner} · {one.project}"))
            st.page_link("review.py", label=f"{plain(one.name)} {plain(one.version)}, case {one.case_id}", query_params={"id": str(one.case_id), "open": "Signatures"}, icon=":material/rule:")  # fmt: skip
    if not found:
        st.info("No approval is tied to a condition that is still open.", icon=":material/rule:")


def waivers(actor: Actor) -> None:
    """What is let pass, until when, and what stands in for it."""
    with db.reading() as session:
        found = boards.waivers_running(session, actor)
        names = people.names(session, {one.requested_by for one in found} | {one.approved_by or "" for one in found} - {""})  # fmt: skip
    for one in found:
        with st.container(border=True, gap="xsmall"):
            state = badges.text("Waits for a decision", ":material/hourglass_top:", "blue") if one.waits else badges.text("In force", ":material/gpp_maybe:", "orange")  # fmt: skip
            st.markdown(f"{plain(one.item or 'Break-glass')}: {plain(one.reason)} {state}")
            by = f" · approved by {names.get(one.approved_by, one.approved_by)}" if one.approved_by else ""
            st.caption(plain(f"Until {badges.exact(one.expires_at)} · instead: {one.control} · asked by {names.get(one.requested_by, one.requested_by)}{by} · {one.project}"))  # fmt: skip
            query = {"id": str(one.case_id)} | ({"item": one.item} if one.item else {})
            st.page_link("review.py", label=f"{plain(one.name)} {plain(one.version)}, case {one.case_id}", query_params=query, icon=":material/gpp_maybe:")  # fmt: skip
    if not found:
        st.info("Nothing is waived.", icon=":material/gpp_good:")


def mine(actor: Actor) -> None:
    """One's own figures; nobody else's are shown with a name."""
    with db.reading() as session:
        found = insights.insights(session, actor)
    own = found.own
    st.caption("Only you see your figures. They are here to help you plan, and are no measure of anybody.")
    with st.container(horizontal=True):
        st.metric("Decisions signed", own.signed)
        st.metric("Seats you fill now", own.open_seats)
        st.metric("Working hours to a decision", _figure(own.working_hours), help="Median, from the last submission to your signature; while the owner has the ball, no time counts.")  # fmt: skip
        st.metric("Evidence opened before signing", _share(own.opened_share))
        st.metric("Agreement with the others", _share(own.agreement))
    if found.quartiles:
        low, mid, high = found.quartiles
        st.caption(f"Of {found.reviewers} reviewers half take between {low:.1f} and {high:.1f} working hours; the middle is {mid:.1f}.")  # fmt: skip
    else:
        st.caption(f"Quartiles show from {insights.FEWEST} reviewers on, so that they name nobody.")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
