"""Who works in the demo organisation and on what: data, and the one transaction that brings it into the store.

Everybody and everything here is invented. Findings and retrospectives speak of what the training runs of
:mod:`core.demo.training` measure; they hold no figure of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import delete, text, update
from sqlmodel import Session, col, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.access.tables import BusinessUnit, Person, RoleGrant, SignIn, Team, TeamMember
from core.activity import events
from core.activity.recording import record
from core.catalog.tables import Demand, DemandAsk, Entry, Proposal
from core.datasets.tables import DataRequest
from core.demo import stories
from core.demo.charters import CHARTERS, PATTERN_PLANS
from core.errors import Conflict
from core.evidence.tables import EvidenceFile, EvidenceSnapshot
from core.patterns.tables import PatternApproval
from core.people import actions as people
from core.projects import actions as projects
from core.projects import adoption
from core.projects.tables import Adoption, HarvestDecision, Project, ProjectTracking
from core.reviews.tables import CaseSeat, Condition, Delegation, PendingSignature, ReviewCase, Signature

SUBJECT = "demo:organisation"

UNITS = {"retail-banking": "Retail banking", "manufacturing": "Manufacturing", "health-services": "Health services"}

TEAMS: dict[str, tuple[str, str, str]] = {
    "branch-operations": ("retail-banking", "Branch operations", "Cash, counters and paper in the branches."),
    "payments-analytics": ("retail-banking", "Payments analytics", "Models for cheques, transfers and cards."),
    "quality-laboratory": ("manufacturing", "Quality laboratory", "Incoming goods, samples and measurement."),
    "plant-automation": ("manufacturing", "Plant automation", "Cameras, meters and control of the lines."),
    "clinical-analytics": ("health-services", "Clinical analytics", "Models that support clinicians' decisions."),
    "rehabilitation": ("health-services", "Rehabilitation", "Training and recovery after treatment."),
}
"""Team → (unit, name, description)."""


@dataclass(frozen=True)
class Member:
    """A person of the demo organisation: roles held in ``scope``, and the teams they belong to."""

    name: str
    title: str
    roles: tuple[str, ...]
    teams: tuple[str, ...] = ()
    unit: str = ""

    @property
    def email(self) -> str:
        """An address under a domain that is reserved for examples."""
        plain = self.name.lower().translate(_PLAIN)
        return f"{'.'.join(plain.split())}@factory.example"


_PLAIN = str.maketrans({"á": "a", "é": "e", "ó": "o", "ö": "o", "ú": "u", "'": None, ".": None})

MEMBERS = (
    Member("Ingrid Solheim", "Portal administrator", ("administrator",)),
    Member("Tomasz Wójcik", "Platform administrator", ("administrator",), ("data-platform",)),
    Member("Elena Petrova", "Chief data officer", ("manager",)),
    Member("Anneke de Vries", "Head of retail banking", ("manager",), unit="retail-banking"),
    Member("Lukas Baumgartner", "Plant director", ("manager",), unit="manufacturing"),
    Member("Nadia Haddad", "Head of health services", ("manager",), unit="health-services"),
    Member("Chiara Bellini", "Model validator", ("model validator",)),
    Member("Kwame Mensah", "Senior model validator", ("model validator",)),
    Member("Sofia Andrade", "Ethics reviewer", ("reviewer",), ("responsible-ai",)),
    Member("Hiroshi Tanaka", "Model risk reviewer", ("reviewer",), ("responsible-ai",)),
    Member("Margaret O'Neill", "Internal auditor", ("auditor",)),
    Member("Amara Okafor", "Lead ML engineer", ("ML engineer",), ("ml-engineering", "architecture")),
    Member("Rajesh Iyer", "ML engineer", ("ML engineer",), ("ml-engineering",)),
    Member("Jakub Novak", "Data engineer", ("data engineer",), ("data-platform",)),
    Member("Mei Chen", "Data engineer, lines and sensors", ("data engineer",), ("plant-automation",)),
    Member("Priya Raman", "Senior data scientist", ("data scientist",), ("payments-analytics",)),
    Member("Mateo Fernández", "Data scientist", ("data scientist",), ("quality-laboratory", "enablement")),
    Member("Linh Nguyen", "Biostatistician", ("data scientist",), ("clinical-analytics", "rehabilitation")),
    Member("Oluwaseun Adeyemi", "AI engineer", ("AI engineer",), ("payments-analytics", "branch-operations")),
    Member("Freja Lindqvist", "AI engineer", ("AI engineer",), ("clinical-analytics",)),
    Member("Yusuf Demir", "Pathologist", ("domain expert",), ("clinical-analytics",)),
    Member("Helena Kowalska", "Branch operations lead", ("domain expert",), ("branch-operations",)),
    Member("Carlos Ribeiro", "Process engineer", ("domain expert",), ("quality-laboratory", "plant-automation")),
)


@dataclass(frozen=True)
class DemoProject:
    """A use case: its team, how far it came, what it learnt, what it adopted, and its model in MLflow."""

    id: str
    title: str
    team: str
    stages: tuple[str, ...]
    summary: str
    adopts: tuple[str, ...]
    metric: str = ""
    higher_is_better: bool = True
    finding: str = ""
    predicts: str = ""
    """What its model predicts; empty where a project has no registered model."""
    risk_tier: str = "minimal"

    @property
    def model(self) -> str:
        """The registered model's name, ``unit.project.what it predicts``, as the catalog's policy has it; or nothing."""
        return f"{self.unit}.{self.id}.{self.predicts}" if self.predicts else ""

    def experiment(self, purpose: str) -> str:
        """The experiment's name for runs with this purpose, ``unit/project/purpose``, as the catalog's policy has it."""
        return f"{self.unit}/{self.id}/{purpose}"

    @property
    def unit(self) -> str:
        """The business unit of the project's team."""
        return TEAMS[self.team][0]


