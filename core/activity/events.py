"""Every event of the portal: one frozen dataclass each, its docstring is its documentation.

``subject`` says which thing the event is about; the other fields are what a reader needs to understand it later. Events
never hold a personal name: people appear as ``person:<id>`` and their names stand in the person table, where they can
be erased. Values are text, whole numbers, booleans, lists and mappings of these: no floats, so that hashes are stable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """What every event has: a name and the thing it is about."""

    name: ClassVar[str] = ""
    subject: str


@dataclass(frozen=True)
class EntryCreated(Event):
    """An entry came into the catalog, from a file, an import or the interface."""

    name = "entry-created"
    source: str
    version: str


@dataclass(frozen=True)
class EntryUpdated(Event):
    """Fields of an entry changed; ``kept`` are fields a person had edited, which the source did not overwrite."""

    name = "entry-updated"
    source: str
    fields: list[str]
    kept: list[str] = field(default_factory=list)
    version: str = ""


@dataclass(frozen=True)
class EntryWentStale(Event):
    """The definition of an entry vanished from its source; the entry stays, marked stale."""

    name = "entry-went-stale"
    source: str


@dataclass(frozen=True)
class EntryReturned(Event):
    """The definition of a stale entry is back in its source."""

    name = "entry-returned"
    source: str


@dataclass(frozen=True)
class LifecycleChanged(Event):
    """An entry moved along proposed, approved, deprecated, retired."""

    name = "lifecycle-changed"
    before: str
    after: str
    reason: str
    successor: str = ""


@dataclass(frozen=True)
class ChangeProposed(Event):
    """Somebody proposed a new entry or a change to one; it waits for another person."""

    name = "change-proposed"
    proposal: int
    fields: list[str]


@dataclass(frozen=True)
class ProposalApproved(Event):
    """A second person approved a proposal; the change is in the catalog."""

    name = "proposal-approved"
    proposal: int
    proposed_by: str


@dataclass(frozen=True)
class ProposalRejected(Event):
    """A second person rejected a proposal, with a reason."""

    name = "proposal-rejected"
    proposal: int
    proposed_by: str
    reason: str


@dataclass(frozen=True)
class ProposalWithdrawn(Event):
    """The proposer took a proposal back."""

    name = "proposal-withdrawn"
    proposal: int


@dataclass(frozen=True)
class AssetRequested(Event):
    """Somebody asked for an asset that a search did not find."""

    name = "asset-requested"
    wish: str


@dataclass(frozen=True)
class SourceAdded(Event):
    """A catalog source (a git repository) was added for imports."""

    name = "source-added"
    location: str


@dataclass(frozen=True)
class SourceRemoved(Event):
    """A catalog source was removed; the entries that came from it stay."""

    name = "source-removed"
    location: str


@dataclass(frozen=True)
class CatalogImported(Event):
    """An import or load was applied, with how many entries it touched and refused."""

    name = "catalog-imported"
    created: int
    updated: int
    unchanged: int
    stale: int
    refused: int


@dataclass(frozen=True)
class EntryAdopted(Event):
    """A project uses a version of an entry from now on."""

    name = "entry-adopted"
    project: str
    version: str


@dataclass(frozen=True)
class AdoptionEnded(Event):
    """A project no longer uses an entry."""

    name = "adoption-ended"
    project: str
    version: str


@dataclass(frozen=True)
class ProjectCreated(Event):
    """A project was started."""

    name = "project-created"
    team: str
    stage: str


@dataclass(frozen=True)
class ProjectMoved(Event):
    """A project moved to another stage; stopping keeps the finding."""

    name = "project-moved"
    before: str
    after: str
    finding: str = ""


@dataclass(frozen=True)
class PersonAdded(Event):
    """A person became known to the portal."""

    name = "person-added"
    source: str


@dataclass(frozen=True)
class PersonDeactivated(Event):
    """A person may no longer sign in; their name stays readable on what they did."""

    name = "person-deactivated"


@dataclass(frozen=True)
class PersonReactivated(Event):
    """A deactivated person may sign in again."""

    name = "person-reactivated"


@dataclass(frozen=True)
class PersonErased(Event):
    """A person's name and address were erased; the log keeps the pseudonym."""

    name = "person-erased"


@dataclass(frozen=True)
class UnitAdded(Event):
    """A business unit was added."""

    name = "unit-added"


@dataclass(frozen=True)
class TeamAdded(Event):
    """A team was added, in a business unit or none."""

    name = "team-added"
    unit: str


@dataclass(frozen=True)
class TeamJoined(Event):
    """A person joined a team."""

    name = "team-joined"
    person: str


@dataclass(frozen=True)
class TeamLeft(Event):
    """A person left a team."""

    name = "team-left"
    person: str


@dataclass(frozen=True)
class RoleProposed(Event):
    """An administrator proposed a role that takes two people: validator, reviewer or manager."""

    name = "role-proposed"
    role: str
    scope: str


@dataclass(frozen=True)
class RoleGranted(Event):
    """A person holds a role in a scope from now on."""

    name = "role-granted"
    role: str
    scope: str
    source: str = "portal"


@dataclass(frozen=True)
class RoleDeclined(Event):
    """A second person declined a proposed role."""

    name = "role-declined"
    role: str
    scope: str


@dataclass(frozen=True)
class RoleRevoked(Event):
    """A person no longer holds a role in a scope."""

    name = "role-revoked"
    role: str
    scope: str
    source: str = "portal"


@dataclass(frozen=True)
class SignedIn(Event):
    """A person signed in, locally or through the identity provider."""

    name = "signed-in"
    way: str


@dataclass(frozen=True)
class SignedOut(Event):
    """A person ended a local sign-in."""

    name = "signed-out"


@dataclass(frozen=True)
class TokenCreated(Event):
    """A token for a program was created; its secret was shown once and is kept nowhere."""

    name = "token-created"
    scopes: list[str]
    expires: str


@dataclass(frozen=True)
class TokenRevoked(Event):
    """A token was revoked."""

    name = "token-revoked"


@dataclass(frozen=True)
class AliasMoved(Event):
    """The mirror saw an alias (champion, challenger …) of a registered model move in MLflow."""

    name = "alias-moved"
    alias: str
    before: str
    after: str


@dataclass(frozen=True)
class ModelRegistered(Event):
    """The mirror saw a registered model for the first time."""

    name = "model-registered"


@dataclass(frozen=True)
class ModelVanished(Event):
    """A registered model is no longer in MLflow; what the mirror knew of it stays, marked as gone."""

    name = "model-vanished"


@dataclass(frozen=True)
class DemoBuilt(Event):
    """The demo organisation was built."""

    name = "demo-built"


@dataclass(frozen=True)
class DemoRemoved(Event):
    """The demo organisation was removed; the log keeps what it did."""

    name = "demo-removed"


# --- projects: registration, facts, stages ---------------------------------------------------------------------------


# --- harvest and the value of reuse ----------------------------------------------------------------------------------


# --- reuse review and demand -----------------------------------------------------------------------------------------


# --- patterns: approvals, use, deviations ----------------------------------------------------------------------------


# --- datasets: access requests and grants ----------------------------------------------------------------------------


def all_events() -> list[type[Event]]:
    """Every event class, by name; the documentation and its test read this."""
    return sorted(Event.__subclasses__(), key=lambda one: one.name)
