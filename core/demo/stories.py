"""What the demo's people did besides training models: approvals, requests for data, wishes, a retrospective.

They act as themselves, through the same verbs as everybody, so that each finds something of their own in the portal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.access import queries as access
from core.access.policy import Actor, may
from core.access.tables import Person
from core.catalog import actions as catalog
from core.catalog.kinds import API_VERSION
from core.catalog.tables import Entry
from core.datasets import actions as datasets
from core.db import now
from core.demo.charters import CHARTERS, PATTERN_PLANS, PatternPlan
from core.patterns import approval_queries as approved
from core.patterns import approvals, use
from core.people.tables import Notice
from core.projects import harvest, members, names, risk
from core.projects.actions import edit, note_reuse_review, scope_of
from core.projects.tables import Project
from core.reuse import actions as reuse

Entries = Mapping[str, Entry]
"""Key → entry of the catalog."""

WISHES = (
    ("backtesting for forecasts with delayed ground truth", ("Linh Nguyen", "Helena Kowalska", "Mateo Fernández")),
    ("label quality audit for images", ("Priya Raman", "Mei Chen")),
)
"""What people asked for, because a search did not find it."""

ACCOUNTS = {
    "apiVersion": API_VERSION,
    "kind": "dataset",
    "metadata": {
        "name": "account-histories",
        "title": "Account histories of retail customers",
        "description": "Monthly balances, products and contacts of retail customers until they close their account.",
        "tags": ["tabular", "customers", "churn"],
    },
    "spec": {
        "owner": "payments-analytics",
        "classification": "internal",
        "source": "Invented for the demo: a contract to walk through, with no data behind it.",
        "target": "closed",
        "personalData": "pseudonymised",
        "columns": [
            {"name": "customer", "type": "string", "description": "Pseudonym of the customer", "sensitive": True},
            {"name": "month", "type": "date", "description": "Month of the row"},
            {"name": "balance", "type": "float64", "unit": "EUR", "description": "Average balance in the month"},
            {"name": "products", "type": "int64", "description": "Products held at the end of the month"},
            {"name": "contacts", "type": "int64", "description": "Contacts with the bank in the month"},
            {"name": "closed", "type": "bool", "description": "Whether the account was closed in the month"},
        ],
        "limitations": ["The reason of a closure is known only after it: it is no feature."],
    },
}
"""A dataset of the invented organisation, for walking through a request for personal data."""

_APPROVAL_WORDS = "Demo: the reviewers confirm the reference set that ships with this pattern."
_APPROVAL_DAYS = 365


class Cast:
    """The demo's people, who act by name."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: dict[str, str] = dict(session.exec(select(Person.name, Person.id).where(col(Person.demo))).all())

    def id_of(self, name: str) -> str:
        """The person's id."""
        return self._ids[name]

    def actor(self, name: str) -> Actor:
        """The person as they may act now."""
        found = access.actor_for(self._session, self._ids[name])
        assert found is not None, f"{name} is active in a demo that was just built"
        return found


def staff(session: Session, *, actor: Actor, project: Project) -> None:
    """Bring a project's people, its names in MLflow and whoever is called for it into the store."""
    charter, cast = CHARTERS[project.id], Cast(session)
    for name, role in charter.staff:
        members.add_member(session, actor=actor, project_id=project.id, person_id=cast.id_of(name), role=role)
    for purpose in charter.purposes:
        unit = project.unit_id or project.team_id
        names.take(session, project, "experiment", f"{unit}/{project.id}/{purpose}")
    if charter.on_call:
        session.refresh(project)
        edit(session, actor=actor, project_id=project.id, revision=project.revision, on_call_id=cast.id_of(charter.on_call))  # fmt: skip


def read_everything(session: Session) -> None:
    """Put away what people were told while the past was recorded: it is no news."""
    session.execute(update(Notice).where(col(Notice.read_at).is_(None)).values(read_at=now()))


def tell(session: Session, entries: Entries) -> None:
    """Let everybody do what they did; what needs an entry that the catalog lacks is left out."""
    cast = Cast(session)
    catalog.register(session, document=ACCOUNTS, demo=True)
    for project in session.exec(select(Project).where(col(Project.demo)).order_by(Project.id)).all():
        _assess(session, cast, project)
        if project.stage == "operate":
            note_reuse_review(session, project)
    for plan in PATTERN_PLANS:
        if entry := entries.get(f"pattern:default/{plan.pattern}"):
            _approve(session, cast, plan, entry)
            _stand_on(session, cast, plan, entry)
    if digits := entries.get("dataset:default/digits"):
        _read_data(session, cast, digits)
    _review_reuse(session, cast, entries)
    for words, people in WISHES:
        for name in people:
            catalog.wish(session, actor=cast.actor(name), text=words)


