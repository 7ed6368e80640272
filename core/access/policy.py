"""The permission matrix as data, and the pure rules that read it.

One table says who may do what; actions ask :func:`require`, pages ask :func:`may` to leave out what a person cannot do.
Roles are held per scope, and a role reaches nothing outside its scope: what belongs to no unit and no team belongs to
the whole organisation, and takes a role held there. ``own`` limits a permission further to the actor's teams, units and
scoped grants; ``not own`` excludes them; ``everywhere`` is for what a role in any scope gives in the whole house.
Visibility of entries follows their classification: see :func:`sight`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from core.errors import NotAllowed
from core.roles import ROLES

Reach = Literal["everywhere", "any", "own", "not own"]

TWO_PERSON_ROLES = frozenset({"model validator", "reviewer", "manager"})

_ALL: dict[str, Reach] = dict.fromkeys(ROLES, "everywhere")
_BUILDERS: dict[str, Reach] = dict.fromkeys(("domain expert", "data engineer", "data scientist", "AI engineer"), "own")


def _any(*roles: str) -> dict[str, Reach]:
    return dict.fromkeys(roles, "any")


def _own(*roles: str) -> dict[str, Reach]:
    return dict.fromkeys(roles, "own")


def _everywhere(*roles: str) -> dict[str, Reach]:
    return dict.fromkeys(roles, "everywhere")


MATRIX: dict[str, dict[str, Reach]] = {
    "catalog.browse": _ALL,
    "entry.propose": _BUILDERS | _any("ML engineer"),
    "entry.publish": _any("ML engineer", "reviewer"),
    "entry.adopt": _BUILDERS | _own("manager") | _any("ML engineer"),
    "project.create": _BUILDERS | _own("manager") | _any("ML engineer"),
    "demand.take": _any("ML engineer"),
    "value.confirm": _any("manager"),
    "pattern.approve": _any("reviewer"),
    "deviation.decide": _any("reviewer", "manager"),
    "template.request": _any(
        "domain expert", "data engineer", "data scientist", "AI engineer", "ML engineer", "manager"
    ),
    "template.approve": _any("ML engineer", "manager"),
    "data.request": _everywhere("domain expert", "data engineer", "data scientist", "AI engineer", "ML engineer"),
    "data.approve": _any("data engineer", "manager"),
    "data.audit": _any("auditor", "reviewer", "manager"),
    "tier.set_facts": _own("domain expert", "data scientist", "AI engineer", "manager"),
    "tier.confirm": _any("model validator", "reviewer"),
    "case.answer": _BUILDERS | _own("ML engineer"),
    "case.assign": _any("model validator", "reviewer"),
    "case.submit": _own("data scientist", "AI engineer", "ML engineer"),
    "sign.technical": _any("model validator"),
    "sign.domain": {"domain expert": "not own"},
    "sign.ethics": _any("reviewer"),
    "risk.accept": _any("manager", "reviewer"),
    "approval.suspend": _any("model validator", "manager", "reviewer"),
    "approval.revoke": _any("manager", "reviewer"),
    "checklist.author": _any(
        "domain expert", "data scientist", "AI engineer", "model validator", "ML engineer", "reviewer"
    ),
    "checklist.publish": _any("model validator", "reviewer"),
    "model.promote": _any("ML engineer"),
    "readiness.answer": _own(*ROLES[:8]),
    "admin.people": _any("administrator"),
    "admin.tokens": _any("administrator"),
    "admin.sources": _any("administrator"),
    "admin.jobs": _any("administrator", "ML engineer"),
    "activity.read": _any("model validator", "manager", "reviewer", "auditor", "administrator")
    | _own(*ROLES[:4], "ML engineer"),
    "activity.verify": _any("model validator", "manager", "reviewer", "auditor", "administrator"),
    "gate.ask": _ALL,
}
"""Action → role → reach. The rows are those of the permission table in the README; a role that is absent may not."""

TOKEN_SCOPES: dict[str, frozenset[str]] = {
    "catalog:read": frozenset({"catalog.browse"}),
    "catalog:import": frozenset({"catalog.browse", "admin.sources"}),
    "metrics:write": frozenset({"catalog.browse", "case.answer"}),
    "model:promote": frozenset({"catalog.browse", "model.promote"}),
    "gate:ask": frozenset({"catalog.browse", "gate.ask"}),
}
"""What a token with a scope may do; a token never signs, decides or grants."""

SYSTEM_ACTIONS = frozenset(
    {"catalog.browse", "admin.people", "admin.tokens", "admin.sources", "admin.jobs", "activity.read", "activity.verify",
     "entry.load", "project.create", "entry.adopt", "gate.ask"}
)  # fmt: skip
"""What the portal itself and its operator on the command line may do: run the house, but decide nothing in it."""


@dataclass(frozen=True)
class Scope:
    """Where a thing belongs: its unit, team and project; all empty means the whole organisation."""

    unit: str | None = None
    team: str | None = None
    project: str | None = None

    def holds(self, kind: str, key: str) -> bool:
        """Whether this thing lies inside the scope ``kind``/``key``."""
        here = {"unit": self.unit, "team": self.team, "project": self.project}
        return kind == "organisation" or (bool(key) and key == here.get(kind))


ORGANISATION = Scope()
"""What belongs to no part of the house: people, tokens, jobs, the log as a whole."""


@dataclass(frozen=True)
class Grant:
    """A role an actor holds in a scope."""

    role: str
    scope_kind: str = "organisation"
    scope_id: str = ""


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, a token or the portal itself. Made anew from the store for every action."""

    kind: Literal["person", "token", "system"]
    id: str
    name: str
    grants: frozenset[Grant] = frozenset()
    teams: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    scopes: frozenset[str] = field(default=frozenset())

    @property
    def ref(self) -> str:
        """How the activity log names the actor: a pseudonym, never a personal name."""
        return f"{self.kind}:{self.id}"

    @property
    def roles(self) -> frozenset[str]:
        """The roles the actor holds in any scope."""
        return frozenset(grant.role for grant in self.grants)

    def owns(self, scope: Scope) -> bool:
        """Whether a thing in ``scope`` belongs to one of the actor's teams or units, or to a scope granted to them."""
        if scope.team in self.teams or (scope.team is None and scope.unit in self.units):
            return True
        return any(
            grant.scope_kind != "organisation" and scope.holds(grant.scope_kind, grant.scope_id)
            for grant in self.grants
        )


