"""Cookiecutter's form, ``cookiecutter.json``: its variables become questions, its bodies are rendered as they are.

The folder ``{{cookiecutter.x}}`` becomes the root of the project. Hooks are Python and shell of strangers: they are shown
as steps for people. Cookiecutter's own renderer runs what a requester types, so it is never used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jinja2 import TemplateSyntaxError

from core.errors import Invalid
from core.templates import overlay
from core.templates.blueprint import Blueprint, Notes, lines_of, read_text, templated, with_path_variables
from core.templates.copier_form import env_options_of
from core.templates.dialect import Environment, environment
from core.templates.form import Definition, Question, Type
from core.templates.snapshot import File, Snapshot

FILE = "cookiecutter.json"
VARIABLE = "cookiecutter"

HARMLESS = frozenset(
    {f"cookiecutter.extensions.{name}Extension" for name in ("Jsonify", "Slugify", "Time", "RandomString", "UUID")}
    | {"jinja2_time.TimeExtension"}
)
"""Extensions whose filters are there without them, or whose tags the lint refuses where they are used."""

MAX_STEP = 10_000

_META = {
    "template",
    "templates",
    "_copy_without_render",
    "_extensions",
    "_jinja2_env_vars",
    "_new_lines",
    "__prompts__",
    "_template",
    "_output_dir",
}
_MARKUP = re.compile(r"\[/?[a-z ]+\]")

Raw = dict[str, Any]


def read(snapshot: Snapshot) -> Blueprint:
    """The blueprint of a snapshot with a ``cookiecutter.json``."""
    notes = Notes(FILE)
    raw = _raw(snapshot, notes)
    options = env_options_of(raw.get("_jinja2_env_vars"), ("_jinja2_env_vars",), notes)
    _check_settings(raw, notes)
    asked = list(_questions(raw, options, notes))
    keys = {key: _own_name(key) for key in _variables(raw)}
    start, end = options.get("variable_start_string", "{{"), options.get("variable_end_string", "}}")
    questions = notes.questions([*asked, overlay.mapping(VARIABLE, keys, start, end)])
    files, sources = _files(snapshot, raw, notes)
    blueprint = Blueprint(
        Definition("cookiecutter", questions, tuple(_hooks(snapshot, notes))),
        FILE,
        files,
        sources=sources,
        settings=overlay.settings(options),
        lines=notes.lines,
        places={_own_name(key): (key,) for key in raw},
        members={VARIABLE: frozenset(keys)},
        findings=tuple(notes.findings),
    )
    return with_path_variables(blueprint, {VARIABLE: keys})


def _raw(snapshot: Snapshot, notes: Notes) -> Raw:
    try:
        text = read_text(snapshot, FILE)
        raw = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except Invalid as error:
        notes.error((), "form", f"The file {error.message}", error.hint)
        return {}
    except json.JSONDecodeError as error:
        notes.lines = {(): error.lineno}
        notes.error((), "json", f"The file is not JSON: {error.msg}.", "Mend the line named.")
        return {}
    except (ValueError, RecursionError) as error:
        notes.error((), "json", f"The file cannot be read: {error}.", "Keep one of them; write plain values.")
        return {}
    notes.lines = lines_of(text)
    if not isinstance(raw, dict):
        notes.error((), "json", "The file is not a mapping.", 'Write {"name": "value"}.')
        return {}
    return raw


def _without_doubles(pairs: list[tuple[str, Any]]) -> Raw:
    found: Raw = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} occurs twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that can be stored")


def _check_settings(raw: Raw, notes: Notes) -> None:
    for key in ("template", "templates"):
        if key in raw:
            hint = "Upload the folder of one of them as a template of its own."
            notes.error((key,), "nested", "The file lists several templates, and none is in it.", hint)
    for extension in _listed(raw.get("_extensions")):
        if extension not in HARMLESS:
            message = f"The extension {str(extension)[:100]!r} is Python code and not loaded."
            notes.error(("_extensions",), "extension", message, "Remove it, and what the template uses of it.")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _own_name(key: str) -> str:
    """What a variable is called here: copier's own settings begin with an underscore."""
    return f"{VARIABLE}{key}" if key.startswith("_") else key


