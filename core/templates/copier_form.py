"""Copier's own form, ``copier.yml``: questions are kept, settings from a short list too, and the rest is told.

What copier would run (tasks, migrations) becomes steps for people. What makes a template depend on more than its files
and answers (extensions, external data, included files) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from packaging.version import InvalidVersion, Version

from core.errors import Invalid
from core.templates.blueprint import (
    Blueprint,
    Notes,
    read_documents,
    read_text,
    starts,
    templated,
    with_path_variables,
)
from core.templates.dialect import DELIMITERS, SWITCHES
from core.templates.form import NO, TYPES, Definition, Question, cast_to_bool, nearest
from core.templates.paths import path_problem
from core.templates.snapshot import Snapshot

FILES = ("copier.yml", "copier.yaml")

_MERGED = ("_exclude", "_jinja_extensions", "_secret_questions", "_skip_if_exists", "_tasks", "_migrations")
_ATTRIBUTES = {
    "type", "help", "choices", "multiselect", "default", "secret", "placeholder", "qmark", "multiline", "validator", "when",
    "ask",
}  # fmt: skip
_REFUSED = {
    "jinja_extensions": ("loads Python code", "Remove it; slugify, jsonify and others of the usual filters are there."),
    "external_data": ("reads other files", "Ask for the value in a question."),
}
_HANDLED = {
    "subdirectory", "templates_suffix", "envops", "exclude", "skip_if_exists", "answers_file", "min_copier_version",
    "secret_questions", "tasks", "migrations",
}  # fmt: skip
_SILENT = ("message_before_copy", "message_after_copy", "message_before_update", "message_after_update")

Raw = dict[str, Any]


def read(snapshot: Snapshot) -> Blueprint:
    """The blueprint of a snapshot with a ``copier.yml``."""
    present = [path for path in FILES if path in snapshot.files]
    notes = Notes(present[0])
    if len(present) > 1:
        notes.error((), "form", "There are both copier.yml and copier.yaml.", "Keep one of them.")
    try:
        raw = _merged(read_documents(read_text(snapshot, present[0]), notes), notes)
    except Invalid as error:
        notes.error((), "form", f"The file {error.message}", error.hint)
        raw = {}
    settings = _settings(raw, snapshot, notes)
    options = settings.get("envops", {})
    secret = [str(one) for one in _list(raw.get("_secret_questions"))]
    asked = [_question(name, value, name in secret, options, notes) for name, value in raw.items() if name[:1] != "_"]
    files = {path: file for path, file in snapshot.files.items() if path not in FILES}
    definition = Definition("copier", notes.questions(asked), tuple(_manual_steps(raw, notes)))
    return with_path_variables(
        Blueprint(definition, present[0], files, settings=settings, lines=notes.lines, findings=tuple(notes.findings))
    )


def _merged(documents: list[Raw], notes: Notes) -> Raw:
    """Several documents are one form; lists of settings are joined, as copier does."""
    merged: Raw = {}
    for document in documents:
        for key, value in document.items():
            if key in merged and key in _MERGED:
                merged[key] = _list(merged[key]) + _list(value)
            elif key in merged:
                notes.error((key,), "duplicate", f"{key!r} stands in two documents of the file.", "Keep one of them.")
            else:
                merged[key] = value
    return merged


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _settings(raw: Raw, snapshot: Snapshot, notes: Notes) -> dict[str, Any]:
    given = {key[1:]: value for key, value in raw.items() if key[:1] == "_"}
    _check_settings(given, notes)
    settings: dict[str, Any] = {"envops": env_options_of(given.get("envops"), ("_envops",), notes)}
    for name in ("subdirectory", "templates_suffix", "answers_file"):
        if isinstance(given.get(name), str):
            settings[name] = given[name]
        elif given.get(name) is not None:
            notes.error((f"_{name}",), "setting", f"_{name} is not text.", "Write it as text.")
    for name in ("exclude", "skip_if_exists"):
        if name in given:
            settings[name] = [str(one) for one in _list(given[name])]
    root = settings.get("subdirectory", "").removeprefix("./").rstrip("/")
    settings["subdirectory"] = "" if root == "." else root
    _check_places(settings, snapshot, notes)
    return _complete(settings)


def _check_settings(given: Mapping[str, Any], notes: Notes) -> None:
    """Say which settings are refused and which are left out."""
    for name, value in given.items():
        if name in _REFUSED and value:
            reason, hint = _REFUSED[name]
            notes.error((f"_{name}",), "setting", f"_{name} {reason}, which is not allowed.", hint)
        elif name not in (*_REFUSED, *_HANDLED, *_SILENT):
            hint = nearest(name, _HANDLED) or "Templates work without it here."
            notes.warning((f"_{name}",), "setting", f"_{name} is left out.", hint)
    if given.get("min_copier_version") is not None:
        _check_version(str(given["min_copier_version"]), notes)


def _complete(settings: dict[str, Any]) -> dict[str, Any]:
    """A template that lists what it excludes would carry our own configuration into the project."""
    if "exclude" in settings and not settings["subdirectory"]:
        settings["exclude"] = [*settings["exclude"], *FILES]
    return settings


def _check_version(needed: str, notes: Notes) -> None:
    where, here = ("_min_copier_version",), version("copier")
    try:
        too_old = Version(here) < Version(needed)
    except InvalidVersion:
        notes.error(where, "setting", f"{needed!r} is not a version.", "Write it like '9.4.0'.")
        return
    if too_old:
        message = f"The template needs copier {needed}; here is {here}."
        notes.error(where, "setting", message, "Use an earlier version of the template.")


def env_options_of(given: Any, where: tuple[str, ...], notes: Notes) -> dict[str, Any]:
    """Delimiters and whitespace switches out of a mapping of Jinja's options; the others are refused or left out."""
    options: dict[str, Any] = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        is_delimiter = name in DELIMITERS and isinstance(value, str) and 1 < len(value) <= 10 and value.isprintable()
        if is_delimiter or (name in SWITCHES and isinstance(value, bool)):
            options[name] = value
        elif name in (*DELIMITERS, *SWITCHES, "extensions", "finalize", "loader", "bytecode_cache"):
            notes.error((*where, name), "setting", f"{where[-1]}.{name} cannot be {value!r}.", "Leave it out.")
        else:
            hint = "Only delimiters and whitespace are set."
            notes.warning((*where, name), "setting", f"{where[-1]}.{name} is left out.", hint)
    if len({*starts(options)}) < len(starts(options)):
        notes.error(where, "setting", f"Two delimiters of {where[-1]} are the same.", "Make them differ.")
        return {}
    return options


