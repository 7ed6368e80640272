"""A form, looked at with the answers so far: what is asked, with which default and choices, and what is wrong.

The order and the rules are copier's: a question sees the answers to those before it. This runs in the child process,
since conditions, defaults and validators are code of strangers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.templates.dialect import Environment, environment, variables
from core.templates.form import Definition, Question, cast, cast_to_bool, limit_problem
from core.templates.paths import NAME_RULE, is_plain_name, path_problem

Tell = Callable[[str], None]
"""Says what is being done, so that whoever ends this process can say where it was."""

Choice = tuple[str, Any, str]
"""Label, value, and why it cannot be chosen now, or nothing."""

MISSING = object()
_EMPTY: tuple[Any, ...] = ("", [], None)


def look(request: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """``fields``, ``errors`` by question and the final ``answers``, for a request as ``rendering.py`` makes it."""
    definition, env = Definition.from_dict(request["definition"]), environment(request["envops"])
    asking = _Asking(definition, env, request["answers"], request["answers_file"])
    for question in definition.questions:
        tell(f"the question {question.name!r}")
        asking.ask(question)
    if not asking.errors:
        for name in request["names"]:
            tell(f"the file name {name!r}")
            asking.check_name(name)
    return {"fields": asking.fields, "errors": asking.errors, "answers": asking.context}


class _Wrong(ValueError):
    """An answer is wrong, or the template's code for its question."""


class _Waiting(Exception):
    """The code reads an answer that is missing or wrong, which is told at that question already."""


