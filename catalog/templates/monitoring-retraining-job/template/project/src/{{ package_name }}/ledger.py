"""Decisions as files that can be audited: each names what it rests on, and the one before it.

A file is written once. Its digest covers its content, and the next decision repeats it, so that a
decision that was changed or taken out afterwards is noticed. The run of each decision carries the
digest, too. In production let the folder be storage that can only be added to.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .decision import Action, Evidence, Outcome, Policy
from .performance import Share
from .settings import ROOT, Settings

FIRST = "0" * 64


class LedgerError(RuntimeError):
    """A decision was changed, or one is missing; somebody has to look before the job goes on."""


@dataclass(frozen=True)
class Decision:
    """One decision as it stands in its file."""

    number: int
    id: str
    day: date
    action: Action
    content: dict[str, Any]
    digest: str

    @property
    def reason(self) -> str:
        """The sentence that people read."""
        return str(self.content["reason"])

    @property
    def trigger(self) -> str | None:
        """What a retraining answers; nothing where none was decided."""
        return self.content["trigger"]

    @property
    def version(self) -> str:
        """The version that was in use."""
        return str(self.content["model"]["version"])


def folder(settings: Settings) -> Path:
    """Where the decisions of an environment stand; a relative path starts at the repository."""
    return ROOT / (settings.decisions or f"output/{settings.environment}/decisions")


def read(place: Path) -> list[Decision]:
    """All decisions in order, after checking that none was changed and none is missing."""
    decisions: list[Decision] = []
    for file in sorted(place.glob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        digest = content.pop("digest", "")
        before = decisions[-1].digest if decisions else FIRST
        if digest != _digest(content):
            raise LedgerError(f"{file.name} was changed after it was written")
        if content["previous"] != before or content["number"] != len(decisions) + 1:
            raise LedgerError(f"the decision before {file.name} is missing or another one")
        decisions.append(_decision(content, digest))
    return decisions


def record(
    place: Path,
    *,
    day: date,
    model: dict[str, str],
    author: str,
    policy: Policy,
    reference: Share,
    evidence: list[Evidence],
    outcome: Outcome,
) -> Decision:
    """Write a decision; the same evidence on the same day again is the decision that stands."""
    decisions = read(place)
    content = _plain(
        {
            "day": day,
            **asdict(outcome),
            "model": model,
            "author": author,
            "policy": policy,
            "reference": reference,
            "evidence": evidence,
        }
    )
    if decisions and content.items() <= decisions[-1].content.items():
        return decisions[-1]
    content |= {
        "number": len(decisions) + 1,
        "previous": decisions[-1].digest if decisions else FIRST,
    }
    content["id"] = f"rt-{day:%Y%m%d}-{_digest(content)[:8]}"
    digest = _digest(content)
    place.mkdir(parents=True, exist_ok=True)
    with (place / f"{content['number']:04d}.json").open("x", encoding="utf-8") as file:
        file.write(json.dumps(content | {"digest": digest}, indent=1, sort_keys=True) + "\n")
    return _decision(content, digest)


def _decision(content: dict[str, Any], digest: str) -> Decision:
    day = date.fromisoformat(content["day"])
    return Decision(content["number"], content["id"], day, content["action"], content, digest)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """What JSON can hold; floats are rounded, so that platforms agree on the digest."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    if isinstance(value, float):
        return round(value, 6)
    return value.isoformat() if isinstance(value, date) else value