def end(session: Session, project_id: str, finding: str) -> None:
    """Close a project as its people do: with a retrospective, something shared, and something left for later."""
    actor = Cast(session).actor("Mei Chen")
    harvest.write_retrospective(
        session, actor=actor, project_id=project_id,
        went_well="A baseline came first and showed within days that four simple measurements were enough.",
        was_expensive="Looking for cameras before anybody had measured what a ruler can do.",
        others_should_know=finding,
    )  # fmt: skip
    harvest.decide_harvest(
        session, actor=actor, project_id=project_id, what="Grading from four measurements", decision="share",
        reason="Whoever grades goods by size starts from the same comparison of simple models.",
    )  # fmt: skip
    harvest.decide_harvest(
        session, actor=actor, project_id=project_id, what="Measuring protocol for samples", decision="later",
        reason="It names the plant's own instruments; somebody has to make it general first.", kind="guide",
    )  # fmt: skip
    harvest.close(session, actor=actor, project_id=project_id)


def _assess(session: Session, cast: Cast, project: Project) -> None:
    charter = CHARTERS[project.id]
    if charter.risk is None or project.stage in ("stopped", "closed"):
        return
    by = next(actor for name, _ in charter.staff if may(actor := cast.actor(name), "tier.set_facts", scope_of(project)))
    stated = risk.set_facts(
        session, actor=by, project_id=project.id, revision=project.revision, facts=charter.facts
    )  # fmt: skip
    if charter.confirmed_by:
        reviewer = cast.actor(charter.confirmed_by)
        risk.confirm_tier(session, actor=reviewer, project_id=project.id, revision=stated.revision, tier=stated.tier)


def _approve(session: Session, cast: Cast, plan: PatternPlan, entry: Entry) -> None:
    last_day = now().date() + timedelta(days=_APPROVAL_DAYS)
    for item in plan.approved:
        approvals.approve_item(
            session, actor=cast.actor("Hiroshi Tanaka"), entry_id=entry.id or 0, version=entry.version, item_id=item,
            evidence=_APPROVAL_WORDS, expires_on=last_day, revision=entry.revision, demo=True,
        )  # fmt: skip


def _stand_on(session: Session, cast: Cast, plan: PatternPlan, entry: Entry) -> None:
    charter = CHARTERS[plan.project]
    actor = cast.actor(charter.staff[0][0])
    use.use_pattern(
        session, actor=actor, project_id=plan.project, entry_id=entry.id or 0, region=charter.region,
        services=plan.services, attested=approved.statements(session, actor, entry.id or 0), demo=True,
    )  # fmt: skip


def _read_data(session: Session, cast: Cast, digits: Entry) -> None:
    """One request was granted for fewer columns, one was agreed to, one waits for its owner."""
    owner, columns = cast.actor("Jakub Novak"), datasets.contract_of(session, digits.id or 0).columns

    def ask(name: str, project: str, purpose: str, days: int = 90) -> int:
        wish = datasets.Wish(columns, purpose, days, project_id=project)
        return datasets.ask(session, actor=cast.actor(name), dataset=digits.key, wish=wish, demo=True).id or 0

    granted = ask("Priya Raman", "cheque-reader", "Compare handwriting of the last quarter with the training rows.")
    note = "Without the last column: the comparison does not need it."
    datasets.approve(session, actor=owner, request_id=granted, columns=columns[:-1], note=note)
    datasets.grant(session, actor=owner, request_id=granted, evidence="https://tickets.factory.example/DATA-101")
    agreed = ask("Mei Chen", "meter-reading", "Train on digits of coarse resolution.", 30)
    datasets.approve(session, actor=owner, request_id=agreed)
    ask("Oluwaseun Adeyemi", "postcode-reader", "Read postcodes with the same preparation as amounts.")


def _review_reuse(session: Session, cast: Cast, entries: Entries) -> None:
    decisions: tuple[tuple[str, str, str], ...] = (
        ("project:default/cheque-reader", "adapt", "Reads digits as well; its evaluation on slanted digits shows what to expect."),
        ("asset:default/drift-statistics", "reuse", "Photographs will change with lamps and cameras; this knows the sample size."),
        ("repository:default/evidently", "build", "Its reports need more than a table of sixteen shades."),
    )  # fmt: skip
    for ref, decision, reason in decisions:
        if ref in entries:
            actor = cast.actor("Mei Chen")
            reuse.decide(
                session, actor=actor, project_id="meter-reading", entry_ref=ref, decision=decision, reason=reason
            )
