"""Conditions of an approval: naming them while signing, and saying afterwards that they are met."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from core import db
from core.access.policy import Actor
from core.db import now
from core.errors import PortalError
from core.reviews import choices, conditions
from core.reviews.queries import CaseDetail
from core.reviews.tables import Condition
from pages.parts import badges, notices, writing
from pages.parts.notices import plain

MOST = 8
"""Conditions of one signature: whoever needs more asks for changes."""
_BY_SIGNER = "A signer of the case says when it is met"


def ask(detail: CaseDetail) -> list[dict[str, Any]]:
    """Fields for one condition or more, as a signature takes them."""
    with db.reading() as session:
        owners = choices.condition_owners(session, detail.case)
    count = int(st.number_input("Number of conditions", 1, MOST, 1, key="conditions"))
    return [_fields(detail, owners, number + 1) for number in range(count)]


def _fields(detail: CaseDetail, owners: dict[str, str], number: int) -> dict[str, Any]:
    case, key = detail.case, f"condition {number}"
    judges = {"": _BY_SIGNER} | {one.item.id: f"The check of {one.item.id}: {one.item.summary}" for one in detail.items if one.item.check}  # fmt: skip
    with st.container(border=True):
        words = st.text_area(f"Condition {number}", max_chars=conditions.LENGTH, placeholder="What has to be done after the approval", key=key)  # fmt: skip
        owner = st.selectbox("Who meets it", owners, format_func=owners.__getitem__, key=f"{key} owner")
        due = st.date_input("Until", value=now().date() + timedelta(days=30), key=f"{key} due")
        judge = st.selectbox("What judges it", judges, format_func=judges.__getitem__, key=f"{key} judge")
        where = st.multiselect("Where it may go meanwhile", case.environments, default=case.environments, key=f"{key} where")  # fmt: skip
    item = detail.item(judge) if judge else None
    check = {"check": item.item.check, "parameters": dict(item.item.parameters)} if item else {}
    return {"text": words, "owner": owner or "", "due_on": due.isoformat(), "environments": where} | check


def show(actor: Actor, detail: CaseDetail) -> None:
    """The conditions of the case, and the way to meet each."""
    if not detail.conditions:
        return
    st.markdown("**Conditions**")
    for one in detail.conditions:
        owner = detail.names.get(f"person:{one.owner_id}", one.owner_id)
        st.markdown(f"{plain(one.text)} · {plain(owner)} · {plain(_state(one))}")
        if one.met_at is None and one.check:
            _check(actor, detail, one)
        elif one.met_at is None and "meet condition" in detail.may and actor.id != one.owner_id:
            _meet(actor, one)


def _state(one: Condition) -> str:
    if one.met_at:
        return f"met {badges.ago(one.met_at)}: {one.note}"
    judged = f", judged by the check {one.check}" if one.check else ""
    return f"open until {one.due_on:%d %b %Y}{judged}" + (f"; last: {one.note}" if one.note else "")


def _meet(actor: Actor, one: Condition) -> None:
    with st.popover("It is met", icon=":material/task_alt:", key=f"meet {one.id}"), st.form(f"meeting {one.id}", border=False):  # fmt: skip
        note = st.text_area("How you know", max_chars=2000)
        if st.form_submit_button("Say so", type="primary"):
            writing.attempt(conditions.meet, actor=actor, condition_id=one.id, note=note, done="The condition is met.")


def _check(actor: Actor, detail: CaseDetail, one: Condition) -> None:
    if "check condition" not in detail.may:
        return
    if not st.button("Run its check on the newest evidence", icon=":material/play_arrow:", key=f"check {one.id}"):
        return
    try:
        with db.writing() as session:
            found = conditions.run_check(session, actor=actor, condition_id=one.id or 0)
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun(f"The condition is met: {found.text}" if found.verdict == "pass" else f"Not met yet: {found.text}")  # fmt: skip
    st.rerun()
