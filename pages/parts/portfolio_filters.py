"""The filters of the portfolio: each narrows the list, and each is in the address."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.config import settings
from core.projects import portfolio
from core.projects.actions import STAGES
from core.projects.portfolio import Filter
from pages.parts import addresses, badges

SORTS = {
    "title": "Title", "stage": "Stage", "tier": "Riskiest tier first", "age": "Longest in its stage",
    "newest": "Newest", "adoptions": "Most adoptions",
}  # fmt: skip
GROUPS = {"stage": "Stage", "unit": "Business unit", "tier": "Risk tier", "pattern": "Pattern", "": "No groups"}
TIERS = {one: one.capitalize() for one in portfolio.RISK_FIRST if one} | {"none": "Not assessed"}
DEMO = {"": "Demo and real", "only": "Demo only", "without": "Without the demo"}


def ask(actor: Actor) -> Filter:
    """Draw the filters and return what they say."""
    with db.reading() as session:
        units = {one.id: one.name for one in people.units(session)}
        teams = {one.id: one.name for one in people.teams(session)}
        patterns = portfolio.patterns_in_use(session, actor)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        q = addresses.words("Words", "q", placeholder="Title, id or summary")
        stage = addresses.choice("Stage", "stage", {"": "All stages"} | {one: one.capitalize() for one in STAGES})
        unit = addresses.choice("Business unit", "unit", {"": "All business units"} | units)
        tier = addresses.choice("Risk tier", "tier", {"": "All tiers"} | TIERS)
        mine = addresses.tick("Only mine", "mine")
    more = st.expander("More filters", icon=":material/filter_list:", expanded=_has_more())
    with more, st.container(horizontal=True):
        team = addresses.choice("Team", "team", {"": "All teams"} | teams)
        pattern = addresses.choice("Pattern", "pattern", {"": "All patterns", portfolio.NO_PATTERN: "No pattern"} | patterns)  # fmt: skip
        classification = addresses.choice("Data classification", "classification", {"": "All classifications"} | {key: label for key, (label, *_) in badges.CLASSIFICATIONS.items()})  # fmt: skip
        demo = addresses.choice("Demo", "demo", DEMO) if settings().demo else ""
    return Filter(q, unit, team, stage, tier, pattern, classification, mine, {"only": True, "without": False}.get(demo))


def _has_more() -> bool:
    return any(st.query_params.get(name) for name in ("team", "pattern", "classification", "demo"))
