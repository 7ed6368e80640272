"""The Retrospective tab of a project: what it leaves to the next ones, what it shares, and closing it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.errors import PortalError
from core.projects import harvest, harvest_queries
from core.projects.actions import NEXT_STAGES
from core.projects.harvest_queries import ProjectHarvest
from core.projects.queries import ProjectRow
from core.projects.tables import Retrospective
from pages.parts import badges, harvest_decisions, notices, writing
from pages.parts.notices import plain

_HELP = {
    "went_well": "What you would do the same way again.",
    "was_expensive": "Where the time, the money or the nerves went.",
    "others_should_know": "The next team reads this when it looks for what exists; it becomes the project's finding.",
}


def show(actor: Actor, project: ProjectRow) -> None:
    """The retrospective, the decisions with the state of their drafts, and what closing still takes."""
    try:
        with db.reading() as session:
            found = harvest_queries.of_project(session, actor, project.id)
            written_by = {found.retrospective.written_by} if found.retrospective else set()
            names = people.names(session, written_by | {one.decided_by for one in found.decisions})
    except PortalError as error:
        notices.refuse(error)
        return
    may_change = policy.may(actor, "project.create", project.scope) and project.stage != "closed"
    st.subheader("Retrospective", anchor=False)
    if may_change:
        _form(actor, project, found.retrospective, names)
    else:
        _read(project, found.retrospective, names)
    st.subheader("What the project gives back", anchor=False)
    harvest_decisions.show(actor, project, found.decisions, names, may_change=may_change)
    if may_change:
        _close(actor, project, found)


def _read(project: ProjectRow, written: Retrospective | None, names: dict[str, str]) -> None:
    if written is None:
        has_ended = project.stage == "closed"
        told = (
            "The project closed without one."
            if has_ended
            else "None yet. The team writes it before the project closes."
        )
        st.info(told, icon=":material/history_edu:")
        return
    for name, question in harvest.QUESTIONS.items():
        st.markdown(f"**{question}**")
        st.markdown(plain(getattr(written, name)))
    badges.when(f"Written by {plain(names[written.written_by])}", written.written_at)


def _form(actor: Actor, project: ProjectRow, written: Retrospective | None, names: dict[str, str]) -> None:
    """The three questions. The form keeps the revision it began with, so that nobody's words are written over."""
    key = f"retrospective {project.id}"
    began: Retrospective | None = st.session_state.setdefault(key, written)
    seen = began.revision if began else 0
    if written and written.revision != seen:
        _changed_meanwhile(project, written, names, key)
    elif written:
        badges.when(f"Written by {plain(names[written.written_by])}", written.written_at)
    with st.form(f"{key} {seen}"):
        answers = {
            name: st.text_area(
                question, getattr(began, name) if began else "", max_chars=harvest.LONGEST[name], help=_HELP[name],
                key=f"{key} {seen} {name}",
            )
            for name, question in harvest.QUESTIONS.items()
        }  # fmt: skip
        sent = st.form_submit_button("Save the retrospective", type="primary", icon=":material/save:")
    if sent:
        writing.attempt(
            _write, done="The retrospective is saved.", actor=actor, project_id=project.id, revision=seen, key=key, answers=answers
        )  # fmt: skip


def _write(session: Any, *, key: str, answers: dict[str, str], **arguments: Any) -> None:
    harvest.write_retrospective(session, **arguments, **answers)
    st.session_state.pop(key)


def _changed_meanwhile(project: ProjectRow, written: Retrospective, names: dict[str, str], key: str) -> None:
    st.warning(f"{plain(names[written.written_by])} changed this {badges.ago(written.written_at)}, after you opened it. Copy what you want to keep, then go on from what stands there now.", icon=":material/sync_problem:")  # fmt: skip
    with st.expander("What stands there now"):
        _read(project, written, names)
    st.button("Go on from what stands there now", on_click=lambda: st.session_state.pop(key, None))


def _close(actor: Actor, project: ProjectRow, found: ProjectHarvest) -> None:
    st.subheader("Close the project", anchor=False)
    if "closed" not in NEXT_STAGES[project.stage]:
        ended = "It has stopped: its finding is kept, and what it gives back can still be decided here."
        st.caption(ended if project.stage == "stopped" else f"A project in stage {project.stage} is stopped with a finding, not closed.")  # fmt: skip
        return
    if found.missing:
        st.info(f"To close, the project still needs {' and '.join(found.missing)}.", icon=":material/checklist:")
        st.button("Close the project", icon=":material/lock:", disabled=True)
        return
    shared = sum(one.decision == "share" for one in found.decisions)
    question = (
        f"{plain(project.title)} ends for good, with {badges.count(len(found.decisions), 'decision')} "
        f"({shared} shared). What others should know becomes its finding, and nothing here can be changed any more. "
        "What waits to be generalised can still be shared later."
    )
    if writing.confirmed("Close the project", question, key="close_project", icon=":material/lock:"):
        writing.attempt(harvest.close, done="The project is closed.", actor=actor, project_id=project.id)
