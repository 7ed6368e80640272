"""The names of roles, and of the scopes they are held in: at the very bottom, so that settings can name them too."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, NamedTuple, get_args

ROLES = (
    "domain expert", "data engineer", "data scientist", "AI engineer", "model validator",
    "ML engineer", "manager", "reviewer", "auditor", "administrator",
)  # fmt: skip

ScopeKind = Literal["organisation", "unit", "team", "project"]
SCOPE_KINDS: tuple[ScopeKind, ...] = get_args(ScopeKind)
LONGEST_SCOPE = 63
"""So many letters has the name of a unit, a team or a project at most."""


class Held(NamedTuple):
    """A role in a scope."""

    role: str
    kind: str = "organisation"
    scope: str = ""


def held(written: str) -> Held:
    """The role that ``written`` names: ``role`` for the organisation, or ``role@unit/name``, ``@team/…``, ``@project/…``.

    Raises :class:`ValueError`, which names the nearest role or kind of scope where there is none of that name.
    """
    role, limited, place = (part.strip() for part in written.partition("@"))
    kind, _, scope = place.partition("/") if limited else ("organisation", "", "")
    _require_known("role", role, ROLES)
    _require_known("kind of scope", kind, SCOPE_KINDS)
    if (kind == "organisation") == bool(scope) or len(scope) > LONGEST_SCOPE:
        raise ValueError(f"{written!r} names no {kind}; write it as role@unit/name, or the role alone")
    return Held(role, kind, scope)


def _require_known(what: str, name: str, known: tuple[str, ...]) -> None:
    if name in known:
        return
    by_letters = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), by_letters, n=1, cutoff=0.5)
    instead = f"the nearest is {by_letters[near[0]]!r}" if near else f"possible are {', '.join(known)}"
    raise ValueError(f"{name!r} is no {what}; {instead}")
