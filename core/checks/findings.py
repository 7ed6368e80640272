"""What a check says: one of four verdicts, with the figures behind it and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["pass", "fail", "inconclusive", "missing"]


@dataclass(frozen=True)
class Finding:
    """A check's verdict on one snapshot.

    ``observed``, ``lower``, ``upper`` and ``limit`` are in the unit of the metric; ``better`` says on which side of the
    limit it should lie. ``rows_needed`` is how many more rows would about settle an inconclusive verdict.
    ``compensating`` is set where the thing cannot be measured here and a compensating control is to be shown instead.
    """

    check: str
    verdict: Verdict
    text: str
    metric: str = ""
    observed: float | None = None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    better: Literal["above", "below", ""] = ""
    source: str = ""
    """Where the limit comes from."""
    advice: str = ""
    rows_needed: int | None = None
    compensating: bool = False

    def as_data(self) -> dict[str, Any]:
        """The finding as JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Finding:
        """The finding that :meth:`as_data` wrote."""
        return cls(**data)
