"""Looking at a form with answers, and rendering a template: both behind the walls of a child process.

The same snapshot and the same answers give the same bytes, wherever and whenever they are rendered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import yaml

from core.errors import Invalid
from core.templates import walls
from core.templates.blueprint import ANSWERS_FILE, Blueprint
from core.templates.form import Question
from core.templates.questions import check_answers, usable, without_secrets
from core.templates.snapshot import File, Snapshot, from_folder
from core.templates.walls import QUICK, Limits, RenderingFailed

__all__ = ["Field", "Form", "Limits", "RenderingFailed", "answers_hash", "render", "resolve"]

MANIFEST = "FACTORY.yaml"


@dataclass(frozen=True)
class Field:
    """A question as it is asked now: whether, with which default, among which choices."""

    question: Question
    visible: bool
    default: Any
    choices: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Form:
    """A form with the answers so far; ``errors`` by question, ``answers`` with defaults and what is computed."""

    fields: tuple[Field, ...]
    errors: Mapping[str, str]
    answers: Mapping[str, Any]


def resolve(snapshot: Snapshot, answers: Mapping[str, Any], *, limits: Limits = QUICK) -> Form:
    """The form for the answers so far: the second validation, by the template's own conditions and validators."""
    blueprint = usable(snapshot)
    problems = check_answers(blueprint.definition, answers)
    if not blueprint.definition.questions:
        return Form((), problems, {})
    sound = {name: answer for name, answer in answers.items() if name not in problems}
    with walls.private_folder() as folder:
        looked = walls.run("resolve", _request(blueprint, sound), folder, limits)
    errors = {name: without_secrets(told, blueprint.definition, sound) for name, told in looked["errors"].items()}
    return Form(_fields(blueprint.definition.questions, looked["fields"]), errors | problems, looked["answers"])


def render(
    snapshot: Snapshot,
    answers: Mapping[str, Any],
    *,
    source: str,
    commit: str,
    manifest: Mapping[str, Any],
    limits: Limits = Limits(),
) -> Snapshot:
    """The project that these answers give, with the record of its answers and a manifest.

    Raises :class:`~core.errors.Invalid` when an answer or the template is wrong, and :class:`RenderingFailed` when the
    template was stopped at a wall.
    """
    blueprint = usable(snapshot)
    _raise_for(check_answers(blueprint.definition, answers))
    if blueprint.definition.form == "plain":
        origin = yaml.safe_dump({"_commit": commit, "_src_path": source}, allow_unicode=True)
        return _with_manifest({ANSWERS_FILE: File(origin.encode())} | dict(snapshot.files), manifest, answers_hash({}))
    with walls.private_folder() as folder:
        template, project = folder / walls.TEMPLATE, folder / walls.PROJECT
        blueprint.copier_template().write(template)
        request = _request(blueprint, answers) | {"source": source, "commit": commit}
        request |= {"template": str(template), "project": str(project), "limits": asdict(limits)}
        done = walls.run("render", request, folder, limits)
        hidden = {name: without_secrets(told, blueprint.definition, answers) for name, told in done["wrong"].items()}
        _raise_for(hidden)
        if done["refused"]:
            told = without_secrets(_in_snapshot(blueprint, done["refused"]), blueprint.definition, answers)
            raise Invalid(told, code="template", hint="Mend the template.")
        made = from_folder(project)
    asked = {name: done["answers"][name] for name in done["asked"]}
    return _with_manifest(made.files, manifest, answers_hash(asked, blueprint.definition.secrets))


def answers_hash(answers: Mapping[str, Any], secrets: Collection[str] = ()) -> str:
    """SHA-256 of the answers as canonical JSON; secret ones do not count, so that the hash tells nothing of them."""
    kept = {name: answer for name, answer in answers.items() if name not in secrets}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _request(blueprint: Blueprint, answers: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted({name for name in blueprint.names() if blueprint.is_template(name)})
    return {
        "definition": blueprint.definition.to_dict(),
        "envops": blueprint.env_options,
        "names": names,
        "answers": dict(answers),
        "answers_file": blueprint.answers_file,
    }


def _fields(questions: Iterable[Question], looked: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    return tuple(
        Field(
            replace(
                question, help=one.get("help", question.help), placeholder=one.get("placeholder", question.placeholder)
            ),
            one["visible"],
            one.get("default"),
            tuple((label, value) for label, value in one.get("choices", ())),
        )
        for question, one in zip(questions, looked, strict=True)
    )


def _raise_for(problems: Mapping[str, str]) -> None:
    if problems:
        told = "; ".join(f"{name}: {problem.rstrip('.')}" for name, problem in list(problems.items())[:5])
        raise Invalid(f"The answers are not right. {told}.", code="answers", hint="Change them and try again.")


def _in_snapshot(blueprint: Blueprint, message: str) -> str:
    """The message, naming the file as the template's author knows it."""
    path, found, rest = message.partition(", line ")
    return f"{blueprint.source(path)}{found}{rest}"


def _with_manifest(files: Mapping[str, File], manifest: Mapping[str, Any], hashed: str) -> Snapshot:
    if MANIFEST in files:
        message = f"The template makes a file {MANIFEST}, which is the portal's own."
        raise Invalid(message, code="template", hint="Give the template's file another name.")
    text = yaml.safe_dump(dict(manifest) | {"answers_hash": hashed}, allow_unicode=True, sort_keys=False)
    return Snapshot({**files, MANIFEST: File(text.encode())})
