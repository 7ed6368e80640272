"""The items of a case as they were frozen when it was opened: what is asked, why, and whether it applies here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

TYPES = ("boolean", "choice", "scale", "number", "date", "text", "file", "link", "metric", "attestation")
"""What an answer is. A ``metric`` is judged by its check alone and asks nobody; all others ask the team."""


@dataclass(frozen=True)
class FrozenItem:
    """One item of a case. ``applies``, ``because`` and ``blocking`` were decided from the facts at its opening."""

    id: str
    section: str
    summary: str
    question: str
    type: str
    why: str = ""
    options: tuple[str, ...] = ()
    """Of a choice, and of a scale from low to high."""
    unit: str = ""
    check: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the check; a value may be a mapping of tier → value."""
    mappings: tuple[str, ...] = ()
    """What of laws and standards it answers to, as ``REGULATION/REQUIREMENT``."""
    applies: bool = True
    because: str = ""
    blocking: bool = False

    @property
    def asks(self) -> bool:
        """Whether somebody has to answer it."""
        return self.type != "metric"

    def as_data(self) -> dict[str, Any]:
        """The item as JSON keeps it."""
        return asdict(self)


def frozen(rows: Iterable[Mapping[str, Any]]) -> list[FrozenItem]:
    """The items that :meth:`FrozenItem.as_data` wrote, in their order."""
    return [FrozenItem(**{**row, "options": tuple(row["options"]), "mappings": tuple(row["mappings"])}) for row in rows]


def applicable(rows: Iterable[Mapping[str, Any]]) -> list[FrozenItem]:
    """Those that apply."""
    return [one for one in frozen(rows) if one.applies]
