"""Deviations from a pattern's approvals: what waits for a reviewer, and how a team declares or ends one."""

from __future__ import annotations

from datetime import date

import streamlit as st

from core.access.policy import Actor
from core.patterns import deviations as actions
from core.patterns.approval_queries import MOST_WAITING, OpenDeviation, ProjectStanding, may_decide
from pages.parts import badges, writing
from pages.parts.notices import plain


def decisions(actor: Actor, waiting: list[OpenDeviation], *, key: str) -> None:
    """The open deviations, each with its form for those who may decide."""
    if not waiting:
        return
    st.subheader(f"{badges.count(len(waiting), 'deviation').capitalize()} for a reviewer", anchor=False)
    if len(waiting) == MOST_WAITING:
        st.caption("There may be more: they follow when these are decided.")
    for place, one in enumerate(waiting):
        with st.container(border=True):
            _open(one)
            if may_decide(actor, one):
                _decide(actor, one, f"{key}_{place}_{one.project_id}_{one.item}")
            elif one.involved:
                st.caption("You take part in the project, so another reviewer or manager decides.")


def _open(one: OpenDeviation) -> None:
    st.page_link("project.py", label=plain(one.project), query_params={"id": one.project_id, "open": "Pattern"}, icon=badges.kind_icon("project"))  # fmt: skip
    st.markdown(f"**{plain(one.item)}** ({one.by}) of {plain(one.pattern)}: {plain(one.approval_scope)}")
    if one.condition:
        st.markdown(f"Condition: “{plain(one.condition)}”")
    origin = "The team declared" if one.origin == "declared" else "Found in the facts"
    st.markdown(f"{origin}: {plain(one.what)}")
    if one.values:
        st.markdown(f"Outside the allowed: {plain(', '.join(one.values))}")
    if one.reason:
        st.markdown(f"Why: {plain(one.reason)}")


def _decide(actor: Actor, one: OpenDeviation, key: str) -> None:
    with st.popover("Decide", icon=":material/gavel:", key=f"{key}_open"), st.form(key, border=False):
        verdict = st.radio("Decision", ["Accept", "Reject"], index=None, key=f"{key}_verdict", horizontal=True)
        note = st.text_area("Note to the team", max_chars=actions.NOTE_LENGTH, key=f"{key}_note")
        day = st.date_input("Accepted until (empty: as long as the fact stays)", None, key=f"{key}_day")
        if not st.form_submit_button("Record the decision", type="primary", key=f"{key}_send"):
            return
        if verdict is None:
            st.error("Choose to accept or to reject.", icon=":material/error:")
            return
        writing.attempt(
            actions.decide_deviation, actor=actor, project_id=one.project_id, item_id=one.item, condition=one.condition,
            values=one.values, accept=verdict == "Accept", note=note or "",
            expires_on=day if isinstance(day, date) else None,
            done=f"The deviation of {one.project} from {one.item} is {verdict.lower()}ed.",
        )  # fmt: skip


def declare(actor: Actor, standing: ProjectStanding) -> None:
    """Say that the project does not keep a condition, before a reviewer finds out."""
    choices = {
        (one.item, condition): f"{one.item}: {condition or 'the approval as a whole'}"
        for one in standing.items
        for condition in ("", *(each.text for each in one.conditions))
        if one.applies
    }
    if not choices:
        return
    with st.popover("Declare a deviation", icon=":material/alt_route:"), st.form("declare_deviation", border=False):
        chosen = st.selectbox("From which condition", choices, format_func=choices.__getitem__, key="deviation_from")
        what = st.text_input("What is different", max_chars=actions.WHAT_LENGTH, key="deviation_what")
        reason = st.text_area("Why the project needs it", max_chars=actions.NOTE_LENGTH, key="deviation_reason")
        if not st.form_submit_button("Declare", type="primary", key="deviation_send"):
            return
        writing.attempt(
            actions.declare_deviation, actor=actor, project_id=standing.use.project_id, item_id=chosen[0],
            condition=chosen[1], what=what or "", reason=reason or "",
            done="The deviation is declared; a reviewer decides on it.",
        )  # fmt: skip


def resolve(actor: Actor, standing: ProjectStanding) -> None:
    """End a deviation that is no more."""
    rows = {one.id: f"{one.item}: {one.what}" for one in standing.deviations if one.state != "resolved"}
    if not rows:
        return
    with st.popover("End a deviation", icon=":material/task_alt:"):
        chosen = st.selectbox("Which one is no more", rows, format_func=rows.__getitem__, key="resolve_which")
        if st.button("It is no more", key="resolve"):
            writing.attempt(actions.resolve_deviation, actor=actor, deviation_id=chosen, done="The deviation is ended.")
