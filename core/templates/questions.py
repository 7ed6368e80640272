"""What a template asks, read from whichever form it has, and the first look at answers.

The first validation needs no template code: unknown questions, types, choices, sizes. The second one, with conditions,
computed defaults and validators, is :func:`core.templates.rendering.resolve`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.catalog.kinds import CONTROL
from core.errors import Invalid
from core.templates import backstage, cookiecutter, copier_form
from core.templates.blueprint import Blueprint
from core.templates.form import Definition, Question, cast, limit_problem, nearest
from core.templates.paths import NAME_RULE, is_plain_name
from core.templates.snapshot import Snapshot

__all__ = ["Definition", "Question", "blueprint_of", "check_answers", "define", "usable"]

MAX_ANSWER = 10_000


def blueprint_of(snapshot: Snapshot) -> Blueprint:
    """The template in the shape that is rendered, with everything found wrong on the way."""
    if any(path in snapshot.files for path in copier_form.FILES):
        return copier_form.read(snapshot)
    if cookiecutter.FILE in snapshot.files:
        return cookiecutter.read(snapshot)
    if backstage.recognises(snapshot):
        return backstage.read(snapshot)
    return Blueprint(Definition("plain"), files=snapshot.files)


def usable(snapshot: Snapshot) -> Blueprint:
    """The blueprint; raises :class:`~core.errors.Invalid` with the first thing that is wrong with its form."""
    blueprint = blueprint_of(snapshot)
    for finding in blueprint.findings:
        if finding.severity == "error":
            message = f"{finding.path}, line {finding.line}: {finding.message}"
            raise Invalid(message, code=finding.code, hint=finding.hint)
    return blueprint


def define(snapshot: Snapshot) -> Definition:
    """The form of a template; raises :class:`~core.errors.Invalid` naming the file, the line and the way to mend it."""
    return usable(snapshot).definition


def check_answers(definition: Definition, answers: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with answers, by question, as far as it can be told without running the template's code."""
    questions = {one.name: one for one in definition.questions}
    problems: dict[str, str] = {}
    for name, answer in answers.items():
        question = questions.get(name)
        if question is None:
            asked = [one.name for one in definition.questions if not one.computed]
            problem = " ".join(filter(None, ["The template asks no such question.", nearest(str(name), asked)]))
        elif question.computed:
            problem = "The template computes this; it is not asked."
        else:
            problem = _problem(question, answer, name in definition.path_variables)
        if problem:
            problems[str(name)[:100]] = without_secrets(problem, definition, answers)
    return problems


def without_secrets(text: str, definition: Definition, answers: Mapping[str, Any]) -> str:
    """A text about answers that may be shown and stored: it quotes no secret one."""
    for name in definition.secrets & answers.keys():
        secret = str(answers[name])
        if secret:
            text = text.replace(secret, "•••").replace(repr(secret)[1:-1], "•••")
    return text


def _problem(question: Question, answer: Any, in_a_path: bool) -> str:
    try:
        size = len(answer) if isinstance(answer, str) else len(json.dumps(answer, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return "The answer is not text, a finite number, yes or no, or a list of these."
    if size > MAX_ANSWER:
        return f"The answer is longer than {MAX_ANSWER:,} characters."
    if control := next((found for text in _texts(answer) if (found := CONTROL.search(text))), None):
        return f"The answer contains the character {control.group()!r}, which is not text."
    if question.multiselect:
        return _problem_of_list(question, answer)
    return _problem_of_value(question, answer, in_a_path)


def _problem_of_value(question: Question, answer: Any, in_a_path: bool) -> str:
    if isinstance(answer, dict | list) and question.type not in ("json", "yaml"):
        return "The answer is not a single value."
    if question.type in ("json", "yaml") and isinstance(answer, str):
        return ""  # read as YAML or JSON in the child process
    try:
        value = cast(question.type, answer)
    except ValueError as error:
        return f"The answer {error}."
    if in_a_path and isinstance(value, str) and value and not is_plain_name(value):
        return f"The answer becomes part of a file's name. {NAME_RULE}"
    if _has_fixed_choices(question) and value not in _values(question):
        return f"The answer is none of the choices: {_listed(question)}."
    problem = limit_problem(question, value)
    return f"The answer {problem}." if problem else ""


def _problem_of_list(question: Question, answer: Any) -> str:
    if not isinstance(answer, list):
        return "The answer is not a list."
    if len(answer) > 1000:
        return "The answer has too many items."
    for one in answer:
        try:
            value = cast(question.type, one)
        except ValueError as error:
            return f"{str(one)[:100]!r} {error}."
        if _has_fixed_choices(question) and value not in _values(question):
            return f"{str(one)[:100]!r} is none of the choices: {_listed(question)}."
    problem = limit_problem(question, answer)
    return f"The answer {problem}." if problem else ""


def _has_fixed_choices(question: Question) -> bool:
    return bool(question.choices) and "choices" not in question.templated


def _values(question: Question) -> list[Any]:
    return [cast(question.type, value) for _, value in question.choices]


def _listed(question: Question) -> str:
    return ", ".join(str(value) for value in _values(question))[:1000]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | dict):
        children = [*value, *value.values()] if isinstance(value, dict) else value
        return [text for child in children for text in _texts(child)]
    return []