class _Asking:
    def __init__(self, definition: Definition, env: Environment, given: Mapping[str, Any], answers_file: str) -> None:
        self.definition, self.env, self.given = definition, env, given
        self.of_names = {"_copier_conf": {"answers_file": answers_file}}
        self.starts = (env.variable_start_string, env.block_start_string, env.comment_start_string)
        self.context: dict[str, Any] = {}
        self.waiting: set[str] = set()
        self.visible: list[str] = []
        self.fields: list[dict[str, Any]] = []
        self.errors: dict[str, str] = {}

    def ask(self, question: Question) -> None:
        """Find out everything about one question; what is wrong with it stands in ``errors`` afterwards."""
        field: dict[str, Any] = {"name": question.name, "visible": not question.computed}
        self.fields.append(field)
        try:
            self._ask(question, field)
        except _Waiting:
            self.waiting.add(question.name)
        except _Wrong as error:
            if question.name not in self.context:
                self.waiting.add(question.name)
            self._blame(question, str(error))

    def _ask(self, question: Question, field: dict[str, Any]) -> None:
        field["visible"] = self._is_visible(question)
        if field["visible"]:
            self.visible.append(question.name)
        field["help"], field["placeholder"] = self._text(question.help), self._text(question.placeholder)
        choices = self._choices(question)
        field["choices"] = [(label, value) for label, value, refusal in choices if not refusal]
        default = self._default(question, choices)
        if default is not MISSING:
            field["default"] = self.context[question.name] = default
        if field["visible"]:
            answer = self._answer(question, choices, default)
            self._validate(question, answer)
            self.context[question.name] = answer
        self._check_as_name(question)

    def check_name(self, name: str) -> None:
        """Note it at the questions whose answers give a file a name that is not allowed."""
        try:
            parts = [self._text(part, self.of_names) for part in name.split("/")]
            problem = path_problem("/".join(parts)) if all(parts) else ""
            told = f"With this answer the file {'/'.join(parts)[:200]!r} {problem}." if problem else ""
        except _Wrong as error:
            told = f"The name {name!r} cannot be made. {error}"
        if told:
            for question in self._sources(name) or self.visible[:1] or [name]:
                self.errors.setdefault(question, told)

    def _is_visible(self, question: Question) -> bool:
        return not question.computed and (not question.when or cast_to_bool(self._text(question.when)))

    def _choices(self, question: Question) -> list[Choice]:
        pairs: Iterable[tuple[Any, Any]] = question.choices
        if question.choices_template:
            pairs = _pairs(_cast("yaml", self._text(question.choices_template)))
        return [self._choice(question, label, value) for label, value in pairs]

    def _choice(self, question: Question, label: Any, value: Any) -> Choice:
        refusal = question.choice_validators.get(label, "")
        if isinstance(value, dict) and "value" in value and question.choices_template:
            refusal, value = str(value.get("validator", "")), value["value"]
        return self._text(str(label)), _cast(question.type, self._value(value)), self._text(refusal).strip()

    def _default(self, question: Question, choices: list[Choice]) -> Any:
        if question.required:
            return MISSING
        default = self._value(question.default)
        if question.default is None and question.type not in ("json", "yaml"):
            return MISSING
        return self._parsed(question, choices, default)

    def _answer(self, question: Question, choices: list[Choice], default: Any) -> Any:
        given = question.name in self.given
        answer = self._parsed(question, choices, self.given[question.name]) if given else default
        if answer is MISSING or (question.required and answer in _EMPTY):
            raise _Wrong("This question needs an answer.")
        return answer

    def _parsed(self, question: Question, choices: list[Choice], value: Any) -> Any:
        """The value as the question's type, and one of its choices."""
        if not question.multiselect:
            return _chosen(_cast(question.type, value), choices) if choices else _cast(question.type, value)
        listed = _listed(value) if isinstance(value, str) else value
        if not isinstance(listed, list):
            raise _Wrong("is not a list.")
        chosen = [_chosen(_cast(question.type, one), choices) for one in listed]
        return [value for _, value, _ in choices if value in chosen]

    def _validate(self, question: Question, answer: Any) -> None:
        if problem := limit_problem(question, answer):
            raise _Wrong(f"The answer {problem}.")
        if question.pattern and isinstance(answer, str):
            try:
                found = "\n" not in answer and re.search(question.pattern, answer)
            except re.error as error:
                raise _Wrong(f"The template's pattern {question.pattern!r} is not valid: {error}.") from None
            if not found:
                raise _Wrong(f"The answer does not match {question.pattern}")
        if message := self._text(question.validator, {question.name: answer}).strip():
            raise _Wrong(message[:2000])

    def _check_as_name(self, question: Question) -> None:
        value = self.context.get(question.name)
        in_a_path = question.name in self.definition.path_variables and isinstance(value, str)
        if in_a_path and value and not is_plain_name(value):
            raise _Wrong(f"{value[:100]!r} becomes part of a file's name. {NAME_RULE}")

    def _blame(self, question: Question, problem: str) -> None:
        """A problem of what is computed is told at the questions it comes from, where people can answer differently."""
        names = [question.name] if question.name in self.visible else self._sources(str(question.default))
        for name in names or [question.name]:
            self.errors.setdefault(name, problem)

    def _sources(self, text: str) -> list[str]:
        """The questions a text reads, those behind computed ones too."""
        found: list[str] = []
        texts, defaults = [text], {one.name: str(one.default) for one in self.definition.questions if one.computed}
        while texts:
            used = variables(self.env, texts.pop())
            found += [name for name in self.visible if name in used]
            texts += [defaults.pop(name) for name in sorted(used & defaults.keys())]
        return list(dict.fromkeys(found))

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(one) for one in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str, extra: Mapping[str, Any] | None = None) -> str:
        """The text, rendered with the answers so far."""
        if not any(start in text for start in self.starts):
            return text
        try:
            if self.waiting and self.waiting & variables(self.env, text):
                raise _Waiting
            return self.env.from_string(text).render({**self.context, **(extra or {})})
        except (_Waiting, MemoryError):
            raise
        except Exception as error:  # the code of strangers fails in every way there is
            raise _Wrong(f"The template's {text[:60]!r} fails: {error}.") from None


def _cast(question_type: str, value: Any) -> Any:
    try:
        return cast(question_type, value)
    except (ValueError, TypeError) as error:
        raise _Wrong(f"{str(value)[:100]!r} {error}.") from None


def _chosen(value: Any, choices: list[Choice]) -> Any:
    for _, choice, refusal in choices:
        if value == choice:
            if refusal:
                raise _Wrong(f"{value!r} cannot be chosen: {refusal}")
            return choice
    possible = ", ".join(str(choice) for _, choice, refusal in choices if not refusal)
    raise _Wrong(f"{str(value)[:100]!r} is none of the choices: {possible[:1000]}.")


def _pairs(choices: Any) -> list[tuple[Any, Any]]:
    """Choices as copier accepts them: a mapping, a list of values, or a list of pairs."""
    listed = list(choices.items()) if isinstance(choices, dict) else choices
    if not isinstance(listed, list):
        raise _Wrong("The template's choices are not a list.")
    return [(one[0], one[1]) if isinstance(one, list | tuple) and len(one) == 2 else (one, one) for one in listed]


def _listed(text: str) -> Any:
    """A list in YAML, its items as they are written."""
    import yaml  # only a default that is computed pays for the import

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and mappings only
    except yaml.YAMLError:
        raise _Wrong("is not a list.") from None
