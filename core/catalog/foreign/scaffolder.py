"""The form of a Backstage software template: its ``parameters`` become questions, its ``steps`` are never run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.catalog.foreign.draft import Draft, fit, plain, slug

_TYPES = {"number": "number", "integer": "number", "boolean": "boolean", "string": "text"}
_FIELDS = {
    "OwnerPicker": "A team.",
    "OwnedEntityPicker": "An entry your team owns.",
    "EntityPicker": "An entry of the catalog.",
    "EntityNamePicker": "A name of letters, digits and '-'.",
    "RepoUrlPicker": "The URL of a repository.",
}


def questions(parameters: Any, draft: Draft) -> list[dict[str, Any]]:
    """The questions of a form of one or several pages; what cannot be asked here is noted."""
    found: dict[str, dict[str, Any]] = {}
    for name, schema, required in _properties(parameters):
        own_name = _name(name)
        if not own_name or own_name in found:
            draft.problem("spec.parameters", f"{fit(repr(name), 80)} cannot name a question.", "Give it another name.")
        elif schema.get("ui:widget") == "password" or schema.get("ui:field") == "Secret":
            draft.notes.append(f"the secret {name!r} is not asked for")
        else:
            found[own_name] = _question(own_name, name, schema, required)
    return list(found.values())


def steps_left_out(steps: Any) -> list[str]:
    """What the template does in Backstage and does not do here."""
    actions = (
        [str(one.get("action", one.get("id"))) for one in steps if isinstance(one, dict)]
        if isinstance(steps, list)
        else []
    )
    return [f"steps that are not run here: {', '.join(actions)}"] if actions else []


def _properties(parameters: Any) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for page in parameters if isinstance(parameters, list) else [parameters]:
        properties = page.get("properties") if isinstance(page, dict) else None
        required = page.get("required") if isinstance(page, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if isinstance(schema, dict):
                yield name, schema, isinstance(required, list) and name in required


def _name(name: str) -> str:
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"^[^a-z]+", "", slug(snake).replace("-", "_").lower())


def _question(own_name: str, name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    choices = [plain(one) for one in schema["enum"]] if isinstance(schema.get("enum"), list) else []
    asked = {
        "name": own_name,
        "question": fit(_first_line(schema.get("title")) or name, 400),
        "type": "choice" if choices else _TYPES.get(str(schema.get("type")), "text"),
        "choices": choices,
        "default": _default(schema.get("default"), bool(choices)),
        "help": " ".join(filter(None, [_first_line(schema.get("description")), *_remarks(schema, required)])),
    }
    return {key: value for key, value in asked.items() if value not in ("", [], None)}


def _remarks(schema: dict[str, Any], required: bool) -> Iterator[str]:
    if required:
        yield "Required."
    if pattern := schema.get("pattern"):
        yield f"It matches {pattern}."
    if schema.get("type") in ("array", "object"):
        yield f"An {schema['type']} in Backstage, plain text here."
    if field := schema.get("ui:field"):
        yield _FIELDS.get(str(field), f"Chosen with {field} in Backstage, plain text here.")
    if reference := schema.get("$ref"):
        yield f"Unresolved: {reference}."


def _default(value: Any, is_choice: bool) -> Any:
    if isinstance(value, list | dict) or value is None:
        return None
    return plain(value) if is_choice else value


def _first_line(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
