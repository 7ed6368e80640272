"""Certified pipelines of a project: which hold, why others lapsed, and how one is proposed or let lapse."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.projects.queries import ProjectRow
from core.reviews import certifying, choices, passing
from core.reviews.tables import Certificate
from pages.parts import badges, writing
from pages.parts.notices import plain

STATES = {
    "proposed": ("Proposed", ":material/pending:", "orange"),
    "certified": ("Certified", ":material/verified:", "green"),
    "lapsed": ("Lapsed", ":material/event_busy:", "gray"),
}


def show(actor: Actor, project: ProjectRow) -> None:
    """The certificates, and the form for another one."""
    with db.reading() as session:
        found = certifying.of_project(session, actor, project.id)
        offered = [one for one in choices.checklists(session, project.id) if one.applies_to == "model"]
    st.markdown("**Certified pipelines**")
    if not found:
        st.caption("While a validation pipeline is certified, versions of low risk that pass all its rules need no person.")  # fmt: skip
    for one in found:
        _certificate(actor, project, one)
    if offered and project.running and policy.may(actor, "case.submit", project.scope):
        with st.popover("Propose a pipeline", icon=":material/add:"), st.form("certificate", border=False):
            _propose(actor, project, {one.entry_id: f"{one.title} {one.version}" for one in offered})


def _certificate(actor: Actor, project: ProjectRow, one: Certificate) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{plain(one.name)}** up to the tier {plain(one.tier)}")
            st.markdown(badges.text(*STATES[one.state]))
        st.caption(plain(f"{one.repository} at {one.commit[:12]}, {one.workflow} · {badges.count(one.approvals, 'version')} passed · one in {one.sample_every} goes to people"))  # fmt: skip
        if one.expires_at and one.state == "certified":
            st.caption(f"It holds until {badges.exact(one.expires_at)}.")
        if one.lapse_reason and one.state == "lapsed":
            st.caption(plain(f"{one.lapse_reason} ({badges.exact(one.lapsed_at)})"))
        if one.state == "certified" and policy.may(actor, "approval.suspend", project.scope):
            with st.popover("Let it lapse", icon=":material/event_busy:", key=f"lapse {one.id}"), st.form(f"lapse {one.id}", border=False):  # fmt: skip
                reason = st.text_area("The drift or incident", max_chars=certifying.REASON_LENGTH)
                if st.form_submit_button("Let it lapse"):
                    writing.attempt(certifying.drift, actor=actor, reason=reason, certificate_id=one.id, done="It is no longer certified.")  # fmt: skip


def _propose(actor: Actor, project: ProjectRow, rules: dict[int, str]) -> None:
    name = st.text_input("Name", max_chars=200)
    repository = st.text_input("Repository", max_chars=300, placeholder="https://git.example/team/validation")
    commit = st.text_input("Commit", max_chars=64, help="The whole hash: another commit is another pipeline.")
    workflow = st.text_input("Workflow", max_chars=200, placeholder=".github/workflows/validate.yml")
    checklist = st.selectbox("Rules it runs", rules, format_func=rules.__getitem__)
    tier = st.selectbox("Highest tier it may approve", passing.TIERS_ALLOWED)
    every = st.number_input("One in so many versions goes to people", 1, certifying.MOST_SAMPLED_EVERY, certifying.SAMPLE_EVERY)  # fmt: skip
    if st.form_submit_button("Propose", type="primary"):
        writing.attempt(
            certifying.propose, actor=actor, project_id=project.id, name=name, repository=repository, commit=commit,
            workflow=workflow, checklist=checklist, tier=tier, sample_every=int(every),
            done="Proposed: its own case is open.",
        )  # fmt: skip
