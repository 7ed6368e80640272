"""A template, looked through before anybody else may ask for it: every name, every body, every question.

An error keeps it from being published. What passes here is still rendered behind walls (``walls.py``), which trust nothing
of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.templates import walls
from core.templates.blueprint import Blueprint, texts_of
from core.templates.dialect import environment, variables
from core.templates.form import Finding, Question
from core.templates.questions import blueprint_of
from core.templates.rendering import MANIFEST
from core.templates.snapshot import File, Snapshot
from core.templates.walls import Limits, RenderingFailed

__all__ = ["Finding", "lint"]

MAX_BODY = 1024 * 1024

_OF_COPIER = ("_copier_answers", "_copier_conf")
_OF_EXCLUDES = ("_copier_operation",)


@dataclass(frozen=True)
class _Text:
    """A piece of template code, and where it stands."""

    path: str
    line: int
    text: str
    what: str = ""
    """What it is, where it is not a file's body."""
    questions: int | None = None
    """How many of the questions it may read: a question reads those before it, everything else reads all."""
    extra: tuple[str, ...] = ()
    is_pattern: bool = False

    @property
    def place(self) -> str:
        return f"{self.what or 'the file'} of {self.path!r}" if self.what else f"the file {self.path!r}"


def lint(snapshot: Snapshot) -> list[Finding]:
    """What is wrong with a template, with file, line and the way to mend it; errors first."""
    blueprint = blueprint_of(snapshot)
    found = [*blueprint.findings, *_of_manifest(blueprint), *_of_bodies(blueprint), *_of_secrets(blueprint)]
    texts = [*_names(blueprint), *_bodies(blueprint), *_of_questions(blueprint), *_of_settings(blueprint)]
    if texts and blueprint.definition.form != "plain":
        found += _of_code(blueprint, texts)
    return sorted(dict.fromkeys(found), key=lambda one: (one.severity, one.path, one.line, one.code, one.message))


def _of_manifest(blueprint: Blueprint) -> Iterator[Finding]:
    for path in blueprint.rendered():
        if path in (MANIFEST, f"{MANIFEST}{blueprint.suffix}") or path.endswith(f"/{MANIFEST}"):
            message = f"{MANIFEST} is written by the portal."
            yield Finding("error", blueprint.source(path), 1, "manifest", message, "Give the file another name.")


def _of_bodies(blueprint: Blueprint) -> Iterator[Finding]:
    """Bodies that are no text, or too long to be code."""
    for path, file in blueprint.rendered().items():
        if not blueprint.has_code(path):
            continue
        if len(file.content) > MAX_BODY:
            message = "The file is larger than 1 MB and is rendered."
            yield Finding("error", blueprint.source(path), 1, "size", message, "Let it be copied as it is.")
        if blueprint.suffix and _decoded(file) is None:
            message = "The file is rendered and is not UTF-8 text."
            yield Finding("error", blueprint.source(path), 1, "encoding", message, "Save it as UTF-8.")


def _of_secrets(blueprint: Blueprint) -> Iterator[Finding]:
    """A secret that becomes part of another answer, or of a name, would be recorded."""
    secrets, env = blueprint.definition.secrets, environment(blueprint.env_options)
    for question in blueprint.definition.questions:
        if question.name in secrets & blueprint.definition.path_variables:
            message, hint = f"The secret {question.name!r} names a file.", "Use another question for the name."
            yield _at(blueprint, question, "default", "secret", message, hint)
        if question.computed or question.secret:
            continue
        for text in texts_of([question.default, question.choices_template, *map(list, question.choices)]):
            if used := secrets & variables(env, text):
                message = f"{question.name} shows the secret {min(used)!r}, and its answer is recorded."
                yield _at(blueprint, question, "default", "secret", message, "Make it a secret too, or compute it.")


def _at(blueprint: Blueprint, question: Question, field: str, code: str, message: str, hint: str) -> Finding:
    return Finding("error", blueprint.path, blueprint.line(question.name, field), code, message, hint)


def _names(blueprint: Blueprint) -> Iterator[_Text]:
    for path in blueprint.rendered():
        for part in blueprint.name(path).split("/"):
            if blueprint.is_template(part):
                yield _Text(blueprint.source(path), 1, part, "the name", extra=_OF_COPIER)


def _bodies(blueprint: Blueprint) -> Iterator[_Text]:
    for path, file in blueprint.rendered().items():
        text = _decoded(file) if blueprint.has_code(path) and len(file.content) <= MAX_BODY else None
        if text is not None and blueprint.is_template(text):
            yield _Text(blueprint.source(path), 0, text, extra=_OF_COPIER)


def _of_questions(blueprint: Blueprint) -> Iterator[_Text]:
    for index, question in enumerate(blueprint.definition.questions):
        for field, upto, values in (
            ("default", index, question.default),
            ("choices", index, [question.choices_template, *map(list, question.choices)]),
            ("choices", index, list(question.choice_validators.values())),
            ("when", index, question.when),
            ("help", index, [question.help, question.placeholder]),
            ("validator", index + 1, question.validator),
        ):
            line = blueprint.line(question.name, field)
            for text in texts_of(values):
                if blueprint.is_template(text):
                    yield _Text(blueprint.path, line, text, f"{field} of {question.name}", upto)
        if question.pattern:
            line = blueprint.line(question.name, "pattern")
            yield _Text(blueprint.path, line, question.pattern, f"pattern of {question.name}", is_pattern=True)


def _of_settings(blueprint: Blueprint) -> Iterator[_Text]:
    for name in ("subdirectory", "exclude", "skip_if_exists"):
        for text in texts_of(blueprint.settings.get(name)):
            if blueprint.is_template(text):
                yield _Text(blueprint.path, blueprint.lines.get((f"_{name}",), 1), text, f"_{name}", extra=_OF_EXCLUDES)


def _of_code(blueprint: Blueprint, texts: list[_Text]) -> Iterator[Finding]:
    request = {
        "envops": blueprint.env_options,
        "questions": [one.name for one in blueprint.definition.questions],
        "members": {name: sorted(keys) for name, keys in blueprint.members.items()}
        | {"_copier_conf": ["answers_file"]},
        "texts": [
            {
                "place": one.place,
                "text": one.text,
                "upto": one.questions,
                "extra": one.extra,
                "is_pattern": one.is_pattern,
            }
            for one in texts
        ],
    }
    try:
        with walls.private_folder() as folder:
            looked = walls.run("lint", request, folder, Limits())
    except RenderingFailed as stop:
        yield Finding("error", blueprint.path, 1, stop.code, stop.message, stop.hint)
        return
    for index, line, code, message, hint in looked["problems"]:
        text = texts[index]
        told = f"{text.what}: {message}" if text.what else message
        yield Finding("error", text.path, text.line or line, code, told, hint)


def _decoded(file: File) -> str | None:
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        return None
