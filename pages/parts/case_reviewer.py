"""A reviewer's own page: what their reviewing shows, how much they take, who stands in for them, and their PIN."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import streamlit as st

from core import db
from core.access.policy import Actor
from core.db import now
from core.reviews import assigning, insights, reviewers
from core.reviews.insights import Insights
from core.reviews.reviewers import Absence
from pages.parts import badges, signing_pin, writing
from pages.parts.notices import plain


def _hours(value: float) -> str:
    return f"{value:.1f} h"


def _share(value: float) -> str:
    return f"{value:.0%}"


FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "open_seats": ("Cases you sit in now", "{:g}".format),
    "working_hours": ("Working hours to a decision, median", _hours),
    "opened_share": ("Evidence opened before signing", _share),
    "agreement": ("Decided as the other signers did", _share),
    "with_checks": ("Decided as the checks found", _share),
}
"""Figure → what it says, and how it is written."""


def show(actor: Actor) -> None:
    """Figures for everybody who signs; a profile and absences for those who may; everybody's own PIN."""
    with db.reading() as session:
        found = insights.insights(session, actor)
        absences = reviewers.absences(session, actor)
    roles = reviewers.roles_of(actor)
    if roles or found.own.signed:
        _figures(found)
    else:
        st.info("Figures show here for those who review: one of the roles that sign, and a first decision.", icon=":material/insights:")  # fmt: skip
    if roles:
        _profile(actor)
        _absences(actor, roles, absences)
    signing_pin.change(actor)


def _figures(found: Insights) -> None:
    st.subheader("My figures", anchor=False)
    st.caption(
        "Only you see yours. They are here to help you plan: less is not better, agreeing is not being right, and nobody "
        "is ranked. Hours are those of working days, from the submission or your seat to your signature; while the owner "
        "has the ball, no time counts."
    )
    rows = {name: (getattr(found.own, name), found.quartiles.get(name)) for name in FIGURES}
    st.table(
        {
            "Figure": [words for words, _ in FIGURES.values()],
            "You": [_written(name, value) for name, (value, _) in rows.items()],
            "Half of the reviewers": [_half(name, quartiles) for name, (_, quartiles) in rows.items()],
            "Middle": [_written(name, quartiles[1] if quartiles else None) for name, (_, quartiles) in rows.items()],
        }
    )
    st.caption(f"You signed {badges.count(found.own.signed, 'decision')}. Figures of others show from {insights.FEWEST} reviewers on, so that they name nobody; there are {found.reviewers}.")  # fmt: skip


def _written(name: str, value: float | None) -> str:
    return "–" if value is None else FIGURES[name][1](value)


def _half(name: str, quartiles: insights.Quartiles | None) -> str:
    return f"{_written(name, quartiles[0])} to {_written(name, quartiles[2])}" if quartiles else "–"


def _profile(actor: Actor) -> None:
    st.subheader("What I take", anchor=False)
    with db.reading() as session:
        held = reviewers.profile(session, actor)
    with st.form("profile"):
        skills = st.text_input("What I know best", value=", ".join(held.skills), max_chars=1000, placeholder="text, credit, fairness", help="Modalities, areas and tags of checklists, with commas. Cases about them come to you first.")  # fmt: skip
        most = st.number_input("Open cases at once, at most", 1, assigning.MOST_CASES, held.most_cases)
        paused = st.checkbox("Give me no new cases for now", value=held.paused)
        if st.form_submit_button("Save", type="primary", icon=":material/save:"):
            words = [one.strip() for one in skills.split(",") if one.strip()]
            writing.attempt(assigning.set_profile, actor=actor, skills=words, most_cases=int(most), paused=paused, done="Kept: seats are given by it from now on.")  # fmt: skip


def _absences(actor: Actor, roles: list[str], absences: list[Absence]) -> None:
    st.subheader("When I am away", anchor=False)
    for one in absences:
        days = f"{one.starts_on:%d %b %Y} to {one.ends_on:%d %b %Y}"
        with st.container(horizontal=True, vertical_alignment="center"):
            who = f"{one.other} stands in for you" if one.is_mine else f"You stand in for {one.other}"
            st.markdown(plain(f"{who} as {one.role}, {days}"), width="content")
            if one.is_mine and st.button("I am back", key=f"back {one.id}", icon=":material/undo:"):
                writing.attempt(assigning.end_delegation, actor=actor, delegation_id=one.id, done="Welcome back.")
    role = st.selectbox("Role", roles, key="away_role") if len(roles) > 1 else roles[0]
    with db.reading() as session:
        names = reviewers.stand_ins(session, actor, role)
    if not names:
        st.caption(f"Nobody else is {role} yet, so nobody can stand in for you.")
        return
    with st.form("away"):
        person = st.selectbox("Who stands in", names, format_func=names.__getitem__)
        first = st.date_input("From", value=now().date(), min_value=now().date())
        last = st.date_input("To, including", value=now().date() + timedelta(days=7), min_value=now().date())
        if st.form_submit_button("Let them stand in", icon=":material/group:"):
            writing.attempt(assigning.delegate, actor=actor, to_id=person, role=role, starts_on=first, ends_on=last, done=f"{names[person]} stands in for you.")  # fmt: skip
