"""The form that asks for access: the fewest columns, the shortest time, and for what."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access.policy import Actor
from core.catalog.queries import EntryPage
from core.datasets import actions, queries, states
from pages.parts import writing
from pages.parts.notices import plain


def show(actor: Actor, page: EntryPage) -> None:
    """Ask for the dataset of ``page``; what approval means stands above the button."""
    spec, title = page.spec, page.entry.title
    with db.reading() as session:
        colleagues = queries.colleagues(session, actor)
        projects = {"": "For myself, no project"} | queries.own_projects(session, actor)
        contract = actions.contract_of(session, page.entry.id or 0)
    left, right = st.columns(2, gap="large")
    with left:
        purpose = st.text_area("What for", key="ask_purpose", max_chars=actions.LONGEST_PURPOSE, placeholder="Find the share of payments that ...")  # fmt: skip
        columns = _columns(contract.columns, spec)
        project = st.selectbox("Project", projects, format_func=projects.__getitem__, key="ask_project")
    with right:
        environment = st.selectbox("Environment", states.ENVIRONMENTS, format_func=states.ENVIRONMENTS.__getitem__, key="ask_environment")  # fmt: skip
        duration = duration_field(environment, key="ask")
        basis = _basis(contract.personal_data)
        people = st.multiselect("Who will read", colleagues, default=[actor.id] if actor.id in colleagues else None, format_func=lambda one: plain(colleagues[one]), key="ask_people")  # fmt: skip
    st.caption(f"The team {plain(page.entry.owner)} decides, in whole or in part. Approved is not yet readable: access begins when it was really given, with evidence, and ends by itself.")  # fmt: skip
    wish = actions.Wish(columns, purpose, duration, environment, basis, project, people)
    with st.container(horizontal=True):
        if st.button("Ask for access", type="primary", key="ask_send", icon=":material/send:"):
            writing.attempt(actions.ask, actor=actor, dataset=page.entry.key, wish=wish, done=f"The owners of {title} were asked.")  # fmt: skip
        if st.button("Keep as a draft", key="ask_draft", icon=":material/draft:"):
            writing.attempt(actions.draft, actor=actor, dataset=page.entry.key, wish=wish, done="Kept under My access; nobody was asked yet.")  # fmt: skip


def duration_field(environment: str, *, key: str, most_hours: int | None = None) -> int:
    """Days, or hours in production; ``most_hours`` limits it further and is its default."""
    production = environment == states.PRODUCTION
    longest = states.LONGEST_PRODUCTION_HOURS if production else states.LONGEST_DAYS
    usual = 8 if production else 30
    if most_hours is not None:
        longest = min(max(most_hours if production else most_hours // 24, 1), longest)
        usual = longest
    label = "Hours" if production else "Days"
    return int(st.number_input(label, min_value=1, max_value=longest, value=min(usual, longest), key=f"{key}_duration_{label}_{longest}"))  # fmt: skip


def _columns(possible: list[str], spec: dict[str, object]) -> list[str]:
    if not possible:
        st.caption("The contract names no columns: the request is for the whole dataset.")
        return []
    given = spec.get("columns")
    listed = given if isinstance(given, list) else []
    sensitive = {str(one["name"]) for one in listed if isinstance(one, dict) and one.get("sensitive")}
    return st.multiselect(
        "Columns", possible, default=[one for one in possible if one not in sensitive], key="ask_columns",
        format_func=lambda one: f"{one} (sensitive)" if one in sensitive else one,
        help="Sensitive columns are left out until you choose them. The fewer, the sooner an owner can say yes.",
    )  # fmt: skip


def _basis(personal_data: str) -> str:
    if personal_data == "none":
        return states.NO_PERSONAL_DATA
    possible = {one: name for one, name in states.LEGAL_BASES.items() if one != states.NO_PERSONAL_DATA}
    chosen = st.selectbox("Legal basis", possible, index=None, format_func=possible.__getitem__, key="ask_basis", placeholder="Choose one", help="These are personal data: reading them needs a legal basis.")  # fmt: skip
    return chosen or ""
