"""The records of the log in words: what somebody did, without who, to what and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from core.activity.queries import Line
from core.catalog.kinds import SPECS

WORDS = {
    "entry-created": "added version {version} from {source}",
    "entry-updated": "changed {fields} from {source}",
    "entry-went-stale": "marked it stale, gone from {source}",
    "entry-returned": "found it again in {source}",
    "lifecycle-changed": "moved it from {before} to {after}: {reason}",
    "change-proposed": "sent proposal {proposal} for {fields}",
    "proposal-approved": "approved proposal {proposal} by {proposed_by}",
    "proposal-rejected": "rejected proposal {proposal} by {proposed_by}: {reason}",
    "proposal-withdrawn": "withdrew proposal {proposal}",
    "asset-requested": "asked for “{wish}”",
    "source-added": "added the source {location}",
    "source-removed": "removed the source {location}",
    "catalog-imported": "imported: {created} created, {updated} updated, {unchanged} unchanged, {stale} stale, {refused} refused",
    "entry-adopted": "adopted version {version} for the project {project}",
    "adoption-ended": "ended the use of version {version} by the project {project}",
    "project-created": "started the project in the team {team}, to {stage}",
    "project-moved": "moved it from {before} to {after}",
    "person-added": "made the person known, from {source}",
    "person-deactivated": "deactivated the person",
    "person-reactivated": "reactivated the person",
    "person-erased": "erased the person's name",
    "unit-added": "added the business unit",
    "team-added": "added the team",
    "team-joined": "made {person} a member",
    "team-left": "ended the membership of {person}",
    "role-proposed": "proposed the role {role} ({scope})",
    "role-granted": "granted the role {role} ({scope})",
    "role-declined": "declined the role {role} ({scope})",
    "role-revoked": "revoked the role {role} ({scope})",
    "signed-in": "signed in ({way})",
    "signed-out": "signed out",
    "token-created": "created the token for {scopes}, until {expires}",
    "token-revoked": "revoked the token",
    "alias-moved": "saw the alias {alias} move from {before} to {after}",
    "model-registered": "saw the model for the first time",
    "model-vanished": "no longer finds the model in MLflow",
    "demo-built": "built the demo organisation",
    "demo-removed": "removed the demo organisation",
}


def sentence(line: Line, names: dict[str, str]) -> str:
    """What was done; an event of another release is told by its name."""
    values = {name: _value(value, names) for name, value in line.data.items()}
    told = WORDS.get(line.event, line.event.replace("-", " "))
    return told.format_map(defaultdict(lambda: "something unsaid", values))


def references(lines: Iterable[Line]) -> set[str]:
    """Everybody named in ``lines``, for looking up their names at once."""
    found: set[str] = set()
    for line in lines:
        found |= {line.actor, line.subject} | {value for value in line.data.values() if isinstance(value, str)}
    return {one for one in found if one.startswith(("person:", "token:", "system:"))}


def is_entry(subject: str) -> bool:
    """Whether a record's subject is an entry of the catalog, which has a page."""
    kind, _, rest = subject.partition(":")
    return kind in SPECS and "/" in rest


def _value(value: Any, names: dict[str, str]) -> str:
    if isinstance(value, list):
        return ", ".join(_value(one, names) for one in value) or "nothing"
    return names.get(str(value), str(value)) or "nothing"
