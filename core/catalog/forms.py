"""The form of an entry, from its kind's specification: which fields there are, and the document that was typed.

Pages draw what stands here. A field that nobody touched keeps its value as it stands in the document, to the letter;
an emptied one leaves the document. What has no simple shape, or does not fit it, is edited as YAML: nothing gets lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.catalog import documents, export, merging
from core.catalog.documents import Problem, nested_models
from core.catalog.kinds import API_VERSION, SPECS, Metadata, Spec, Text
from core.catalog.references import team_of

Shape = Literal["line", "text", "choice", "choices", "number", "lines", "flag", "yaml"]
Group = Literal["identity", "common", "kind"]

ORIGIN = "the proposal"
OWNER = "spec.owner"
_LONGEST_LINE = 400
_NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class FormField:
    """One field of a form; ``default`` is what an absent value means."""

    path: str
    shape: Shape
    group: Group
    required: bool = False
    options: tuple[str, ...] = ()
    default: Any = None
    outline: str = ""
    """For YAML: what it consists of."""

    @property
    def name(self) -> str:
        """The field's name in YAML."""
        return self.path.partition(".")[2]


def blank(kind: str) -> dict[str, Any]:
    """The document that a new entry starts from."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {}, "spec": {}}


def can_be_filled(document: Any) -> bool:
    """Whether a document has the outer shape that a form can show."""
    return (
        isinstance(document, dict)
        and str(document.get("kind", "")).lower() in SPECS
        and all(isinstance(document.get(section), dict) for section in ("metadata", "spec"))
    )


def fields_of(document: Mapping[str, Any], teams: Sequence[str]) -> list[FormField]:
    """The form for ``document``: the fields of its kind, shaped to hold its values, then what else stands in it.

    ``teams`` are those that may be chosen as its owner.
    """
    declared = [*_declared("metadata", Metadata), *_declared("spec", SPECS[str(document["kind"]).lower()])]
    values = merging.fields(dict(document), "")
    known = {one.path for one in declared}
    unknown = [FormField(path, "yaml", "kind") for path in values if path not in known]
    return [_fitted(_owned(one, teams), values.get(one.path)) for one in declared] + unknown


def shown(field: FormField, value: Any) -> Any:
    """What a widget shows for ``value`` as it stands in the document; an absent one shows its default."""
    value = field.default if value is None else value
    if field.path == OWNER and field.shape == "choice":
        return team_of(value) if value else None
    match field.shape:
        case "line" | "text":
            return value or ""
        case "lines":
            return "\n".join(value or [])
        case "choices":
            return list(value or [])
        case "yaml":
            return "" if value in _NOTHING else export.dump(value)
        case _:
            return value


def filled(
    document: Mapping[str, Any], fields: Sequence[FormField], typed: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """The document that ``typed`` (field path → what its widget shows) makes of ``document``, and what is no YAML."""
    flat = merging.fields(dict(document), "")
    problems: list[Problem] = []
    for one in fields:
        if one.path not in typed or typed[one.path] == shown(one, flat.get(one.path)):
            continue
        value, found = _read(one, typed[one.path])
        problems += found
        if value in _NOTHING and not (isinstance(value, list) and one.default):
            flat.pop(one.path, None)
        else:
            flat[one.path] = value
    return merging.assemble(dict(document), flat)[0], problems


def missing(document: Mapping[str, Any], fields: Sequence[FormField]) -> list[Problem]:
    """The needed fields that are not there, all at once."""
    values = merging.fields(dict(document), "")
    needed = [one.path for one in fields if one.required and values.get(one.path) in _NOTHING]
    return [Problem(ORIGIN, 1, path, "is missing.", "Add it.") for path in needed]


def _read(field: FormField, typed: Any) -> tuple[Any, list[Problem]]:
    match field.shape:
        case "line":
            return typed.strip(), []
        case "text":
            return typed if typed.strip() else "", []
        case "lines":
            return [line.strip() for line in typed.splitlines() if line.strip()], []
        case "yaml" if typed.strip():
            found, problems = documents.parse(typed, ORIGIN)
            if len(found) > 1:
                problems = [Problem(ORIGIN, 1, "", "holds several documents ('---').", "Write one value.")]
            return (None if problems else found[0]), [replace(one, field=field.path) for one in problems]
        case "yaml":
            return None, []
        case _:
            return typed, []


def _declared(section: str, model: type[BaseModel]) -> Iterator[FormField]:
    for name, info in model.model_fields.items():
        group: Group = "identity" if model is Metadata else "common" if name in Spec.model_fields else "kind"
        default = info.get_default(call_default_factory=True)
        yield FormField(
            f"{section}.{info.alias or name}",
            _shape(info),
            group,
            required=info.is_required() or (section, name) == ("metadata", "description"),
            options=tuple(_options(info.annotation)),
            default=_plain(default) if not info.is_required() else None,
            outline=_outline(info.annotation),
        )


def _shape(info: FieldInfo) -> Shape:
    inner = _without_none(info.annotation)
    if list(_options(inner)):
        return "choices" if get_origin(inner) is list else "choice"
    if inner is bool:
        return "flag"
    if _bare(inner) is int:
        return "number"
    if get_origin(inner) is list and _bare(get_args(inner)[0]) is str:
        return "lines"
    if _bare(inner) is str:
        return "text" if _is_long(info) else "line"
    return "yaml"


def _is_long(info: FieldInfo) -> bool:
    most = next((one.max_length for one in info.metadata if hasattr(one, "max_length")), None)
    return get_args(Text)[1] in info.metadata and (most is None or most > _LONGEST_LINE)


def _options(annotation: Any) -> Iterator[str]:
    """The values of a choice, or of a list of choices."""
    inner = _without_none(annotation)
    if get_origin(inner) is list:
        inner = get_args(inner)[0]
    if get_origin(inner) is Literal:
        yield from get_args(inner)
    elif isinstance(inner, type) and issubclass(inner, Enum):
        yield from (one.value for one in inner)


def _without_none(annotation: Any) -> Any:
    arguments = [one for one in get_args(annotation) if one is not NoneType]
    return arguments[0] if NoneType in get_args(annotation) and len(arguments) == 1 else annotation


def _bare(annotation: Any) -> Any:
    """``str`` of ``Annotated[str, …]``."""
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def _plain(default: Any) -> Any:
    """A default as it would stand in YAML; one of nothing but defaults is as good as none."""
    if isinstance(default, BaseModel):
        return default.model_dump(mode="json", by_alias=True, exclude_defaults=True) or None
    return default.value if isinstance(default, Enum) else default


def _outline(annotation: Any) -> str:
    model = next(nested_models(annotation), None)
    if model is None:
        return ""
    parts = []
    for name, info in model.model_fields.items():
        inner = _outline(info.annotation)
        parts.append(f"{info.alias or name} ({inner})" if inner else info.alias or name)
    listed = ", ".join(parts)
    return f"a list, each with {listed}" if get_origin(_without_none(annotation)) is list else f"with {listed}"


def _owned(field: FormField, teams: Sequence[str]) -> FormField:
    return replace(field, shape="choice", options=tuple(teams)) if field.path == OWNER else field


def _fitted(field: FormField, value: Any) -> FormField:
    """``field`` in a shape that can hold ``value`` without loss."""
    if value is None or _fits(field, value):
        return field
    return replace(field, shape="text" if isinstance(value, str) and field.shape in ("line", "text") else "yaml")


def _fits(field: FormField, value: Any) -> bool:
    match field.shape:
        case "line":
            return isinstance(value, str) and "\n" not in value
        case "text":
            return isinstance(value, str)
        case "choice":
            return isinstance(value, str) and (team_of(value) if field.path == OWNER else value) in field.options
        case "choices":
            return _are_texts(value) and set(value) <= set(field.options) and len(set(value)) == len(value)
        case "lines":
            return _are_texts(value) and all(one == one.strip() and one.splitlines() == [one] for one in value)
        case "number":
            return isinstance(value, int) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case _:
            return True


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
