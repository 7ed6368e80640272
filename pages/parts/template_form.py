"""The form of a template, made from its own questions: conditions, defaults and rules are the template's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from core.config import settings
from core.errors import PortalError
from core.projects.tables import Project
from core.templates import requests, sending
from core.templates.form import Question
from core.templates.rendering import Field, Form
from core.templates.tables import TemplateVersion
from pages.parts import notices
from pages.parts.notices import plain

LONGEST_ANSWER = 10_000


def known_answers(project: Project) -> dict[str, Any]:
    """What the portal knows already, by the names that its own templates ask for."""
    return {
        "project_id": project.id, "project_title": project.title, "project_summary": project.summary,
        "unit": project.unit_id or project.team_id, "team": project.team_id, "classification": project.classification,
        "tier": project.tier or None, "portal_url": settings().base_url,
        "model_name": project.registered_model or None,
    }  # fmt: skip


@st.cache_data(max_entries=200, show_spinner=False)
def resolved(version_id: int, answers: str) -> Form:
    """The form for these answers (as JSON); a version's files never change, so what was resolved once holds."""
    return sending.form(version_id, json.loads(answers))


def show(version: TemplateVersion, given: Mapping[str, Any], *, key: str) -> tuple[dict[str, Any], Form | None]:
    """Draw the questions that the answers so far ask for; returns the answers and the resolved form."""
    questions = requests.questions_of(version).questions
    answers = {name: value for name, value in given.items() if value not in (None, "")}
    answers = {one.name: answers[one.name] for one in questions if one.name in answers} | _typed(questions, key)
    try:
        form = resolved(version.id or 0, json.dumps(answers, sort_keys=True))
    except PortalError as error:
        notices.refuse(error)
        return answers, None
    for field in form.fields:
        if not field.question.computed and field.visible:
            _ask(field, answers.get(field.question.name, field.default), form, f"{key} {field.question.name}")
    return answers, form


def _ask(field: Field, value: Any, form: Form, key: str) -> None:
    name = field.question.name
    if field.question.secret:
        st.caption(f":material/key: {plain(name)}: the portal keeps no secrets. Set it in the repository after the delivery.")  # fmt: skip
        return
    _widget(field, value, key)
    if problem := form.errors.get(name):
        st.markdown(f":red[:material/error: {plain(problem)}]")


def _typed(questions: Iterable[Question], key: str) -> dict[str, Any]:
    """What the person typed by now; choices stand in their widgets as JSON."""
    found = {}
    for one in questions:
        value = st.session_state.get(f"{key} {one.name}")
        if value is None:
            continue
        if one.choices or one.choices_template:
            value = [json.loads(part) for part in value] if one.multiselect else json.loads(value)
        found[one.name] = value
    return found


def _widget(field: Field, value: Any, key: str) -> None:
    question = field.question
    label = plain(question.help or question.name.replace("_", " ").capitalize())
    if field.choices:
        _choice(field, value, label, key)
        return
    match question.type:
        case "bool":
            st.checkbox(label, bool(value), key=key)
        case "int":
            st.number_input(label, value=int(value) if value not in (None, "") else None, step=1, key=key)
        case "float":
            st.number_input(label, value=float(value) if value not in (None, "") else None, key=key, format="%g")
        case _:
            text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
            draw = st.text_area if question.multiline or question.type in ("json", "yaml") else st.text_input
            draw(label, text, key=key, placeholder=question.placeholder or None, max_chars=LONGEST_ANSWER)


def _choice(field: Field, value: Any, label: str, key: str) -> None:
    labels = {json.dumps(one, sort_keys=True): str(title) for title, one in field.choices}
    values = list(labels)
    if field.question.multiselect:
        chosen = [json.dumps(one, sort_keys=True) for one in (value if isinstance(value, list) else [])]
        st.multiselect(label, values, [one for one in chosen if one in values], format_func=labels.__getitem__, key=key)
        return
    here = json.dumps(value, sort_keys=True)
    st.selectbox(label, values, values.index(here) if here in values else None, format_func=labels.__getitem__, key=key)
