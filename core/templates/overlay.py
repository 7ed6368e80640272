"""What turns a template for another renderer into one for copier: its files under new names, its variables as questions.

The bodies stay as they are. What they call ``cookiecutter.x`` or ``values.x`` is one more question that is never asked
and whose value, a mapping, is computed from the others.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.templates.blueprint import starts
from core.templates.form import Question
from core.templates.snapshot import File

SUFFIX = ".factory-template"
ROOT = "template"


def settings(env_options: Mapping[str, Any]) -> dict[str, Any]:
    """Copier's settings for overlaid files."""
    return {"subdirectory": ROOT, "templates_suffix": SUFFIX, "envops": dict(env_options)}


def overlaid(
    files: Mapping[str, File], folder: str, target: Callable[[str, File], tuple[str, bool]]
) -> tuple[dict[str, File], dict[str, str]]:
    """The files below ``folder`` under copier's names, and where each of them stood.

    ``target`` says for a path below the folder what it is called in the project and whether its body is rendered.
    """
    placed, sources = {}, {}
    for path, file in files.items():
        if path.startswith(f"{folder}/"):
            name, has_code = target(path.removeprefix(f"{folder}/"), file)
            placed[f"{ROOT}/{name}{SUFFIX if has_code else ''}"] = file
            sources[f"{ROOT}/{name}{SUFFIX if has_code else ''}"] = path
    return placed, sources


def is_text(file: File) -> bool:
    """Whether a body can be rendered."""
    try:
        return "\0" not in file.content.decode()
    except UnicodeDecodeError:
        return False


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path, or a folder it lies in, matches one of the patterns."""
    parts = path.split("/")
    above = ["/".join(parts[: index + 1]) for index in range(len(parts))]
    plain = [pattern.removeprefix("./").removeprefix("**/") for pattern in patterns]
    return any(fnmatch.fnmatchcase(one, pattern) for one in above for pattern in {*plain, *patterns})


def mapping(name: str, keys: Mapping[str, str], start: str = "{{", end: str = "}}") -> Question:
    """A question that is never asked and whose value has, for each key, what an expression gives."""
    pairs = ", ".join(f"{literal(key)}: {expression}" for key, expression in keys.items())
    code = f"{start} {{{pairs}}} | tojson {end}"
    return Question(name, "json", default=code, computed=True, templated=frozenset({"default"}))


def verbatim(value: Any, env_options: Mapping[str, Any]) -> Any:
    """A value that stays as it is when it is rendered."""
    if isinstance(value, list):
        return [verbatim(one, env_options) for one in value]
    if not isinstance(value, str) or not any(start in value for start in starts(env_options)):
        return value
    start, end = env_options.get("block_start_string", "{%"), env_options.get("block_end_string", "%}")
    return f"{start} raw {end}{value}{start} endraw {end}"


def literal(value: Any) -> str:
    """A JSON value as an expression of the template language."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(str(key))}: {literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
