"""Two writers, one entry: a source (file, import) and people in the interface.

A document is compared field by field, where a field is ``metadata.<name>``, ``spec.<name>`` or ``readme``. What a person
edited stays until the source says the same; what nobody edited follows the source. So a reload never silently overwrites
an edit, and an edit that found its way back into the file stops being a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

INTERFACE = "interface"
PROJECT = "project"
"""The source of an entry that a project keeps: files, imports and proposals leave it alone."""
_SECTIONS = ("metadata", "spec")
_IDENTITY = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True)
class Merged:
    """The outcome for one entry: its document now, which fields changed, and which edits were kept against the source."""

    document: dict[str, Any]
    readme: str
    changed: list[str]
    kept: list[str]
    provenance: dict[str, str]


def fields(document: dict[str, Any], readme: str) -> dict[str, Any]:
    """A document and its README as fields."""
    flat: dict[str, Any] = {"readme": readme} if readme else {}
    for section in _SECTIONS:
        part = document.get(section)
        if isinstance(part, dict):
            flat |= {f"{section}.{name}": value for name, value in part.items()}
    return flat


def assemble(like: dict[str, Any], flat: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The document (with ``apiVersion`` and ``kind`` of ``like``) and README that ``flat`` describes."""
    document = {name: value for name, value in like.items() if name not in _SECTIONS}
    document |= {section: {} for section in _SECTIONS if section in like}
    for path, value in flat.items():
        section, _, name = path.partition(".")
        if name:
            document.setdefault(section, {})[name] = value
    return document, str(flat.get("readme", ""))


def changed_fields(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names of the fields that differ, sorted."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def merge(
    document: dict[str, Any], readme: str, incoming: dict[str, Any], incoming_readme: str, provenance: dict[str, str]
) -> Merged:
    """Take over what the source says now, except where a person's edit stands."""
    current, wanted = fields(document, readme), fields(incoming, incoming_readme)
    edited = {name for name, by in provenance.items() if by == INTERFACE and current.get(name) != wanted.get(name)}
    result = {name: value for name, value in wanted.items() if name not in edited}
    result |= {name: current[name] for name in edited if name in current}
    ordered = {name: result[name] for name in [*wanted, *sorted(edited)] if name in result}
    merged, merged_readme = assemble(incoming, ordered)
    return Merged(
        merged, merged_readme, changed_fields(current, result), sorted(edited), dict.fromkeys(sorted(edited), INTERFACE)
    )


def edit(
    document: dict[str, Any], readme: str, wanted: dict[str, Any], wanted_readme: str, provenance: dict[str, str]
) -> Merged:
    """A person's edit: every field they changed is theirs from now on; the entry's identity stays."""
    current, new = fields(document, readme), fields(wanted, wanted_readme)
    new |= {name: current[name] for name in _IDENTITY if name in current}
    changed = changed_fields(current, new)
    merged, merged_readme = assemble(document, new)
    return Merged(merged, merged_readme, changed, [], provenance | dict.fromkeys(changed, INTERFACE))
