"""Backstage's form, ``template.yaml``: the properties of its pages become questions, its skeleton is rendered.

Of the steps only the first ``fetch:template`` of a folder in the repository is done here; what the others do (publish,
register, call) is shown as steps for people. Nothing a document points to is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from core.errors import Invalid
from core.templates import overlay
from core.templates.blueprint import Blueprint, Notes, read_documents, read_text, templated, with_path_variables
from core.templates.form import Definition, Question
from core.templates.paths import path_problem
from core.templates.snapshot import File, Snapshot

FILES = ("template.yaml", "template.yml")
API = b"scaffolder.backstage.io/"

MAX_PATTERN = 500
MAX_STEP = 2_000

_OPTIONS = {"variable_start_string": "${{", "variable_end_string": "}}"}
_CODE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_PARAMETER = re.compile(r"\(parameters\.(\w+)\)")
_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "json", "object": "json"}
_EMPTY: dict[str, Any] = {"str": "", "bool": False}
_VERBATIM = ("copyWithoutTemplating", "copyWithoutRender")
_CONDITIONS = ("dependencies", "allOf", "anyOf", "oneOf", "if")
_ENDS = {"start": "${{", "end": "}}"}
_LIMITS = {
    "minimum": "minimum", "maximum": "maximum", "minLength": "min_length", "maxLength": "max_length",
    "minItems": "min_length", "maxItems": "max_length",
}  # fmt: skip

Raw = dict[str, Any]


def recognises(snapshot: Snapshot) -> bool:
    """Whether there is a software template at the root."""
    return any(path in snapshot.files and API in snapshot.files[path].content for path in FILES)


def read(snapshot: Snapshot) -> Blueprint:
    """The blueprint of a snapshot with a ``template.yaml``."""
    notes = Notes(next(path for path in FILES if path in snapshot.files))
    spec = _spec(snapshot, notes)
    places: dict[str, tuple[str, ...]] = {}
    asked = list(_questions(spec.get("parameters"), places, notes))
    step = _skeleton_step(spec, notes)
    keys = {one.name: one.name for one in asked}
    values = {str(key): _expression(value) for key, value in _mapping(step.get("values")).items()}
    mappings = [overlay.mapping(name, of, **_ENDS) for name, of in (("parameters", keys), ("values", values))]
    files, sources = _files(snapshot, step, notes)
    blueprint = Blueprint(
        Definition("backstage", notes.questions([*asked, *mappings]), tuple(_manual_steps(spec, step))),
        notes.path,
        files,
        sources=sources,
        settings=overlay.settings(_OPTIONS),
        lines=notes.lines,
        places=places,
        members={"parameters": frozenset(keys), "values": frozenset(values)},
        findings=tuple(notes.findings),
    )
    return with_path_variables(blueprint, {"parameters": keys, "values": _aliases(values)})


def _spec(snapshot: Snapshot, notes: Notes) -> Raw:
    try:
        documents = read_documents(read_text(snapshot, notes.path), notes)
    except Invalid as error:
        notes.error((), "form", f"The file {error.message}", error.hint)
        return {}
    found = [one for one in documents if one.get("kind") == "Template" and isinstance(one.get("spec"), dict)]
    if len(found) != 1 and not notes.findings:
        notes.error((), "form", f"There are {len(found)} documents of kind Template.", "Keep one, with its spec.")
    return found[0]["spec"] if found else {}


def _questions(parameters: Any, places: dict[str, tuple[str, ...]], notes: Notes) -> Iterator[Question]:
    pages = parameters if isinstance(parameters, list) else [parameters]
    for index, page in enumerate(pages):
        if not isinstance(page, dict):
            continue
        where = ("spec", "parameters", *([str(index)] if isinstance(parameters, list) else []))
        for condition in _CONDITIONS:
            if condition in page:
                message = f"{condition!r} is left out: the questions it adds are not asked."
                notes.warning((*where, condition), "condition", message, "Ask them always.")
        required = _list(page.get("required"))
        for name, schema in _mapping(page.get("properties")).items():
            places[name] = (*where, "properties", name)
            if isinstance(schema, dict):
                yield _question(name, schema, name in required, places[name], notes)


def _question(name: str, schema: Raw, required: bool, where: tuple[str, ...], notes: Notes) -> Question:
    ui = _mapping(schema.get("ui:options")) | {key[3:]: schema[key] for key in schema if key.startswith("ui:")}
    _check(name, schema, ui, where, notes)
    kind = _TYPES.get(str(schema.get("type", "string")), "str")
    items = _mapping(schema.get("items"))
    of_choices = items if "enum" in items else schema
    choices = _choices(of_choices)
    multiselect = kind == "json" and "enum" in items
    default = schema.get("default", [] if multiselect else _EMPTY.get(kind))
    if default is None and choices and not required:
        default = choices[0][1]
    found = Question(
        name=name,
        type="str" if multiselect else kind,  # type: ignore[arg-type]
        help=". ".join(str(schema[key]).strip().rstrip(".") for key in ("title", "description") if schema.get(key)),
        default=overlay.verbatim(default, _OPTIONS),
        choices=choices,
        multiselect=multiselect,
        secret="password" in (ui.get("widget"), str(ui.get("field")).lower()) or ui.get("field") == "Secret",
        multiline=ui.get("widget") == "textarea" or ui.get("field") == "MultilineText" or bool(ui.get("multiline")),
        placeholder=str(ui.get("placeholder") or ""),
        required="default" not in schema and (required or (default is None and kind != "json")),
        pattern=str(schema.get("pattern") or "")[:MAX_PATTERN],
        **_limits(schema),
    )
    return replace(found, templated=templated(found, _OPTIONS))


def _check(name: str, schema: Raw, ui: Raw, where: tuple[str, ...], notes: Notes) -> None:
    """Say what of a property is not understood."""
    if "$ref" in schema:
        message = f"{name}: $ref reads another document, which is not done."
        notes.error((*where, "$ref"), "reference", message, "Write the property out.")
    if len(str(schema.get("pattern") or "")) > MAX_PATTERN:
        message = f"{name}: the pattern is longer than {MAX_PATTERN} characters."
        notes.error((*where, "pattern"), "pattern", message, "Shorten it.")
    if str(schema.get("type", "string")) not in _TYPES:
        message = f"{name}: the type {str(schema.get('type'))[:60]!r} is not understood."
        notes.error((*where, "type"), "type", message, f"Types are {', '.join(_TYPES)}.")
    field = ui.get("field")
    if field and field not in ("Secret", "MultilineText"):
        message = f"{name} is chosen with {str(field)[:60]} in Backstage and typed as text here."
        notes.warning((*where, "ui:field"), "field", message, "Say in its description what is to be written.")


def _choices(schema: Raw) -> tuple[tuple[str, Any], ...]:
    labels = _list(schema.get("enumNames") or schema.get("ui:enumNames"))
    values = _list(schema.get("enum"))
    labels = labels if len(labels) == len(values) else values
    return tuple((str(label), overlay.verbatim(value, _OPTIONS)) for label, value in zip(labels, values, strict=True))


def _limits(schema: Raw) -> dict[str, Any]:
    return {ours: schema[key] for key, ours in _LIMITS.items() if isinstance(schema.get(key), int | float)}


def _skeleton_step(spec: Raw, notes: Notes) -> Raw:
    """The input of the step that is done here."""
    steps = [one for one in _list(spec.get("steps")) if isinstance(one, dict)]
    found = [one for one in steps if one.get("action") == "fetch:template"]
    if not found:
        notes.error(("spec", "steps"), "steps", "No step renders a folder.", "Add one with action: fetch:template.")
        return {}
    return _mapping(found[0].get("input"))


def _files(snapshot: Snapshot, step: Raw, notes: Notes) -> tuple[dict[str, File], dict[str, str]]:
    """The files of the skeleton, under the folder the step puts them in."""
    folder, below = (str(step.get(key) or "").removeprefix("./").strip("/") for key in ("url", "targetPath"))
    where = ("spec", "steps")
    if path_problem(folder) or not any(path.startswith(f"{folder}/") for path in snapshot.files):
        if step:
            message = f"The skeleton {str(step.get('url'))[:100]!r} is no folder of the template."
            notes.error(where, "folder", message, "Put it beside template.yaml, as ./skeleton.")
        return {}, {}
    if below not in ("", ".") and (path_problem(below) or "{" in below):
        notes.error(where, "folder", f"targetPath cannot be {below[:100]!r}.", "Name a folder, such as ./service.")
    prefix = "" if below in ("", ".") else f"{below}/"
    as_they_are = [str(one) for key in _VERBATIM for one in _list(step.get(key))]
    extension = step.get("templateFileExtension")
    ending = ".njk" if extension is True else str(extension) if extension else ""

    def target(path: str, file: File) -> tuple[str, bool]:
        has_code = overlay.is_text(file) and not overlay.matches(path, as_they_are) and path.endswith(ending)
        return prefix + (path.removesuffix(ending) if has_code else path), has_code

    return overlay.overlaid(snapshot.files, folder, target)


def _expression(value: Any) -> str:
    """A value of a step's input, in which text may hold code, as one expression."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{overlay.literal(str(key))}: {_expression(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_expression, value)) + "]"
    if not isinstance(value, str) or not _CODE.search(value):
        return overlay.literal(value)
    pieces = _CODE.split(value)
    codes = [f"({piece.strip()})" if index % 2 else overlay.literal(piece) for index, piece in enumerate(pieces)]
    return " ~ ".join(code for code in codes if code != '""')


def _aliases(values: Mapping[str, str]) -> dict[str, str]:
    """The values that are nothing but the answer to a question."""
    found = {key: _PARAMETER.fullmatch(expression) for key, expression in values.items()}
    return {key: match.group(1) for key, match in found.items() if match}


def _manual_steps(spec: Raw, done: Raw) -> Iterator[str]:
    for step in _list(spec.get("steps")):
        if isinstance(step, dict) and step.get("input") is not done:
            name = str(step.get("name") or step.get("id") or "a step")
            given = yaml.safe_dump(step.get("input"), allow_unicode=True)[:MAX_STEP] if step.get("input") else ""
            yield f"{name[:200]} ({str(step.get('action'))[:100]}):\n{given}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Raw:
    return value if isinstance(value, dict) else {}
