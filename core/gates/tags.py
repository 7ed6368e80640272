"""What MLflow is told of a version, as tags: a pure summary of its cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.gates.cases import CaseFact, governing, run_out
from core.gates.rules import Facts, reach, required, rule_for
from core.reviews import states
from core.reviews.record import stamp

STATUS, CASE, ENVIRONMENTS, DECIDED = (
    f"factory.{name}" for name in ("validation_status", "case", "environments", "decided_at")
)
"""The tags."""
MOST_OF_A_TAG = 200
_WORST_FIRST = (
    "revoked", "suspended", "rejected", "expired", "superseded", "withdrawn", "changes requested", "in review",
    "submitted", "draft", "approved with conditions", "approved",
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What the tags say of a version."""

    status: str
    cases: str = ""
    environments: str = ""
    decided_at: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """Name → value."""
        return {STATUS: self.status, CASE: self.cases, ENVIRONMENTS: self.environments, DECIDED: self.decided_at}


def summary(known: Facts, at: datetime) -> Summary | None:
    """What MLflow is told of a version: the state of its cases by the checklists that production asks for, or of all
    where it asks for none. The worst state counts, and a checklist without a case is one that is not reviewed."""
    counting = governing(known.cases)
    rule = rule_for(known, "production")
    wanted = required(rule) if rule else []
    chosen = [counting[one] for one in wanted if one in counting] or list(counting.values())
    if not chosen:
        return None
    found = [_state(one, at) for one in chosen]
    status = min(found, key=_WORST_FIRST.index)
    if status in states.APPROVED and len(chosen) < len(wanted):
        status = "not reviewed by every checklist"
    decided = max((one.decided_at for one in chosen if one.decided_at), default=None)
    return Summary(
        status, ", ".join(str(one.id) for one in chosen)[:MOST_OF_A_TAG], ", ".join(reach(known, at)),
        stamp(decided) if decided else "",
    )  # fmt: skip


def _state(case: CaseFact, at: datetime) -> str:
    return "expired" if case.state in states.APPROVED and run_out(case, at) else case.state
