"""Opening a case: the checklist, and what it is about; and the cases of a project on its page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.errors import PortalError
from core.projects import queries as projects
from core.projects.queries import ProjectRow
from core.reviews import boards, choices, opening
from pages.parts import badges, case_certificates, case_list, notices
from pages.parts.notices import plain


def of_project(actor: Actor, project: ProjectRow) -> None:
    """The tab of a project: its cases, and the way to open one."""
    if policy.may(actor, "case.answer", project.scope) and project.running:
        st.page_link("reviews.py", label="Open a review case", query_params={"open_for": project.id}, icon=":material/add_task:")  # fmt: skip
    with db.reading() as session:
        found = boards.queue(session, actor, view="all", project_id=project.id, size=50)
        names = people.names(session, {one.owner for one in found.items})
    case_list.lines(found.items, names)
    if found.total > len(found.items):
        st.caption(f"The first {len(found.items)} of {badges.count(found.total, 'case')}; the queue finds the others.")
    if not found.items:
        st.info("Nothing of this project was reviewed yet. A model needs an approved case before it goes to production.", icon=":material/rate_review:")  # fmt: skip
    case_certificates.show(actor, project)


def form(actor: Actor, project_id: str) -> None:
    """Choose what to review by which checklist; the case carries on from the one of the version before."""
    try:
        with db.reading() as session:
            project = projects.detail(session, actor, project_id).project
            offered = choices.checklists(session, project_id)
            subjects = choices.subjects(session, project_id)
    except PortalError as error:
        st.title("Open a review case", anchor=False)
        notices.refuse(error)
        st.page_link("reviews.py", label="All reviews", icon=":material/arrow_back:")
        return
    st.page_link("project.py", label=plain(project.title), query_params={"id": project.id}, icon=":material/arrow_back:")  # fmt: skip
    st.title("Open a review case", anchor=False)
    if not offered:
        st.info("No checklist is published for the tier of this project. Its risk facts come first, on the Risk tab.", icon=":material/checklist:")  # fmt: skip
        return
    names = {one.entry_id: f"{one.title} {one.version} ({one.applies_to})" for one in offered}
    wanted = st.query_params.get("model", "")
    chosen = st.selectbox("Checklist", names, format_func=names.__getitem__, key="checklist")
    kind = next(one.applies_to for one in offered if one.entry_id == chosen)
    subject = _subject(kind, subjects, project_id, wanted)
    if subject and st.button("Open the case", type="primary", icon=":material/add_task:", key="open_case"):
        _open(actor, project_id, chosen, kind, *subject)


def _subject(kind: str, subjects: list[Any], project_id: str, wanted: str) -> tuple[str, str] | None:
    if kind == "project":
        return project_id, ""
    if kind != "model":
        name = st.text_input("Dataset reference" if kind == "dataset" else "Name of the pipeline", max_chars=200)
        return (name, "") if name else None
    if not subjects:
        st.info("MLflow has no version of this project's models yet, or none is claimed on the Models tab.", icon=":material/model_training:")  # fmt: skip
        return None
    labels = {(one.model, one.version): f"{one.model} {one.version}{' (' + ', '.join(one.aliases) + ')' if one.aliases else ''}" for one in subjects}  # fmt: skip
    first = next((index for index, one in enumerate(labels) if "/".join(one) == wanted), 0)
    return st.selectbox("Version", labels, index=first, format_func=labels.__getitem__, key="subject")


def _open(actor: Actor, project_id: str, checklist: int, kind: str, name: str, version: str) -> None:
    try:
        with db.writing() as session:
            former = choices.former_case(session, actor, checklist, kind, name, version)
            made = opening.open_case(
                session, actor=actor, project_id=project_id, checklist=checklist, kind=kind, name=name,
                version=version, carry_from=former,
            )  # fmt: skip
    except PortalError as error:
        notices.refuse(error)
        return
    told = f"Case {made.id} is open" + (
        f"; answers of case {former} that still fit were carried over." if former else "."
    )
    notices.after_rerun(told)
    st.switch_page("review.py", query_params={"id": str(made.id)})
