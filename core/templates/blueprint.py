"""A template of any origin in the one shape the engine renders: copier's, with the settings that are allowed.

The readers of each form (``copier_form.py``, ``cookiecutter.py``, ``backstage.py``) give a blueprint and what they found
wrong on the way; nothing of the original configuration reaches the engine but through here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import yaml
from jinja2 import TemplateError, nodes

from core.catalog import strict_yaml
from core.errors import Invalid
from core.templates.dialect import environment
from core.templates.form import Definition, Finding, Question
from core.templates.snapshot import File, Snapshot

CONFIG = "copier.yml"
ANSWERS_FILE = ".copier-answers.yml"
MAX_FORM_BYTES = 256 * 1024
MAX_QUESTIONS = 200

RESERVED = frozenset(
    {"now", "make_secret", "self", "loop", "caller", "varargs", "kwargs", "range", "dict", "namespace", "pathjoin"}
    | {"true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else"}
)
"""Names that mean something else in a template."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_LINE = re.compile(r"\(line (\d+)")

Lines = Mapping[tuple[str, ...], int]
"""Keys down to a value of a form → the line it stands on."""


@dataclass(frozen=True)
class Blueprint:
    """What the engine renders, and where each piece of it stood in the snapshot."""

    definition: Definition
    path: str = ""
    """The file with the form; empty where there is none."""
    files: Mapping[str, File] = field(default_factory=dict)
    """As copier gets them, without its configuration."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Path of a file here → path in the snapshot, where the two differ."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Copier's settings, without their underscore."""
    lines: Lines = field(default_factory=dict)
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Question → keys down to it, where they are more than its name."""
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Variables that are mappings, and their keys."""
    findings: tuple[Finding, ...] = ()

    @property
    def suffix(self) -> str:
        """How the names of files with template code end."""
        return str(self.settings.get("templates_suffix", ".jinja"))

    @property
    def env_options(self) -> Mapping[str, Any]:
        """Delimiters and whitespace of the template code."""
        return self.settings.get("envops", {})  # type: ignore[no-any-return]

    @property
    def answers_file(self) -> str:
        """Where the answers are recorded in a project."""
        return str(self.settings.get("answers_file", ANSWERS_FILE))

    def rendered(self) -> Mapping[str, File]:
        """The files that come out, by their path here: those below the folder that is rendered."""
        root = str(self.settings.get("subdirectory", ""))
        if not root or self.is_template(root):
            return self.files
        return {path: file for path, file in self.files.items() if path.startswith(f"{root}/")}

    def name(self, path: str) -> str:
        """The name of a file in the project, before it is rendered."""
        root = str(self.settings.get("subdirectory", ""))
        if root and not self.is_template(root):
            path = path.removeprefix(f"{root}/")
        return str(PurePosixPath(path).with_suffix("")) if self.suffix and path.endswith(self.suffix) else path

    def names(self) -> list[str]:
        """The names that files have in the project, before they are rendered."""
        return [self.name(path) for path in self.rendered()]

    def has_code(self, path: str) -> bool:
        """Whether the body of a file is rendered, not copied."""
        return path.endswith(self.suffix)

    def source(self, path: str) -> str:
        """Where a file stands in the snapshot."""
        return self.sources.get(path, path)

    def line(self, question: str, field: str) -> int:
        """Where a field of a question stands in the form's file."""
        where = self.places.get(question, (question,))
        return self.lines.get((*where, field), self.lines.get(where, 1))

    def is_template(self, text: str) -> bool:
        """Whether a text holds template code."""
        return any(start in text for start in starts(self.env_options))

    def copier_template(self) -> Snapshot:
        """The files that copier renders, with a configuration that holds nothing but questions and settings."""
        raw = {f"_{name}": value for name, value in self.settings.items()}
        raw |= {one.name: _entry(one) for one in self.definition.questions}
        text = yaml.safe_dump(raw, allow_unicode=True, sort_keys=False)
        return Snapshot({**self.files, CONFIG: File(text.encode())})


class Notes:
    """What a reader finds wrong in a form, with its lines."""

    def __init__(self, path: str, lines: Lines | None = None) -> None:
        self.path, self.lines, self.findings = path, lines or {}, list[Finding]()

    def error(self, where: tuple[str, ...], code: str, message: str, hint: str) -> None:
        """Something that keeps the template from being used."""
        self.findings.append(Finding("error", self.path, self.line(where), code, message, hint))

    def warning(self, where: tuple[str, ...], code: str, message: str, hint: str) -> None:
        """Something that is left out, and the template works without."""
        self.findings.append(Finding("warning", self.path, self.line(where), code, message, hint))

    def line(self, where: tuple[str, ...]) -> int:
        """The line of the innermost key that is known."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def questions(self, found: Iterable[Question]) -> tuple[Question, ...]:
        """The questions whose names can be used, and an error for each of the others."""
        kept: dict[str, Question] = {}
        for one in found:
            if not _NAME.fullmatch(one.name) or one.name in RESERVED or one.name in kept:
                problem = "occurs twice" if one.name in kept else "cannot be the name of a question"
                hint = "Use letters, digits and underscores, beginning with a letter, and no word of Jinja's own."
                self.error((one.name,), "question-name", f"{one.name[:100]!r} {problem}.", hint)
            else:
                kept[one.name] = one
        if len(kept) > MAX_QUESTIONS:
            self.error((), "questions", f"There are more than {MAX_QUESTIONS} questions.", "Ask for less.")
        return tuple(kept.values())


def starts(env_options: Mapping[str, Any]) -> tuple[str, ...]:
    """What template code begins with."""
    usual = {"block": "{%", "variable": "{{", "comment": "{#"}
    return tuple(env_options.get(f"{kind}_start_string", text) for kind, text in usual.items())


def templated(question: Question, env_options: Mapping[str, Any]) -> frozenset[str]:
    """The fields of a question that hold template code."""
    texts = {
        "default": texts_of(question.default),
        "choices": [question.choices_template, *texts_of([list(pair) for pair in question.choices])],
        "when": [question.when],
        "validator": [question.validator, *question.choice_validators.values()],
        "help": [question.help, question.placeholder],
    }
    code = starts(env_options)
    return frozenset(name for name, found in texts.items() if any(start in text for text in found for start in code))


def read_text(snapshot: Snapshot, path: str) -> str:
    """The text of a form's file; raises :class:`~core.errors.Invalid` if it is no text or too large for a form."""
    content = snapshot.files[path].content
    if len(content) > MAX_FORM_BYTES:
        raise Invalid(f"is larger than {MAX_FORM_BYTES // 1024} KB.", hint="A form is short: move text to files.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("is not UTF-8 text.", hint="Save it as UTF-8.") from None


def read_documents(text: str, notes: Notes) -> list[dict[str, Any]]:
    """The YAML documents of a form; what cannot be read is noted, and then there are none."""
    try:
        found = [one for one in strict_yaml.documents(text) if one is not None]
    except Invalid as error:
        line = _LINE.search(error.message)
        notes.lines = {(): int(line.group(1)) if line else 1}
        notes.error((), "yaml", error.message, error.hint)
        return []
    notes.lines = lines_of(text)
    if any(not isinstance(one, dict) for one in found):
        notes.error((), "yaml", "The file is not a mapping.", "Write 'name: value' lines.")
        return []
    return found


def lines_of(text: str) -> Lines:
    """Where each key of a YAML or JSON text stands; the text was read strictly before, so it is not deep."""
    found: dict[tuple[str, ...], int] = {}

    def visit(node: yaml.Node, path: tuple[str, ...]) -> None:
        found.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                found.setdefault((*path, str(key.value)), key.start_mark.line + 1)
                visit(value, (*path, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                visit(value, (*path, str(index)))

    try:
        for document in yaml.compose_all(text, Loader=yaml.CSafeLoader):
            if document is not None:
                visit(document, ())
    except (yaml.YAMLError, RecursionError):  # JSON with tabs is no YAML, and JSON may be deep
        return {}
    return found


def with_path_variables(blueprint: Blueprint, aliases: Mapping[str, Mapping[str, str]] | None = None) -> Blueprint:
    """The blueprint, knowing which of its questions stand in names of files as they are.

    ``aliases`` tells for variables that are mappings which question their keys are.
    """
    env, found = environment(blueprint.env_options), set[str]()
    for name in blueprint.names():
        try:
            outputs = env.parse(name).find_all(nodes.Output)
        except (TemplateError, RecursionError):
            continue  # the lint tells where
        found.update(one for output in outputs for node in output.nodes for one in _printed(node, aliases or {}))
    known = found & {one.name for one in blueprint.definition.questions}
    return replace(blueprint, definition=replace(blueprint.definition, path_variables=frozenset(known)))


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a value, those in its lists and mappings too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for child in value.values() if isinstance(value, dict) else value:
            yield from texts_of(child)


def _printed(node: nodes.Node, aliases: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if isinstance(node, nodes.Name):
        yield node.name
    elif isinstance(node, nodes.Getattr | nodes.Getitem) and isinstance(node.node, nodes.Name):
        key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        yield aliases.get(node.node.name, {}).get(str(key), "")
    elif isinstance(node, nodes.Concat):
        for child in node.nodes:
            yield from _printed(child, aliases)
    elif isinstance(node, nodes.CondExpr):
        for branch in filter(None, (node.expr1, node.expr2)):
            yield from _printed(branch, aliases)


def _entry(question: Question) -> dict[str, Any]:
    """A question as copier's configuration writes it."""
    entry: dict[str, Any] = {"type": question.type}
    if question.choices_template:
        entry["choices"] = question.choices_template
    elif question.choices:
        refusals = question.choice_validators
        entry["choices"] = [[label, _choice(value, refusals.get(label))] for label, value in question.choices]
    if not question.required:
        entry["default"] = question.default
    elif question.secret:  # copier asks a secret only if it has a default
        entry["default"] = ""
    kept = {"multiselect": question.multiselect, "secret": question.secret, "validator": question.validator}
    entry |= {key: value for key, value in kept.items() if value}
    return entry | ({"when": False} if question.computed else {"when": question.when} if question.when else {})


def _choice(value: Any, refusal: str | None) -> Any:
    if refusal:
        return {"value": value, "validator": refusal}
    return {"value": value} if isinstance(value, dict) else value
