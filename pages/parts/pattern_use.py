"""Choosing, changing and leaving the pattern of a project; what that inherits and reopens stands below the form."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access.policy import Actor
from core.errors import PortalError
from core.patterns import approval_queries as queries
from core.patterns import queries as patterns
from core.patterns import use as actions
from core.patterns.approval_queries import Preview, Use
from core.patterns.suggestion import Suggestion
from pages.parts import notices, writing
from pages.parts.notices import plain

MOST_PATTERNS = 200


def choose_for(project_id: str) -> None:
    """From a pattern's page to the project that is to stand on it, where its use is declared."""
    st.caption("There the team says how it uses the pattern and sees which approvals it inherits.")
    there = {"id": project_id, "open": "Pattern", "pattern": st.query_params.get("ref", "")}
    st.page_link("project.py", label="Choose it on the Pattern tab", query_params=there, icon=":material/schema:")


def leave(actor: Actor, use: Use) -> None:
    """Let the project stand on no pattern."""
    question = f"The project inherits nothing from {plain(use.pattern)} then, and its deviations end."
    if writing.confirmed("Leave the pattern", question, key="leave_pattern", icon=":material/remove_circle:"):
        writing.attempt(
            actions.leave_pattern, actor=actor, project_id=use.project_id, revision=use.revision,
            done="The project stands on no pattern.",
        )  # fmt: skip


def form(actor: Actor, project_id: str, use: Use | None) -> None:
    """Choose the pattern, declare region and services, attest its statements, see the effect, and save."""
    if (entry_id := _pattern(actor, use)) is None:
        return
    try:
        with db.reading() as session:
            suggested = queries.suggested(session, actor, project_id, entry_id)
            statements = queries.statements(session, actor, entry_id)
    except PortalError as error:
        notices.refuse(error)
        return
    present = use if use is not None and use.entry_id == entry_id else None
    key = f"use_{entry_id}"
    region = _region(suggested, present, key)
    services = _services(suggested, present, key)
    attested = _statements(statements, present, key)
    upgrade = present is not None and present.version != present.current_version and st.checkbox(
        f"Move to version {plain(present.current_version)}", key=f"{key}_upgrade"
    )  # fmt: skip
    declared = {
        "project_id": project_id, "entry_id": entry_id, "region": region, "services": services, "attested": attested,
        "upgrade": bool(upgrade),
    }  # fmt: skip
    try:
        with db.reading() as session:
            _effect(queries.preview_use(session, actor, **declared))
    except PortalError as error:
        notices.refuse(error)
        return
    label = "Save" if present else "Use this pattern"
    if st.button(label, type="primary", key="use_pattern", icon=":material/verified_user:"):
        revision = use.revision if use else 0
        writing.attempt(actions.use_pattern, actor=actor, revision=revision, done="The project's pattern is up to date.", **declared)  # fmt: skip


def _pattern(actor: Actor, use: Use | None) -> int | None:
    with db.reading() as session:
        found = patterns.patterns(session, actor, size=MOST_PATTERNS).items
    asked = next((one.entry_id for one in found if one.key == st.query_params.get("pattern")), None)
    options = {one.entry_id: f"{one.title} {one.version}" for one in found if one.lifecycle == "approved"}
    if use is not None:
        options = {use.entry_id: f"{use.pattern} {use.version}"} | {
            entry_id: label for entry_id, label in options.items() if entry_id != use.entry_id
        }
    if not options:
        st.caption("No pattern is published that you may see.")
        return None
    first = list(options).index(asked) if asked in options else 0 if use else None
    return st.selectbox(
        "Pattern", options, index=first, format_func=options.__getitem__, key="use_entry",
        placeholder="Choose the pattern of the project",
    )  # fmt: skip


def _region(suggested: Suggestion, present: Use | None, key: str) -> str:
    usual = present.region if present else suggested.region
    options = list(dict.fromkeys([*([usual] if usual else []), *suggested.regions]))
    chosen = st.selectbox(
        "Region in which it runs", options, index=0 if usual else None, key=f"{key}_region", accept_new_options=True,
        placeholder="Choose or type a region",
    )  # fmt: skip
    return chosen or ""


def _services(suggested: Suggestion, present: Use | None, key: str) -> dict[str, list[str]]:
    usual = present.services if present else suggested.services
    st.markdown("**Services it really uses**")
    chosen = {}
    columns = [*st.columns(3), *st.columns(3)]
    for place, stage in zip(columns, actions.STAGES, strict=True):
        names = usual.get(stage, [])
        options = list(dict.fromkeys([*names, *suggested.known_services]))
        with place:
            chosen[stage] = st.multiselect(
                stage.capitalize(), options, names, key=f"{key}_{stage}", accept_new_options=True,
                placeholder="Choose or type a service",
            )  # fmt: skip
    return {stage: [str(one) for one in names] for stage, names in chosen.items() if names}


def _statements(statements: list[str], present: Use | None, key: str) -> list[str]:
    if statements:
        st.markdown("**What the team attests**")
        st.caption("Tick what holds today. An approval whose statement is not attested stays open.")
    said = set(present.attested) if present else set()
    return [one for place, one in enumerate(statements) if st.checkbox(plain(one), one in said, key=f"{key}_{place}")]


def _effect(preview: Preview) -> None:
    """What saving would give and take."""
    had = [one.item for one in preview.items if one.inherited]
    asked = [one for one in preview.items if one.applies]
    if asked:
        st.caption(f"So declared, the project inherits {len(had)} of {len(asked)} approvals: {plain(', '.join(had) or 'none')}.")  # fmt: skip
    else:
        st.caption("The pattern brings no approval yet.")
    if preview.reopens:
        lines = [
            f"- **{plain(one.item)}** {plain(' '.join(why.words for why in one.reasons))}" for one in preview.reopens
        ]
        st.warning("Saving reopens:\n\n" + "\n".join(lines), icon=":material/lock_open:")
    elif missing := [one for one in asked if not one.inherited]:
        with st.expander(f"Why {', '.join(one.item for one in missing)} would be open", icon=":material/help:"):
            for one in missing:
                st.markdown(f"**{plain(one.item)}** {plain(' '.join(why.words for why in one.reasons))}")
