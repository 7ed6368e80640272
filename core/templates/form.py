"""The form of a template, whatever it was written for: questions, their order and what the engine needs to render it.

This module is imported by the child process on every look at a form: it stays light.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Form = Literal["copier", "cookiecutter", "backstage", "plain"]
Type = Literal["str", "int", "float", "bool", "json", "yaml", "path"]
TYPES: tuple[Type, ...] = ("str", "int", "float", "bool", "json", "yaml", "path")

YES = frozenset({"y", "yes", "t", "true", "on"})
NO = frozenset({"n", "no", "f", "false", "off", "~", "null", "none", ""})


@dataclass(frozen=True)
class Question:
    """One question. Texts may hold template code; ``templated`` names the fields that do."""

    name: str
    type: Type = "str"
    help: str = ""
    default: Any = None
    choices: tuple[tuple[str, Any], ...] = ()
    choices_template: str = ""
    """Template code that gives the list of choices, where they are not written out."""
    choice_validators: Mapping[str, str] = field(default_factory=dict)
    """Label of a choice → template code that gives the reason why it cannot be chosen, or nothing."""
    templated: frozenset[str] = frozenset()
    multiselect: bool = False
    validator: str = ""
    when: str = ""
    """Template code that says whether the question is asked; empty: always."""
    secret: bool = False
    multiline: bool = False
    placeholder: str = ""
    required: bool = False
    computed: bool = False
    """Never asked; its default is its value, and it is not recorded."""
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, without what is as usual."""
        raw = {one.name: getattr(self, one.name) for one in fields(self)}
        usual = asdict(Question(self.name))
        raw["templated"] = sorted(self.templated)
        usual["templated"] = []
        kept = {key: value for key, value in raw.items() if key == "name" or value != usual[key]}
        return json.loads(json.dumps(kept))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Question:
        """What :meth:`to_dict` gave."""
        choices = tuple((label, value) for label, value in raw.get("choices", ()))
        return cls(**{**raw, "choices": choices, "templated": frozenset(raw.get("templated", ()))})


@dataclass(frozen=True)
class Definition:
    """What a template asks, and what is left to people because nothing of it is run here."""

    form: Form
    questions: tuple[Question, ...] = ()
    manual_steps: tuple[str, ...] = ()
    path_variables: frozenset[str] = frozenset()
    """Questions whose answers, as they are, become part of a file's name."""

    @property
    def secrets(self) -> frozenset[str]:
        """Questions whose answers are stored nowhere."""
        return frozenset(one.name for one in self.questions if one.secret)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "form": self.form,
            "questions": [one.to_dict() for one in self.questions],
            "manual_steps": list(self.manual_steps),
            "path_variables": sorted(self.path_variables),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Definition:
        """What :meth:`to_dict` gave."""
        questions = tuple(Question.from_dict(one) for one in raw["questions"])
        return cls(raw["form"], questions, tuple(raw["manual_steps"]), frozenset(raw["path_variables"]))


@dataclass(frozen=True)
class Finding:
    """Something in a template: where, what, and how to mend it. An error keeps the template from being published."""

    severity: Literal["error", "warning"]
    path: str
    line: int
    code: str
    message: str
    hint: str


def cast(question_type: str, value: Any) -> Any:
    """``value`` as an answer of this type; raises ValueError or TypeError with what is wrong for people to read."""
    return _CASTS[question_type](value)


def cast_to_bool(value: Any) -> bool:
    """Whether a value means yes: numbers other than 0, words such as ``yes``, anything that is not empty."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in YES or word in NO:
            return word in YES
    try:
        return bool(float(value))
    except (TypeError, ValueError):
        return bool(value)


def nearest(word: str, known: Collection[str]) -> str:
    """A sentence with the known word that is most like this one, or nothing."""
    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"Did you mean {close[0]!r}?" if close else ""


def limit_problem(question: Question, value: Any) -> str:
    """What the question's limits, all but its pattern, have against a value; empty if nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if question.minimum is not None and value < question.minimum:
            return f"is less than {question.minimum:g}"
        if question.maximum is not None and value > question.maximum:
            return f"is more than {question.maximum:g}"
    elif isinstance(value, str | list):
        unit = "characters" if isinstance(value, str) else "items"
        if question.min_length is not None and len(value) < question.min_length:
            return f"has {len(value)} {unit}, and at least {question.min_length} are needed"
        if question.max_length is not None and len(value) > question.max_length:
            return f"has {len(value)} {unit}, and at most {question.max_length} are allowed"
    return ""


def _to_text(value: Any) -> str:
    if isinstance(value, bool | int | float | str):
        return str(value)
    raise ValueError("is not a text")


def _to_int(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError("is not a whole number") from None
    if abs(number) >= 10**18:
        raise ValueError("is too large a number")
    return number


def _to_float(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("is not a number") from None
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


def _from_json(value: Any) -> Any:
    try:
        return json.loads(value, parse_constant=_no_constant) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a finite number")


def _from_yaml(value: Any) -> Any:
    """Text is read as YAML. Aliases are refused: a few lines of them grow to gigabytes."""
    if not isinstance(value, str):
        return value
    import yaml  # only a template with a question of this type pays for the import

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(value, Loader=yaml.SafeLoader)):
            raise ValueError("uses a YAML alias (*name)")
        return yaml.safe_load(value)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"is not YAML: {getattr(error, 'problem', None) or 'nested too deeply'}") from None


_CASTS = {
    "str": _to_text,
    "path": _to_text,
    "int": _to_int,
    "float": _to_float,
    "bool": cast_to_bool,
    "json": _from_json,
    "yaml": _from_yaml,
}