def _check_places(settings: Mapping[str, Any], snapshot: Snapshot, notes: Notes) -> None:
    answers, root = settings.get("answers_file", "x"), settings["subdirectory"]
    if problem := path_problem(answers) or ("is computed" if "{" in answers else ""):
        notes.error(("_answers_file",), "setting", f"_answers_file {problem}.", "Write a name such as '.answers.yml'.")
    if root and not any(start in root for start in starts(settings["envops"])):
        if problem := path_problem(root):
            notes.error(("_subdirectory",), "setting", f"_subdirectory {problem}.", "Name a folder of the template.")
        elif not any(path.startswith(f"{root}/") for path in snapshot.files):
            notes.error(
                ("_subdirectory",), "setting", f"There is no folder {root!r}.", "Name a folder of the template."
            )


def _question(name: str, value: Any, secret: bool, options: Mapping[str, Any], notes: Notes) -> Question:
    raw = value if isinstance(value, dict) else {"default": value}
    for attribute in raw.keys() - _ATTRIBUTES:
        hint = nearest(attribute, _ATTRIBUTES) or "Remove it."
        notes.warning((name, attribute), "attribute", f"A question has no attribute {attribute!r}.", hint)
    kind = _type(name, raw, notes)
    default = raw.get("default")
    found = Question(
        name=name,
        type=kind,
        help=str(raw.get("help") or ""),
        default=default,
        multiselect=cast_to_bool(raw.get("multiselect", False)),
        validator=str(raw.get("validator") or ""),
        when=_when(raw),
        secret=secret or cast_to_bool(raw.get("secret", False)),
        multiline=cast_to_bool(raw.get("multiline", kind in ("json", "yaml"))),
        placeholder=str(raw.get("placeholder") or ""),
        required="default" not in raw or (default is None and kind not in ("json", "yaml")),
        computed=_is_never_asked(raw.get("when", True)),
        **_choices(name, raw.get("choices"), notes),
    )
    return _with_templated(found, options)


def _with_templated(question: Question, options: Mapping[str, Any]) -> Question:
    return replace(question, templated=templated(question, options))


def _type(name: str, raw: Raw, notes: Notes) -> Any:
    given = raw.get("type")
    if given in TYPES:
        return given
    if given is not None:
        hint = nearest(str(given), TYPES) or f"Types are {', '.join(TYPES)}."
        notes.error((name, "type"), "type", f"{name}: the type cannot be {str(given)[:60]!r}.", hint)
        return "str"
    default = raw.get("default")
    if isinstance(default, str) and default.lower() in ("yes", "no", "on", "off"):
        message = f"{name}: {default!r} is read as text here."
        notes.warning((name, "default"), "boolean", message, "Write true or false, or give the question a type.")
    inferred = {str: "str", bool: "bool", int: "int", float: "float"}
    return inferred.get(type(default), "yaml")


def _is_never_asked(when: Any) -> bool:
    return when is False or (isinstance(when, str) and when.strip().lower() in NO)


def _when(raw: Raw) -> str:
    when = raw.get("when", True)
    return when if isinstance(when, str) and not _is_never_asked(when) else ""


def _choices(name: str, raw: Any, notes: Notes) -> dict[str, Any]:
    if raw is None:
        return {}
    if isinstance(raw, str):
        return {"choices_template": raw}
    pairs, refusals = [], {}
    for label, value in _pairs(raw):
        if isinstance(label, dict | list) or (isinstance(value, dict) and "value" not in value):
            hint = "Write a value, [label, value], or label: {value: …, validator: …}."
            notes.error((name, "choices"), "choices", f"{name}: {str(label)[:60]!r} is no choice.", hint)
            continue
        if isinstance(value, dict):
            refusals[str(label)] = str(value.get("validator") or "")
            value = value["value"]
        pairs.append((str(label), value))
    if not pairs:
        notes.error((name, "choices"), "choices", f"{name}: there is no choice.", "List them, or remove 'choices'.")
    return {"choices": tuple(pairs), "choice_validators": {key: text for key, text in refusals.items() if text}}


def _pairs(raw: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(raw, dict):
        yield from raw.items()
    for one in raw if isinstance(raw, list) else ():
        yield (one[0], one[1]) if isinstance(one, list) and len(one) == 2 else (one, one)


def _manual_steps(raw: Raw, notes: Notes) -> Iterator[str]:
    for setting, when in (("_tasks", "after copying"), ("_migrations", "when updating")):
        steps = _list(raw.get(setting))
        if steps:
            hint = "They are shown as steps for people."
            notes.warning((setting,), "not-run", f"{setting} are not run.", hint)
        for step in steps:
            command = step.get("command") or step if isinstance(step, dict) else step
            condition = f" (if {step['when']})" if isinstance(step, dict) and "when" in step else ""
            shown = " ".join(str(part) for part in command) if isinstance(command, list) else str(command)
            yield f"Run {when}{condition}: {shown}"
