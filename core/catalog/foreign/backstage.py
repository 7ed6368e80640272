"""Backstage entities: those with a place among our kinds become entries of ours, the rest is kept as it is.

Decisions worth knowing:

* ``deprecated`` names no successor in Backstage and must name one here. With the annotation ``factory/successor`` the
  entry is deprecated; without, it is retired: offering as approved what its owner abandons would win it new users.
* A reference to ``component:x`` follows the component to the kind it becomes (asset, model, pipeline). Where that
  cannot be seen from the documents at hand it is an asset; ``resource:x`` then stays as it is.
* ``$text``, ``$json`` and ``$yaml`` are never fetched: their place says what is not resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from core.catalog import documents
from core.catalog.documents import DEFAULT_NAMESPACE, Definition
from core.catalog.foreign import scaffolder
from core.catalog.foreign.draft import Draft
from core.catalog.kinds import REF, SPECS, Metadata

SOURCE = "backstage.io"
SUCCESSOR = "factory/successor"

_API_VERSION = re.compile(r"([a-z0-9-]+\.)*backstage\.io/[A-Za-z0-9.-]+")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
_OUTPUT_ONLY = {"uid", "etag", "generation"}
_SUBSTITUTIONS = {"$text", "$json", "$yaml", "$openapi", "$asyncapi"}
_STAGES = {"experimental": "experiment", "deprecated": "closed"}
_LIFECYCLES = {"experimental": "proposed", "production": "approved", "deprecated": "deprecated"}
_LANGUAGES = {
    "python",
    "r",
    "java",
    "scala",
    "kotlin",
    "go",
    "rust",
    "javascript",
    "typescript",
    "c++",
    "c#",
    "julia",
    "sql",
}
_USUAL = {"component": "asset", "system": "project", "template": "template", "airesource": "guide"}
_BECOMES = tuple(
    (kind, re.compile(type_pattern, re.IGNORECASE), ours)
    for kind, type_pattern, ours in (
        ("component", r"((ml|ai|trained)-)?model", "model"),
        ("component", r"(.*-)?(pipeline|workflow)", "pipeline"),
        ("component", r".*", "asset"),
        ("resource", r"(.*-)?(data|dataset|database|table|warehouse|lake|data-product|feature-store)", "dataset"),
        ("resource", r"(.*-)?(environment|image|runtime)", "environment"),
        ("system", r".*", "project"),
        ("template", r".*", "template"),
        ("airesource", r"skill", "guide"),
        ("airesource", r"rule", "policy"),
    )
)
MAY_BE_UNUSUAL = re.compile(r"kind\W+(ai)?resource|type\W+[\w-]*(model|pipeline|workflow)", re.IGNORECASE)
"""What a text holds in which :func:`unusual_kinds` finds something."""


def recognises(raw: dict[str, Any]) -> bool:
    """Whether this document is a Backstage entity."""
    version = raw.get("apiVersion")
    return isinstance(version, str) and len(version) < 100 and _API_VERSION.fullmatch(version) is not None


def unusual_kinds(raws: Iterable[Any]) -> dict[str, str]:
    """For the entities whose kind here is not the usual one of theirs: reference there → kind here."""
    found = {}
    for raw in raws:
        if isinstance(raw, dict) and recognises(raw) and isinstance(metadata := raw.get("metadata"), dict):
            kind = str(raw.get("kind", "")).lower()
            ours = _our_kind(raw) or kind
            if ours != _USUAL.get(kind, kind):
                key = f"{kind}:{metadata.get('namespace') or DEFAULT_NAMESPACE}/{metadata.get('name')}"
                found[key.lower()] = ours
    return found


def read(raw: dict[str, Any], draft: Draft) -> Definition | None:
    """The entry that a Backstage entity becomes."""
    kind = draft.text(raw, "kind")
    if not _KIND.fullmatch(kind):
        draft.problem("kind", f"{kind[:80]!r} is not a kind.", "A kind is letters and digits, such as Component.")
        return None
    raw = _without_substitutions(raw, draft)
    source, spec = draft.mapping(raw, "metadata"), draft.mapping(raw, "spec")
    metadata = draft.metadata(source)
    if not metadata:
        return None
    if ours := _our_kind(raw):
        return draft.define(ours, _annotated(metadata, kind, spec), _specification(ours, spec, metadata, draft), SOURCE)
    if kind.lower() in SPECS:
        draft.problem(
            "kind", f"{kind!r} is a kind of ours.", "Write it as an entry of ours, with apiVersion factory/v1."
        )
        return None
    return _keep(raw, kind.lower(), source, metadata, draft)


def _our_kind(raw: dict[str, Any]) -> str | None:
    kind = str(raw.get("kind", "")).lower()
    spec = raw.get("spec")
    of_type = str(spec.get("type", ""))[:63] if isinstance(spec, dict) else ""
    return next((ours for theirs, pattern, ours in _BECOMES if theirs == kind and pattern.fullmatch(of_type)), None)


def _keep(
    raw: dict[str, Any], kind: str, source: dict[str, Any], metadata: dict[str, Any], draft: Draft
) -> Definition | None:
    annotations = draft.annotated(metadata)
    metadata = metadata | ({"annotations": annotations} if annotations else {})
    unknown = {
        key: value for key, value in source.items() if key not in Metadata.model_fields | dict.fromkeys(_OUTPUT_ONLY)
    }
    kept = {key: value for key, value in raw.items() if key not in ("relations", "status")} | {
        "metadata": metadata | unknown
    }
    described = {"description": metadata.get("description") or metadata.get("title") or "(no description)"}
    try:
        valid = Metadata.model_validate(metadata | described)
    except ValidationError as error:
        draft.problem("metadata", f"is refused: {error.errors(include_url=False)[0]['msg']}.")
        return None
    digest = documents.digest(kept, draft.readme)
    return Definition(kind, valid, None, kept, draft.readme, draft.origin, digest, draft.document)


def _annotated(metadata: dict[str, Any], kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """What our envelope has no field for stays as annotations."""
    told = {"backstage.io/kind": kind}
    for name in ("type", "lifecycle", "disciplines", "categories", "agents"):
        values = spec[name] if isinstance(spec.get(name), list) else [spec.get(name)]
        if words := ", ".join(value for value in values if isinstance(value, str)):
            told[f"backstage.io/{name}"] = words
    return metadata | {"annotations": metadata.get("annotations", {}) | told}


def _specification(kind: str, spec: dict[str, Any], metadata: dict[str, Any], draft: Draft) -> dict[str, Any]:
    space = metadata.get("namespace", DEFAULT_NAMESPACE)
    shared = {
        "owner": draft.owner(draft.text(spec, "owner", "spec"), "spec.owner", space),
        "dependsOn": _references(spec, space, draft, dependsOn=""),
        "partOf": _references(
            spec, space, draft, system="system", domain="domain", subcomponentOf="component", subdomainOf="domain"
        ),
        "seeAlso": _references(spec, space, draft, providesApis="api", consumesApis="api", dependencyOf=""),
    }
    return shared | _lifecycle(spec, metadata, draft) | _details(kind, spec, metadata, draft)


def _references(spec: dict[str, Any], space: str, draft: Draft, **fields: str) -> list[str]:
    """The references in these fields, each with the kind it has by default, as they are called here."""
    found = []
    for name, default_kind in fields.items():
        for value in draft.listing(spec, name):
            reference = draft.reference(value, f"spec.{name}", default_kind, space)
            kind, _, rest = reference.partition(":")
            if reference:
                found.append(f"{draft.kinds.get(reference.lower()) or _USUAL.get(kind, kind)}:{rest}")
    return list(dict.fromkeys(found))


def _lifecycle(spec: dict[str, Any], metadata: dict[str, Any], draft: Draft) -> dict[str, Any]:
    lifecycle = _LIFECYCLES.get(draft.text(spec, "lifecycle", "spec").lower(), "approved")
    successor = metadata.get("annotations", {}).get(SUCCESSOR, "")
    if lifecycle != "deprecated" or (successor and len(successor) <= 190 and REF.fullmatch(successor)):
        return {"lifecycle": lifecycle, "successor": successor if lifecycle == "deprecated" else None}
    draft.notes.append(f"deprecated without a successor, so retired here; the annotation {SUCCESSOR} can name one")
    return {"lifecycle": "retired"}


def _details(kind: str, spec: dict[str, Any], metadata: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """What the specification of one kind has beyond the shared fields."""
    match kind:
        case "asset":
            return {"language": next((tag for tag in metadata.get("tags", []) if tag in _LANGUAGES), "not stated")}
        case "model":
            return {"task": "not stated"}
        case "dataset":
            return {"source": _place_of_data(metadata)}
        case "project":
            return {"stage": _STAGES.get(draft.text(spec, "lifecycle", "spec").lower(), "operate")}
        case "template":
            draft.notes += scaffolder.steps_left_out(spec.get("steps"))
            return {"engine": "copy", "questions": scaffolder.questions(spec.get("parameters"), draft)}
        case "policy":
            rationale = draft.text(spec, "rationale", "spec")
            draft.readme = draft.readme or (f"{rationale}\n" if rationale else "")
            return {"appliesTo": draft.text(spec, "category", "spec") or "not stated"}
    return {}


def _place_of_data(metadata: dict[str, Any]) -> str:
    annotations = metadata.get("annotations", {})
    places = (annotations.get(f"backstage.io/{name}", "") for name in ("source-location", "view-url"))
    links = (link["url"] for link in metadata.get("links", []))
    return next(filter(None, [*places, *links]), "not stated")


def _without_substitutions(value: Any, draft: Draft) -> Any:
    if isinstance(value, list):
        return [_without_substitutions(child, draft) for child in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (name := next(iter(value))) in _SUBSTITUTIONS:
        unresolved = f"unresolved: {name} {value[name]}"
        draft.notes.append(unresolved)
        return unresolved
    return {key: _without_substitutions(child, draft) for key, child in value.items()}