def _variables(raw: Raw) -> Raw:
    return {key: value for key, value in raw.items() if key not in _META and value is not None}


def _questions(raw: Raw, options: Mapping[str, Any], notes: Notes) -> Iterator[Question]:
    env = environment(options)
    prompts = raw.get("__prompts__") if isinstance(raw.get("__prompts__"), dict) else {}
    for key, value in _variables(raw).items():
        if key.startswith("_") and not key.startswith("__"):
            question = _private(key, value, options)
        else:
            question = _question(key, value, (prompts or {}).get(key), env, notes)
        yield replace(question, templated=templated(question, options))


def _private(key: str, value: Any, options: Mapping[str, Any]) -> Question:
    """``_x`` is taken as it is written, template code and all."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    kind: Type = "str" if isinstance(value, str) else "json"
    return Question(_own_name(key), kind, default=overlay.verbatim(text, options), computed=True)


def _question(key: str, value: Any, prompt: Any, env: Environment, notes: Notes) -> Question:
    told = prompt if isinstance(prompt, dict) else {"__prompt__": prompt}
    text = _MARKUP.sub("", str(told.get("__prompt__") or ""))
    name, computed = _own_name(key), key.startswith("__")
    if isinstance(value, bool):
        return Question(name, "bool", text, value, computed=computed)
    if isinstance(value, list) and not computed:
        if not value:
            notes.error((key,), "choices", f"{key}: there is no choice.", "List at least one.")
        choices = tuple((str(told.get(str(one), one)), _with_own_names(str(one), env)) for one in value)
        return Question(name, "str", text, choices[0][1] if choices else "", choices)
    if isinstance(value, list | dict):
        code = _with_own_names(json.dumps(value, ensure_ascii=False), env)
        return Question(name, "json", text, code, computed=computed)
    return Question(name, "str", text, _with_own_names(str(value), env), computed=computed)


def _with_own_names(text: str, env: Environment) -> str:
    """``cookiecutter.x`` as ``x``: while questions are asked, the whole is not there yet."""
    try:
        tokens = [value for _, _, value in env.lex(text)]
    except TemplateSyntaxError:
        return text  # the lint tells where
    out, at = [], 0
    while at < len(tokens):
        if tokens[at] == VARIABLE and tokens[at + 1 : at + 2] == ["."] and at + 2 < len(tokens):
            out.append(_own_name(tokens[at + 2]))
            at += 3
        elif tokens[at] == VARIABLE and tokens[at + 1 : at + 4 : 2] == ["[", "]"]:
            out.append(_own_name(tokens[at + 2].strip("'\"")))
            at += 4
        else:
            out.append(tokens[at])
            at += 1
    return "".join(out)


def _files(snapshot: Snapshot, raw: Raw, notes: Notes) -> tuple[dict[str, File], dict[str, str]]:
    tops = {path.partition("/")[0] for path in snapshot.files if "/" in path}
    named = [one for one in tops if "{{" in one and VARIABLE in one and "}}" in one]
    if len(named) != 1:
        message = f"There are {len(named)} folders like '{{{{cookiecutter.name}}}}'."
        notes.error((), "folder", message, "Put everything that is rendered in one such folder.")
        return {}, {}
    as_they_are = [str(one) for one in _listed(raw.get("_copy_without_render"))]

    def target(path: str, file: File) -> tuple[str, bool]:
        return path, overlay.is_text(file) and not overlay.matches(path, as_they_are)

    return overlay.overlaid(snapshot.files, named[0], target)


def _hooks(snapshot: Snapshot, notes: Notes) -> Iterator[str]:
    hooks = {path: file for path, file in snapshot.files.items() if path.startswith("hooks/")}
    if hooks:
        message = f"{', '.join(hooks)[:400]} are not run."
        notes.warning((), "not-run", message, "They are shown as steps for people.")
    for path, file in hooks.items():
        yield f"Do what {path} does:\n{file.content.decode('utf-8', 'replace')[:MAX_STEP]}"
