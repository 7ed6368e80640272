"""Inclusiveness: can everybody use it, and is everybody it is meant for in the evaluation?"""

from __future__ import annotations

from core.checks.findings import Finding
from core.checks.judging import LIMIT, METRIC, at_least, at_most
from core.checks.registry import check
from core.checks.task import Task


@check(
    "a11y_serious", id="INCL-1", principle="inclusiveness", title="Accessible interface", needs=("scan report",),
    takes=(LIMIT, METRIC), source="WCAG 2.2, level AA, as far as scanners can test it",
    advice="Mend the serious findings, then try the main task with keyboard and screen reader.",
)  # fmt: skip
def a11y_serious(task: Task) -> Finding:
    """How many serious or critical findings an accessibility scan has on the pages that users see."""
    return at_most(task, "rai.a11y_serious")


@check(
    "coverage", id="INCL-2", principle="inclusiveness", title="Coverage of intended users",
    needs=("declared groups", "group counts"), takes=(LIMIT, METRIC), source="convention of this factory",
    advice="Collect evaluation rows of the groups that lack them, or narrow the intended use.",
)  # fmt: skip
def coverage(task: Task) -> Finding:
    """The share of the declared groups that have enough evaluation rows for a verdict."""
    return at_least(task, "rai.coverage")
