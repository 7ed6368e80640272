"""Loading what comes with the portal: the catalog folder, the versions of its templates, and those of its checklists."""

from __future__ import annotations

from core import db
from core.access.policy import Actor
from core.catalog.loader import Change, Report
from core.reviews import checklists
from core.templates import shipping as templates


def load(actor: Actor) -> Report:
    """Load the catalog folder and publish its templates and checklists; what is refused stands in the report."""
    report = templates.load(actor)
    with db.writing() as session:
        refused = checklists.ship(session, actor)
    for problem in refused:
        key, _, why = problem.partition(": ")
        report.changes.append(Change("refused", key, "checklists", problems=[why]))
    return report
