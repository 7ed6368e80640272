"""Patterns side by side: one row for each thing in which they can differ. Pure: definitions in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST = 3
"""More than three columns are no longer read side by side."""

STAGES = ("ingest", "prepare", "train", "validate", "deploy", "monitor")

Lines = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One line of a comparison: a cell of text lines for each pattern, empty where a pattern says nothing."""

    group: str
    label: str
    cells: tuple[Lines, ...]

    @property
    def differs(self) -> bool:
        """Whether the patterns are not all alike here."""
        return len(set(self.cells)) > 1


def rows(specs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """What ``specs`` (specifications as they stand in YAML) say, row by row; rows about which none says anything are left out."""
    made = [Row(group, label, tuple(read(one) for one in specs)) for group, label, read in _readers()]
    return [row for row in made if any(row.cells)]


def _readers() -> Iterator[tuple[str, str, Callable[[Mapping[str, Any]], Lines]]]:
    yield "Choice", "Problem", _texts("problem")
    yield "Choice", "Not for", _texts("notFor")
    yield "Choice", "Latency", _class_with_note("latency")
    yield "Choice", "Cost", _class_with_note("cost")
    for field, label in (
        ("dataClassification", "Data"), ("scale", "Scale"), ("modality", "Modality"), ("regulation", "Regulation"),
        ("team", "Team"), ("groundTruth", "Ground truth"), ("special", "Special need"),
    ):  # fmt: skip
        yield "Choice", label, _fit(field)
    for stage in STAGES:
        yield "Services", stage.capitalize(), _services(stage)
    yield "Operation", "Data connectivity", _texts("dataConnectivity")
    yield "Operation", "Data governance", _texts("dataGovernance")
    yield "Operation", "MLOps strategy", _texts("mlopsStrategy")
    yield "Operation", "Champion and challenger", _texts("championChallenger")
    yield "Operation", "Infrastructure as code", lambda spec: _named(spec, "infrastructure", "name", "tool")
    yield "Limits", "Constraints", _texts("constraints")
    yield "Limits", "Trade-offs", _texts("tradeOffs")
    yield "Limits", "Variants", lambda spec: _named(spec, "variants", "classification")
    yield "Limits", "Proposed approvals", lambda spec: _named(spec, "preApprovals", "id", "scope")


def _texts(field: str) -> Callable[[Mapping[str, Any]], Lines]:
    return lambda spec: _lines(spec.get(field))


def _class_with_note(what: str) -> Callable[[Mapping[str, Any]], Lines]:
    return lambda spec: (*_lines(spec.get(f"{what}Class")), *_lines(spec.get(f"{what}Note")))


def _fit(field: str) -> Callable[[Mapping[str, Any]], Lines]:
    def read(spec: Mapping[str, Any]) -> Lines:
        listed = _lines(_part(spec, "fits").get(field))
        return (", ".join(listed),) if listed else ("any",)

    return read


def _services(stage: str) -> Callable[[Mapping[str, Any]], Lines]:
    return lambda spec: _lines(_part(spec, "services").get(stage))


def _named(spec: Mapping[str, Any], field: str, *names: str) -> Lines:
    records = [one for one in spec.get(field) or [] if isinstance(one, Mapping)]
    return tuple(": ".join(str(one[name]) for name in names if one.get(name)) for one in records)


def _part(spec: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = spec.get(field)
    return found if isinstance(found, Mapping) else {}


def _lines(value: Any) -> Lines:
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return (str(value),) if value not in (None, "") else ()