_OPERATE = ("experiment", "operate")

PROJECTS = (
    DemoProject(
        "biopsy-second-look", "Second look at biopsy images", "clinical-analytics", _OPERATE,
        "Points pathologists to biopsies that deserve a second look; the pathologist decides.",
        ("dataset:breast-cancer", "asset:calibration-report", "asset:threshold-tuner",
         "asset:model-card-writer", "checklist:model-release"),
        metric="recall", predicts="malignancy", risk_tier="high",
    ),
    DemoProject(
        "cheque-reader", "Amounts on paper cheques", "payments-analytics", _OPERATE,
        "Reads the digits of handwritten amounts, so that clerks only see doubtful cheques.",
        ("dataset:digits", "asset:drift-statistics", "asset:retraining-policy",
         "asset:champion-challenger-comparison", "checklist:model-release"),
        metric="accuracy", predicts="digit", risk_tier="limited",
    ),
    DemoProject(
        "intake-origin", "Origin check of incoming goods", "quality-laboratory", _OPERATE,
        "Tells from laboratory values whether a delivery comes from the origin on its papers.",
        ("dataset:wine", "asset:champion-challenger-comparison", "asset:data-contract-check",
         "asset:environment-footprint-diff", "checklist:model-release"),
        metric="f1_macro", predicts="cultivar", risk_tier="minimal",
    ),
    DemoProject(
        "progression-forecast", "Forecast of disease progression", "clinical-analytics", _OPERATE,
        "Forecasts progression a year ahead for planning follow-up capacity.",
        ("dataset:diabetes", "asset:baseline-comparison", "asset:model-card-writer",
         "checklist:model-release"),
        metric="rmse", higher_is_better=False, predicts="progression", risk_tier="high",
    ),
    DemoProject(
        "follow-up-priority", "Who is called for follow-up first", "clinical-analytics", ("experiment",),
        "Ranks patients for follow-up calls; fairness between groups is the open question.",
        ("dataset:diabetes", "asset:group-fairness-metrics", "asset:responsible-ai-evidence", "asset:pii-scan"),
        metric="balanced_accuracy", predicts="priority", risk_tier="high",
    ),
    DemoProject(
        "meter-reading", "Reading meters from photographs", "plant-automation", ("experiment",),
        "Reads digits of old meters from photographs of poor resolution.",
        ("dataset:digits", "asset:leakage-check", "asset:training-run-checker"),
        metric="accuracy", predicts="digit", risk_tier="minimal",
    ),
    DemoProject(
        "cytology-lite", "Cytology without the costly features", "clinical-analytics", ("experiment",),
        "Finds out whether the ten mean values are enough, without the features that need a specialist.",
        ("dataset:breast-cancer", "asset:baseline-comparison", "asset:training-run-checker"),
        metric="recall", predicts="malignancy", risk_tier="high",
    ),
    DemoProject(
        "postcode-reader", "Postcodes on account forms", "branch-operations", ("experiment",),
        "Reads handwritten postcodes on account opening forms.",
        ("dataset:digits", "asset:dataset-fingerprint"),
        metric="accuracy", predicts="digit", risk_tier="limited",
    ),
    DemoProject(
        "alcohol-estimate", "Alcohol content without distillation", "quality-laboratory", (),
        "Explores whether alcohol content follows from the other laboratory values.",
        ("dataset:wine",),
        metric="rmse", higher_is_better=False,
    ),
    DemoProject(
        "cash-demand", "Cash demand of branches", "branch-operations", (),
        "Asks whether withdrawals can be forecast per branch; access to the data is being clarified.",
        (),
    ),
    DemoProject(
        "training-load", "Training load from fitness tests", "rehabilitation", ("stopped",),
        "Should have recommended a training load from three fitness tests.",
        ("dataset:linnerud", "asset:baseline-comparison"),
        metric="rmse", higher_is_better=False,
        finding="Not feasible with this data: with twenty people, cross-validated models did no better than the mean "
        "of the training rows. Collect repeated tests of at least a few hundred people before trying again.",
    ),
    DemoProject(
        "early-closures", "Early signs of account closures", "payments-analytics", ("stopped",),
        "Should have predicted customer churn: which customers of the retail bank will close their account.",
        (),
        finding="Not feasible with this data: the reasons for closing are recorded when the account is closed, so every "
        "variable that predicted churn was a leak. Record the reasons of contact first, then try again.",
    ),
    DemoProject(
        "bloom-grading", "Grading of cut flowers", "plant-automation", ("experiment", "closed"),
        "Graded flowers by four measurements; replaced when the supplier began to deliver graded goods.",
        ("dataset:iris", "asset:model-card-writer"),
        metric="accuracy", predicts="species", risk_tier="minimal",
        finding="Closed because the supplier grades now. What to reuse: four simple measurements were enough and the "
        "linear model was as good as any other, so start from a baseline and measure before buying cameras.",
    ),
)  # fmt: skip