def system(name: str) -> Actor:
    """The portal itself, acting as its ``name`` part (``loader``, ``sync``, ``command-line`` …)."""
    return Actor("system", name, f"portal ({name})")


def may(actor: Actor, action: str, scope: Scope = ORGANISATION) -> bool:
    """Whether ``actor`` may do ``action`` to a thing in ``scope``; without a scope, in the whole organisation."""
    return _is_granted(actor, action, lambda grant, reach: _reaches(actor, grant, reach, scope))


def may_anywhere(actor: Actor, action: str) -> bool:
    """Whether there may be anything at all that ``actor`` may do ``action`` to.

    Enough to show a way to a page or to begin a list, whose items are asked about one by one; never enough to act.
    """
    return _is_granted(actor, action, lambda _grant, _reach: True)


def _is_granted(actor: Actor, action: str, reaches: Callable[[Grant, Reach], bool]) -> bool:
    if actor.kind == "system":
        return action in SYSTEM_ACTIONS
    if actor.kind == "token":
        return any(action in TOKEN_SCOPES.get(one, frozenset()) for one in actor.scopes)
    row = MATRIX[action]
    return any(grant.role in row and reaches(grant, row[grant.role]) for grant in actor.grants)


def _reaches(actor: Actor, grant: Grant, reach: Reach, scope: Scope) -> bool:
    if reach == "everywhere":
        return True
    inside = scope.holds(grant.scope_kind, grant.scope_id)
    return inside and (reach == "any" or actor.owns(scope) == (reach == "own"))


def require(actor: Actor, action: str, scope: Scope = ORGANISATION) -> None:
    """Raise :class:`NotAllowed` unless ``actor`` may do ``action`` to a thing in ``scope``; see :func:`may`."""
    if not may(actor, action, scope):
        raise _refusal(actor, action, "for the whole organisation" if scope == ORGANISATION else "in the right scope")


def require_anywhere(actor: Actor, action: str) -> None:
    """Raise :class:`NotAllowed` where a list is empty for lack of a role; the list holds what the roles reach."""
    if not may_anywhere(actor, action):
        raise _refusal(actor, action, "in any scope")


def _refusal(actor: Actor, action: str, where: str) -> NotAllowed:
    if actor.kind == "person":
        who = _listed(role for role in MATRIX.get(action, {}))
        hint = f"It takes the role {who} {where}; an administrator can grant it." if who else ""
    else:
        wanted = _listed(name for name, actions in TOKEN_SCOPES.items() if action in actions)
        hint = f"It takes a token with the scope {wanted}." if wanted else "No token can do this."
    return NotAllowed(f"{actor.name} may not do this ({action}).", hint=hint)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))


@dataclass(frozen=True)
class Sight:
    """Which entries an actor sees beyond public and internal ones."""

    all_confidential: bool
    all_restricted: bool
    units: frozenset[str]
    teams: frozenset[str]


_SEE_CONFIDENTIAL = frozenset({"model validator", "reviewer", "auditor", "manager"})
_SEE_RESTRICTED = frozenset({"reviewer", "auditor"})


def sight(actor: Actor) -> Sight:
    """What ``actor`` may see. Public and internal: everybody. Confidential: people of the owning unit or team, and
    validators, reviewers, auditors and managers of the organisation. Restricted: the owning team, and reviewers and
    auditors of the organisation. The portal itself sees everything; a token sees what everybody sees."""
    if actor.kind == "system":
        return Sight(True, True, frozenset(), frozenset())
    wide = {grant.role for grant in actor.grants if grant.scope_kind == "organisation"}
    units = {grant.scope_id for grant in actor.grants if grant.scope_kind == "unit"} | actor.units
    teams = {grant.scope_id for grant in actor.grants if grant.scope_kind == "team"} | actor.teams
    return Sight(bool(wide & _SEE_CONFIDENTIAL), bool(wide & _SEE_RESTRICTED), frozenset(units), frozenset(teams))
