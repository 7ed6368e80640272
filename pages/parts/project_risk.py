"""The risk tab of a project: the facts its team states, the tier that follows and why, and who confirms it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.patterns import changes
from core.projects import risk, tier
from core.projects.queries import ProjectDetail
from core.projects.tier import QUESTIONS, TIERS, Question
from pages.parts import badges, writing
from pages.parts.notices import plain

BADGES = {
    "": ("Tier not known", ":material/help:", "gray"),
    "minimal": ("Minimal risk", ":material/check_circle:", "green"),
    "limited": ("Limited risk", ":material/info:", "blue"),
    "high": ("High risk", ":material/warning:", "orange"),
    "prohibited": ("Prohibited", ":material/block:", "red"),
}


def badge(name: str) -> str:
    """A tier as icon, word and colour, inside Markdown."""
    return badges.text(*BADGES[name])


def show(actor: Actor, detail: ProjectDetail) -> None:
    """The tier with its reasons at the left, the facts at the right."""
    left, right = st.columns(2, gap="large")
    with left:
        _tier(actor, detail)
    with right:
        if detail.project.running and policy.may(actor, "tier.set_facts", detail.project.scope):
            _form(actor, detail)
        else:
            _answers(detail)


def _tier(actor: Actor, detail: ProjectDetail) -> None:
    record = detail.record
    st.subheader("Tier", anchor=False)
    st.markdown(badge(record.tier))
    if not record.risk_facts:
        st.info("The team has stated no risk facts yet; the tier follows from them.", icon=":material/quiz:")
        return
    decision = tier.decide(record.risk_facts)
    _standing(detail, decision.tier)
    if decision.fired:
        st.table(
            {
                "Row": [one.id for one in decision.fired],
                "Tier": [one.tier for one in decision.fired],
                "Because": [plain(one.why) for one in decision.fired],
                "Source": [plain(one.source) for one in decision.fired],
            },
            border="horizontal", hide_index=True, alt=f"{len(decision.fired)} rows of the decision table fired",
        )  # fmt: skip
    else:
        st.markdown("No row of the decision table fired.")
    if detail.project.running and policy.may(actor, "tier.confirm", detail.project.scope):
        _confirm(actor, detail)


def _standing(detail: ProjectDetail, decided: str) -> None:
    record = detail.record
    with db.reading() as session:
        known = queries.names(session, {record.tier_confirmed_by or "", record.tier_proposed_by or ""})
    if record.tier_confirmed_by:
        st.markdown(f"Confirmed by {plain(known[record.tier_confirmed_by])}")
    else:
        st.markdown("Waits for a validator or reviewer to confirm it.")
    if record.tier != decided:
        st.markdown(f"The table says {decided}. Why it is {record.tier}: {plain(record.tier_reason) or 'it was raised on other facts.'}")  # fmt: skip
    if record.tier_proposed:
        st.info(f"{plain(known[record.tier_proposed_by or ''])} proposes {record.tier_proposed}: {plain(record.tier_reason)} A second person confirms it.", icon=":material/group:")  # fmt: skip


def _confirm(actor: Actor, detail: ProjectDetail) -> None:
    record = detail.record
    with st.form(f"tier {record.revision}"):
        st.markdown("**Confirm or change**")
        wanted = record.tier_proposed or record.tier
        chosen = st.radio("Tier", TIERS, TIERS.index(wanted), horizontal=True, format_func=str.capitalize, key=f"tier_choice {record.revision}")  # fmt: skip
        reason = st.text_input("Why, where it is not the present one", key=f"tier_reason {record.revision}", max_chars=risk.REASON_LENGTH)  # fmt: skip
        st.caption("Raising holds at once; lowering takes a second validator or reviewer.")
        sent = st.form_submit_button("Confirm tier", type="primary", on_click=_remember, args=("tier", record.revision))
    if sent:
        writing.attempt(
            changes.confirm_tier, actor=actor, project_id=record.id, revision=record.revision, tier=chosen, reason=reason,
            done="Your decision is recorded.",
        )  # fmt: skip
    _warn_if_changed("tier", record.revision)


def _form(actor: Actor, detail: ProjectDetail) -> None:
    record = detail.record
    st.subheader("Risk facts", anchor=False)
    with st.form(f"facts {record.revision}"):
        given = {
            one.key: _widget(one, record.risk_facts.get(one.key, one.nothing), record.revision) for one in QUESTIONS
        }
        sent = st.form_submit_button("State these facts", type="primary", on_click=_remember, args=("facts", record.revision))  # fmt: skip
    if sent:
        writing.attempt(
            changes.set_facts, actor=actor, project_id=record.id, revision=record.revision, facts=given,
            done="The facts are stated; the tier follows from them.",
        )  # fmt: skip
    _warn_if_changed("facts", record.revision)


def _widget(question: Question, value: Any, revision: int) -> Any:
    key = f"fact {question.key} {revision}"
    help_ = question.help or None
    if question.kind == "flag":
        return st.checkbox(question.text, value, key=key, help=help_)
    if question.kind == "any":
        return st.multiselect(question.text, question.options, value, key=key, help=help_, placeholder="None of them")
    return st.radio(question.text, question.options, question.options.index(value), horizontal=True, format_func=str.capitalize, key=key, help=help_)  # fmt: skip


def _answers(detail: ProjectDetail) -> None:
    st.subheader("Risk facts", anchor=False)
    for one in QUESTIONS if detail.record.risk_facts else ():
        value = detail.record.risk_facts.get(one.key, one.nothing)
        shown = ("yes" if value else "no") if one.kind == "flag" else value if one.kind == "level" else ", ".join(value)
        st.markdown(f"{plain(one.text)} **{plain(str(shown)) or 'none'}**")


def _remember(form: str, revision: int) -> None:
    st.session_state[f"{form}_seen"] = revision


def _warn_if_changed(form: str, revision: int) -> None:
    """Say so where a form was sent that stood on facts which somebody else has changed meanwhile."""
    if st.session_state.pop(f"{form}_seen", revision) != revision:
        st.warning("Somebody changed the project meanwhile; nothing was saved. Look at it again.", icon=":material/sync_problem:")  # fmt: skip
