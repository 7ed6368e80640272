"""Entry references, ``kind:namespace/name``: how they are read, completed and compared."""

from __future__ import annotations

from typing import Any

RELATIONS: dict[str, str] = {
    "dependsOn": "depends on",
    "partOf": "is part of",
    "seeAlso": "see also",
    "successor": "is replaced by",
    "producers": "is produced by",
    "consumers": "is consumed by",
    "trainingData": "is trained on",
    "uses": "uses",
    "asset": "is validated by",
    "nextStep": "leads to",
    "read": "teaches",
}
"""Field of a specification → the relation it states; found at any depth."""


def normalise(reference: str, default_kind: str) -> str:
    """The key of ``reference``: lower case, with its kind and namespace filled in."""
    kind, _, rest = reference.rpartition(":")
    namespace, _, name = rest.rpartition("/")
    return f"{kind or default_kind}:{namespace or 'default'}/{name}".lower()


def team_of(owner: str) -> str:
    """The team id that an ``owner`` reference names: ``group:default/risk`` and ``risk`` are the same team."""
    return owner.rpartition(":")[2].rpartition("/")[2].lower()


def relations_of(spec: Any, default_kind: str) -> list[tuple[str, str]]:
    """Every (relation, target key) that a specification states, once each, in a stable order."""
    found: dict[tuple[str, str], None] = {}
    _collect(spec, default_kind, found)
    return list(found)


def _collect(value: Any, default_kind: str, found: dict[tuple[str, str], None]) -> None:
    if isinstance(value, list):
        for child in value:
            _collect(child, default_kind, found)
    if not isinstance(value, dict):
        return
    for name, child in value.items():
        targets = [child] if isinstance(child, str) else child
        if name in RELATIONS and isinstance(targets, list) and all(isinstance(one, str) for one in targets):
            for target in targets:
                found[RELATIONS[name], normalise(target, default_kind)[:190]] = None
        else:
            _collect(child, default_kind, found)
