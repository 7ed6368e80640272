"""The owners' side: what waits, and approving in whole or part, rejecting, granting with evidence, revoking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.config import settings
from core.datasets import actions, owners, queries, states
from core.datasets.queries import RequestRow
from core.errors import PortalError
from pages.parts import addresses, badges, dataset_form, dataset_requests, notices, writing

SIZE = 10
SHOWN = {
    "": ("Waiting", ("submitted", "approved")),
    "granted": ("Reading now", ("granted",)),
    "past": ("Past", ("expired", "revoked", "rejected", "withdrawn")),
}


def queue(actor: Actor) -> None:
    """The requests this person decides about: those that wait first, and what they gave."""
    shown = addresses.switch("Show", "shown", {one: name for one, (name, _) in SHOWN.items()})
    page = addresses.page_number()
    with db.reading() as session:
        found = queries.requests(session, actor, to_decide=True, states=SHOWN[shown][1], page=page, size=SIZE)
        names = people.names(session, {ref for one in found.items for ref in one.refs})
    st.markdown(f"**{badges.count(found.total, 'request')}**")
    for row in found.items:
        dataset_requests.card(actor, row, names)
        forms(actor, row)
    if not found.items:
        st.info("Requests for the datasets you own show here, with what was asked and by whom.", icon=":material/inbox:")  # fmt: skip
    addresses.pages(found.total, SIZE, page)


def one(actor: Actor, request_id: int) -> None:
    """The page of a single request, for links."""
    st.page_link("datasets.py", label="All datasets", icon=":material/arrow_back:")
    st.title(f"Data request {request_id}", anchor=False)
    try:
        with db.reading() as session:
            row = queries.request(session, actor, request_id)
            names = people.names(session, row.refs)
    except PortalError as error:
        notices.refuse(error)
        return
    dataset_requests.card(actor, row, names)
    forms(actor, row)


def forms(actor: Actor, row: RequestRow) -> None:
    """What this person can decide about a request now; nothing where they cannot."""
    own = actor.ref == row.requested_by or actor.id in row.people
    if not owners.may_decide(actor, row.scope) or (own and row.state != "granted"):
        return
    with st.container(horizontal=True):
        if row.state == "submitted":
            _approve(actor, row)
            _with_reason(actor, row, "Reject", actions.reject, "What would have to change", ":material/thumb_down:")
        if row.state == "approved":
            _grant(actor, row)
        if row.state in ("approved", "granted") and actor.ref != row.requested_by:
            _with_reason(actor, row, "Revoke", actions.revoke, "Why it ends now", ":material/block:")


def _approve(actor: Actor, row: RequestRow) -> None:
    with st.popover("Approve", type="primary", icon=":material/thumb_up:", key=f"approve_ask_{row.id}"):
        columns = st.multiselect("Columns", row.columns, row.columns, key=f"columns_{row.id}") if row.columns else None
        possible = [one for one in states.ENVIRONMENTS if one != states.PRODUCTION or row.environment == one]
        environment = st.selectbox("Environment", possible, index=possible.index(row.environment), key=f"environment_{row.id}")  # fmt: skip
        duration = dataset_form.duration_field(environment, key=f"approve_{row.id}", most_hours=row.hours)
        note = st.text_area("Note for the requester", key=f"note_{row.id}", max_chars=2000)
        st.caption("Less than was asked is an approval in part. Access is given in the next step, with evidence.")
        if st.button("Approve this", type="primary", key=f"approve_{row.id}"):
            writing.attempt(actions.approve, actor=actor, request_id=row.id, columns=columns, environment=environment, duration=duration, note=note, done="Approved; access is given next.")  # fmt: skip


def _grant(actor: Actor, row: RequestRow) -> None:
    with st.popover("Access was given", type="primary", icon=":material/key:", key=f"grant_ask_{row.id}"):
        if settings().grant_webhook_url:
            st.caption("The portal asks the system that gives access by itself; use this where it was done by hand.")
        evidence = st.text_input("Evidence", key=f"evidence_{row.id}", max_chars=400, placeholder="Ticket number or link")  # fmt: skip
        if st.button("Note it", type="primary", key=f"grant_{row.id}"):
            writing.attempt(actions.grant, actor=actor, request_id=row.id, evidence=evidence, done="Access runs from now.")  # fmt: skip


def _with_reason(actor: Actor, row: RequestRow, label: str, verb: Callable[..., Any], ask: str, icon: str) -> None:
    name = label.lower()
    with st.popover(label, icon=icon, key=f"{name}_ask_{row.id}"):
        reason = st.text_area(ask, key=f"{name}_reason_{row.id}", max_chars=2000)
        if st.button(f"{label} it", type="primary", key=f"{name}_{row.id}"):
            writing.attempt(verb, actor=actor, request_id=row.id, reason=reason, done=f"Request {row.id}: done.")
