"""The fields in which a team says what its project is: the same when it is registered and when it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import db
from core.access import policy, queries
from core.access.policy import Actor, Scope
from core.patterns import queries as patterns
from core.projects.actions import CLASSIFICATIONS, LENGTHS, MODALITIES


@dataclass(frozen=True)
class Choices:
    """What can be chosen: teams in which this person may run projects, and active people, as id → name; and regions."""

    teams: dict[str, str]
    units: dict[str, str | None]
    people: dict[str, str]
    regions: list[str]


def choices(actor: Actor) -> Choices:
    """The choices of this person."""
    with db.reading() as session:
        teams = queries.teams(session)
        people = {one.id: one.name for one in queries.people(session, active_only=True)}
        regions = patterns.regions(session, actor)
    mine = [one for one in teams if policy.may(actor, "project.create", Scope(one.unit_id, one.id))]
    return Choices({one.id: one.name for one in mine}, {one.id: one.unit_id for one in mine}, people, regions)


def purpose(given: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Why the project is worth doing, and when the team stops."""
    st.subheader("Why", anchor=False)
    title = st.text_input("Title", given.get("title", ""), key=f"{key} title", max_chars=LENGTHS["title"], placeholder="Churn in the first year")  # fmt: skip
    summary = st.text_area(
        "Business problem", given.get("summary", ""), key=f"{key} summary", max_chars=LENGTHS["summary"],
        placeholder="Which decision changes, who takes it, how often, and what happens today?",
    )  # fmt: skip
    value = st.text_area(
        "Value hypothesis", given.get("value_hypothesis", ""), key=f"{key} value", max_chars=LENGTHS["value_hypothesis"],
        placeholder="If the model reaches …, then … saves … a year.",
    )  # fmt: skip
    stop = st.text_area(
        "Stop rule", given.get("stop_rule", ""), height=80, key=f"{key} stop", max_chars=LENGTHS["stop_rule"],
        placeholder="We stop when the model is not better than today's rule by …",
    )  # fmt: skip
    decide_by = st.date_input("Decide by", given.get("decide_by"), key=f"{key} decide", help="The day on which the stop rule is looked at.")  # fmt: skip
    return {
        "title": title, "summary": summary, "value_hypothesis": value, "stop_rule": stop, "decide_by": decide_by,
    }  # fmt: skip


def substance(given: Mapping[str, Any], chosen: Choices, key: str) -> dict[str, Any]:
    """Who does it, with which data, and what is predicted."""
    st.subheader("Who and with what", anchor=False)
    teams = list(chosen.teams)
    team = given.get("team_id", "")
    if team and team not in teams:
        teams.insert(0, team)
    index = teams.index(team) if team in teams else 0
    team_id = st.selectbox("Team", teams, index, format_func=lambda one: chosen.teams.get(one, one), key=f"{key} team")
    level = given.get("classification", "internal")
    classification = st.selectbox("Data classification", CLASSIFICATIONS, CLASSIFICATIONS.index(level), format_func=str.capitalize, key=f"{key} classification", help="Of the most sensitive data it reads; who sees the project follows from it.")  # fmt: skip
    access = st.text_area(
        "Data access and security", given.get("data_access", ""), height=80, key=f"{key} access",
        max_chars=LENGTHS["data_access"],
        placeholder="How the team reaches the data, and who allowed it. Exploration asks for nothing else.",
    )  # fmt: skip
    kinds = ("", *MODALITIES)
    left, right = st.columns(2)
    modality = left.selectbox("Kind of data", kinds, kinds.index(given.get("modality", "")), format_func=lambda one: one.capitalize() or "Not known yet", key=f"{key} modality")  # fmt: skip
    with right:
        region = _region(given.get("region", ""), chosen.regions, key)
    target = st.text_input("What is predicted", given.get("target", ""), key=f"{key} target", max_chars=LENGTHS["target"], placeholder="Cancellation within twelve months")  # fmt: skip
    tags = st.text_input("Tags", " ".join(given.get("tags", [])), key=f"{key} tags", placeholder="churn retention", help="Words by which others find it, with spaces between.")  # fmt: skip
    return {
        "team_id": team_id, "classification": classification, "data_access": access, "modality": modality,
        "region": region, "target": target, "tags": tags.split(),
    }  # fmt: skip


def _region(present: str, named: list[str], key: str) -> str:
    """One of the regions that patterns name, as their approvals are given for these words; or another one, typed."""
    options = list(dict.fromkeys(["", present, *named]))
    return st.selectbox(
        "Region", options, options.index(present), format_func=lambda one: one or "Not known yet", key=f"{key} region",
        accept_new_options=True,
    )  # fmt: skip


def operation(given: Mapping[str, Any], chosen: Choices, key: str) -> dict[str, Any]:
    """What the gate before operation asks for."""
    st.subheader("In operation", anchor=False)
    metric = st.text_input("Key metric in MLflow", given.get("key_metric", ""), key=f"{key} metric", max_chars=LENGTHS["key_metric"])  # fmt: skip
    higher = st.checkbox("Higher is better", given.get("higher_is_better", True), key=f"{key} higher")
    monitoring = st.text_area("Where the model is watched", given.get("monitoring", ""), height=80, key=f"{key} monitoring", max_chars=LENGTHS["monitoring"])  # fmt: skip
    people = ["", *chosen.people]
    called = given.get("on_call_id") or ""
    if called not in people:
        people.append(called)
    on_call = st.selectbox(
        "Who is called when it breaks", people, people.index(called), key=f"{key} on call",
        format_func=lambda one: chosen.people.get(one, "Somebody who left" if one else "Nobody yet"),
    )  # fmt: skip
    return {"key_metric": metric, "higher_is_better": higher, "monitoring": monitoring, "on_call_id": on_call or None}
