"""Boards beside the queue: conditions that are due, and waivers that run."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.reviews import boards
from core.reviews.boards import WaiverRow
from pages.parts import addresses, badges
from pages.parts.notices import plain

SIZE = 20


def conditions(actor: Actor) -> None:
    """What approvals are tied to and is not done yet."""
    page, mine = addresses.page_number(), addresses.tick("Only those that I am to meet", "mine")
    with db.reading() as session:
        found = boards.conditions_due(session, actor, mine=mine, page=page, size=SIZE)
    for one in found.items:
        with st.container(border=True, gap="xsmall"):
            late = badges.text("Late", ":material/alarm:", "red") if one.is_late else ""
            st.markdown(f"{plain(one.text)} {late}")
            judge = f"the check {one.check} judges it" if one.check else "a signer judges it"
            st.caption(plain(f"Until {one.due_on:%d %b %Y} · {one.owner} · {judge} · {one.project}"))
            _case(one.case_id, one.name, one.version, {"open": "Signatures"}, ":material/rule:")
    if not found.items:
        st.info("No approval is tied to a condition that is still open.", icon=":material/rule:")
    addresses.pages(found.total, SIZE, page)


def waivers(actor: Actor) -> None:
    """What is let pass, until when, and what stands in for it."""
    page = addresses.page_number()
    with db.reading() as session:
        found = boards.waivers_running(session, actor, page=page, size=SIZE)
        refs = {ref for one in found.items for ref in (one.requested_by, one.approved_by, one.second_by) if ref}
        names = people.names(session, refs)
    for one in found.items:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{plain(one.item or 'Break-glass')}**: {plain(one.reason)} {_state(one)}")
            st.caption(plain(_facts(one, names)))
            query = {"item": one.item} if one.item else {"open": "Signatures"}
            _case(one.case_id, one.name, one.version, query, ":material/gpp_maybe:")
    if not found.items:
        st.info("Nothing is waived.", icon=":material/gpp_good:")
    addresses.pages(found.total, SIZE, page)


def _state(one: WaiverRow) -> str:
    if one.waits:
        return badges.text("Waits for a decision", ":material/hourglass_top:", "blue")
    if one.holds:
        return badges.text("In force", ":material/gpp_maybe:", "orange")
    return badges.text("To be looked at", ":material/emergency:", "red")


def _facts(one: WaiverRow, names: dict[str, str]) -> str:
    said = [f"Until {badges.exact(one.expires_at)}", f"instead: {one.control}", f"asked by {names[one.requested_by]}"]
    if one.second_by and one.approved_by:
        said.append(f"agreed to by {names[one.approved_by]} and {names[one.second_by]}")
    elif one.approved_by and not one.waits:
        said.append(f"approved by {names[one.approved_by]}")
    return " · ".join([*said, one.project])


def _case(case_id: int, name: str, version: str, query: dict[str, str], icon: str) -> None:
    label = f"{name} {version}".rstrip()
    st.page_link("review.py", label=f"{plain(label)}, case {case_id}", query_params={"id": str(case_id)} | query, icon=icon)  # fmt: skip