def is_built(session: Session) -> bool:
    """Whether the demo organisation stands in the store."""
    return session.exec(select(BusinessUnit.id).where(col(BusinessUnit.demo))).first() is not None


def build(actor: Actor, progress: Callable[[str], None]) -> None:
    """Bring units, teams, people, projects and adoptions into the store, unless they stand there.

    It happens in one transaction: a portal that is killed meanwhile has none of it and builds it at the next start.
    """
    with db.writing() as session:
        if not db.is_sqlite(session):
            session.execute(text("SELECT pg_advisory_xact_lock(720317)"))  # two portals may start together
        if is_built(session):
            return
        missing = _build(session, actor)
    progress(f"{len(MEMBERS)} people work in {len(TEAMS)} teams on {len(PROJECTS)} projects.")
    if missing:
        progress(f"Not adopted, because the catalog does not have it: {', '.join(missing)}.")


def remove(session: Session, *, actor: Actor) -> None:
    """Take the demo's people, projects, cases and adoptions out of the store; the log keeps what they did, by pseudonym.

    Teams and units stay where projects that are not the demo's depend on them; so do people who review a case of such a
    project, without an account: what somebody signed stays readable.
    """
    policy.require(actor, "admin.people")
    if not is_built(session):
        raise Conflict("The demo organisation does not stand.", hint="There is nothing to remove.")
    _require_remaining_administrator(session, actor)
    _remove_cases(session)
    _remove_projects(session)
    _remove_people(session)
    _remove_teams(session)
    record(session, actor, events.DemoRemoved(SUBJECT))


def _build(session: Session, actor: Actor) -> list[str]:
    """Build everything; returns the entries to adopt that the catalog lacks."""
    for unit_id, name in UNITS.items():
        people.add_unit(session, actor=actor, unit_id=unit_id, name=name, demo=True)
    for team_id, (unit_id, name, description) in TEAMS.items():
        people.add_team(
            session, actor=actor, team_id=team_id, name=name, unit_id=unit_id, description=description, demo=True
        )
    teams = set(session.exec(select(Team.id)))
    for member in MEMBERS:
        _add(session, actor, member, teams)
    entries = _entries(session)
    for project in PROJECTS:
        _start(session, actor, project, entries)
    stories.read_everything(session)
    stories.tell(session, _catalog(session))
    record(session, actor, events.DemoBuilt(SUBJECT))
    return sorted(_wanted() - entries.keys())


def _add(session: Session, actor: Actor, member: Member, teams: set[str]) -> None:
    person = people.add_person(
        session, actor=actor, name=member.name, email=member.email, title=member.title, demo=True
    )
    for role in member.roles:
        kind = "unit" if member.unit else "organisation"
        people.grant_role(session, actor=actor, person_id=person.id, role=role, scope_kind=kind, scope_id=member.unit)
    for team_id in sorted(teams.intersection(member.teams)):
        people.join_team(session, actor=actor, team_id=team_id, person_id=person.id)


def _start(session: Session, actor: Actor, project: DemoProject, entries: dict[str, int]) -> None:
    made = projects.create(
        session, actor=actor, project_id=project.id, title=project.title, team_id=project.team,
        summary=project.summary, registered_model=project.model, key_metric=project.metric,
        higher_is_better=project.higher_is_better, demo=True, **CHARTERS[project.id].details,
    )  # fmt: skip
    stories.staff(session, actor=actor, project=made)
    for key in map(_key, project.adopts):
        if key in entries:
            adoption.adopt(session, actor=actor, project_id=project.id, entry_id=entries[key], demo=True)
    for stage in project.stages:
        if stage == "closed":
            stories.end(session, project.id, project.finding)
            continue
        finding = project.finding if stage == "stopped" else ""
        projects.move(session, actor=actor, project_id=project.id, stage=stage, finding=finding)


def _entries(session: Session) -> dict[str, int]:
    adoptable = col(Entry.lifecycle).in_(("proposed", "approved"))
    rows: Iterable[tuple[str, int | None]] = session.exec(
        select(Entry.key, Entry.id).where(col(Entry.key).in_(_wanted()), adoptable)
    )
    return {key: entry_id for key, entry_id in rows if entry_id is not None}


def _catalog(session: Session) -> dict[str, Entry]:
    """What the stories speak of, by key."""
    return {
        entry.key: entry for entry in session.exec(select(Entry).where(~col(Entry.demo) | (Entry.kind == "project")))
    }


def _wanted() -> set[str]:
    patterns = {f"pattern:{plan.pattern}" for plan in PATTERN_PLANS}
    return {_key(short) for short in patterns.union(*(project.adopts for project in PROJECTS))}


def _key(short: str) -> str:
    kind, _, name = short.partition(":")
    return f"{kind}:default/{name}"


def _require_remaining_administrator(session: Session, actor: Actor) -> None:
    if actor.kind != "person":
        return
    me = session.get(Person, actor.id)
    if me is not None and me.demo:
        raise Conflict(
            "You belong to the demo organisation yourself.",
            hint="Sign in as a person of your own, or run `python -m core demo remove`.",
        )


def _remove_cases(session: Session) -> None:
    """The cases of the demo's projects with all that belongs to them, and the copies of evidence on its models."""
    ours = select(Project.id).where(col(Project.demo))
    cases = session.exec(select(ReviewCase.id).where(col(ReviewCase.project_id).in_(ours))).all()
    models = select(ProjectTracking.name).where(
        ProjectTracking.kind == "model", col(ProjectTracking.project_id).in_(ours)
    )
    session.execute(delete(EvidenceFile).where(col(EvidenceFile.subject).in_([f"case:{one}" for one in cases])))
    session.execute(delete(ReviewCase).where(col(ReviewCase.id).in_(cases)))
    session.execute(delete(EvidenceSnapshot).where(col(EvidenceSnapshot.model).in_(models)))


def _remove_projects(session: Session) -> None:
    ours = select(Project.id).where(col(Project.demo))
    of_ours = col(Adoption.project_id).in_(ours)
    entries = session.exec(select(Adoption.entry_id).where(of_ours).distinct()).all()
    drafts = session.exec(select(HarvestDecision.proposal_id).where(col(HarvestDecision.project_id).in_(ours))).all()
    session.execute(delete(Proposal).where(col(Proposal.id).in_(drafts)))
    session.execute(delete(PatternApproval).where(col(PatternApproval.demo)))
    session.execute(delete(DataRequest).where(col(DataRequest.demo)))
    session.execute(delete(Adoption).where(of_ours))
    session.execute(delete(Project).where(col(Project.demo)))
    session.execute(delete(Entry).where(col(Entry.demo)))
    adoption.count_adoptions(session, entries)


def _remove_people(session: Session) -> None:
    ours = select(Person.id).where(col(Person.demo))
    for table in (RoleGrant, SignIn, TeamMember, PendingSignature):
        session.execute(delete(table).where(col(table.person_id).in_(ours)))
    session.execute(delete(Delegation).where(col(Delegation.from_id).in_(ours) | col(Delegation.to_id).in_(ours)))
    in_cases = (col(CaseSeat.person_id), col(Signature.person_id), col(Condition.owner_id))
    staying = {one for column in in_cases for one in session.exec(select(column).where(column.in_(ours)))}
    without_account = {"demo": False, "active": False, "email": None}
    session.execute(update(Person).where(col(Person.id).in_(staying)).values(**without_account))
    session.execute(delete(Person).where(col(Person.demo)))
    asked = select(DemandAsk.id).where(DemandAsk.text == Demand.text)
    session.execute(delete(Demand).where(~asked.exists()))


def _remove_teams(session: Session) -> None:
    still_used = select(Project.team_id)
    session.execute(update(Team).where(col(Team.demo), col(Team.id).in_(still_used)).values(demo=False))
    gone = select(Team.id).where(col(Team.demo))
    session.execute(delete(TeamMember).where(col(TeamMember.team_id).in_(gone)))
    session.execute(delete(Team).where(col(Team.demo)))
    of_teams = select(Team.unit_id).where(col(Team.unit_id).is_not(None))
    session.execute(update(BusinessUnit).where(col(BusinessUnit.id).in_(of_teams)).values(demo=False))
    session.execute(delete(BusinessUnit).where(col(BusinessUnit.demo)))
