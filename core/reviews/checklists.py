"""Versions of checklists: proposed by one person, published by another, frozen with a hash, ended with a reason.

The checklists of the catalog folder come with the portal's own review, so their versions are published at load.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.activity import chain, events
from core.activity.recording import record
from core.catalog.actions import scope_of
from core.catalog.kinds import ChecklistSpec, Lifecycle
from core.catalog.references import normalise
from core.catalog.tables import Entry, EntryContent
from core.catalog.visibility import visible
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people.notices import tell
from core.projects.actions import line, text
from core.reviews import states
from core.reviews.moving import LARGEST_ID
from core.reviews.tables import ChecklistVersion, ReviewCase

REASON_LENGTH = 2000
VERSION_LENGTH = 40
SHIPPED = "Shipped with the portal."
IMPORTED = "Reviewed where it was imported from."
_TWO_PEOPLE = "Somebody proposes its version in the portal, and another person publishes it."
_SHIPPING_LOCK = 720_319


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical form of a checklist's content, in hexadecimal."""
    return hashlib.sha256(chain.canonical(content).encode()).hexdigest()


def published(session: Session, checklist: str | int) -> ChecklistVersion:
    """The newest published version of a checklist, by its reference or the id of its entry."""
    where: Any = Entry.id == checklist if isinstance(checklist, int) else Entry.key == normalise(checklist, "checklist")
    versions = select(ChecklistVersion).join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
    newest = versions.where(where, ChecklistVersion.state == "published").order_by(col(ChecklistVersion.id).desc())
    found = session.exec(newest.limit(1)).first()
    if found is None:
        raise NotFound(
            f"No published checklist {str(checklist)[:80]!r}.", hint="A reviewer publishes a version of it first."
        )
    return found


def ship(session: Session, actor: Actor) -> list[str]:
    """Publish the versions of approved checklists from the catalog folder that are not there yet; returns what is refused.

    Refused is content that changed while its version did not. What a person edited in the portal is no longer the
    folder's: it is proposed and published by two people like any other version.
    """
    db.take_turns(session, _SHIPPING_LOCK)
    found = session.exec(_definitions().where(Entry.source == "file", Entry.lifecycle == Lifecycle.approved))
    shipped = [(entry, content) for entry, content in found.all() if not _is_edited(content)]
    return [problem for entry, content in shipped if (problem := _release(session, actor, entry, content, SHIPPED))]


def release(session: Session, *, actor: Actor, checklist: str) -> ChecklistVersion:
    """Publish what the catalog has of an imported checklist, by its reference: it was reviewed where it comes from.

    Only the portal's operator may, who says so by doing it; what was written or edited in the portal takes two people.
    """
    if actor.kind != "system":
        raise NotAllowed("Only the portal's operator releases an imported checklist.", hint=_TWO_PEOPLE)
    db.take_turns(session, _SHIPPING_LOCK)
    key = normalise(checklist, "checklist")
    found = session.exec(_definitions().where(Entry.key == key)).first()
    if found is None:
        raise NotFound(f"No checklist {checklist[:80]!r} in the catalog.", hint="Load or import it first.")
    entry, content = found
    if entry.source != "file" and not entry.source.startswith("import:"):
        raise NotAllowed(f"{entry.title} was written in the portal.", hint=_TWO_PEOPLE)
    if _is_edited(content):
        raise NotAllowed(f"{entry.title} was edited in the portal.", hint=_TWO_PEOPLE)
    if problem := _release(session, actor, entry, content, IMPORTED):
        raise Conflict(problem, hint="A version never changes: give it the next version in its source.")
    made: ChecklistVersion = session.exec(_version(entry.id or 0, entry.version)).one()
    return made


def _definitions() -> Any:
    joined = select(Entry, EntryContent).join(EntryContent, col(EntryContent.entry_id) == Entry.id)
    return joined.where(Entry.kind == "checklist").order_by(col(Entry.key))


def _is_edited(content: EntryContent) -> bool:
    return any(path.startswith("spec.") for path in content.provenance)


def _release(session: Session, actor: Actor, entry: Entry, content: EntryContent, reason: str) -> str:
    """Publish the entry's version unless it is there; why that is refused, or nothing."""
    spec = content.document["spec"]
    digest = content_hash(spec)
    there = session.exec(_version(entry.id or 0, entry.version)).first()
    if there is not None:
        same = there.content_hash == digest
        return "" if same else f"{entry.key}: its content changed, its version {entry.version} did not"
    if len(entry.version) > VERSION_LENGTH:
        return f"{entry.key}: a version of a checklist has at most {VERSION_LENGTH} characters"
    made = ChecklistVersion(
        entry_id=entry.id or 0, version=entry.version, content_hash=digest, content=spec, state="published",
        authored_by=actor.ref, published_by=actor.ref, published_at=now(), reason=reason,
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(session, actor, events.ChecklistPublished(entry.key, made.version, digest, actor.ref))
    return ""


def propose(
    session: Session,
    *,
    actor: Actor,
    entry_id: int,
    version: str = "",
    content: Mapping[str, Any] | None = None,
    reason: str = "",
) -> ChecklistVersion:
    """Propose a version of a checklist; another person publishes it.

    ``content`` is a ``spec`` by the names in YAML. Without one it is what the catalog has now, under its own version.
    """
    entry = _checklist(session, actor, entry_id)
    policy.require(actor, "checklist.author", scope_of(entry))
    if actor.kind != "person":
        raise NotAllowed(f"{actor.name} proposes no checklist.", hint="A person answers for what it asks.")
    version = line("version", version or entry.version, VERSION_LENGTH)
    given = content if content is not None else session.get_one(EntryContent, entry_id).document["spec"]
    cleaned = _valid({**given, "version": version})
    if session.exec(_version(entry_id, version)).first() is not None:
        raise Conflict(f"Version {version} of {entry.title} is there already.", hint="Give it the next version.")
    made = ChecklistVersion(
        entry_id=entry_id, version=version, content_hash=content_hash(cleaned), content=cleaned, authored_by=actor.ref,
        reason=text("reason", reason, REASON_LENGTH),
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(session, actor, events.ChecklistProposed(entry.key, version, made.content_hash))
    publishers = queries.who_may(session, "checklist.publish", scope_of(entry))
    told = f"{actor.name} proposes version {version} of the checklist {entry.title}."
    tell(session, publishers, subject=entry.key, text=told, except_for=actor)
    return made


def publish(session: Session, *, actor: Actor, version_id: int) -> ChecklistVersion:
    """Publish a proposed version, as another person than its author; cases that are open keep the version they have.

    :func:`core.reviews.impact.impact` tells beforehand whom it concerns.
    """
    row, entry = _locked(session, actor, version_id)
    if row.state != "proposed":
        raise Conflict(
            f"Version {row.version} of {entry.title} is {row.state}.", hint="Only a proposed one is published."
        )
    if actor.kind != "person":
        raise NotAllowed(f"{actor.name} publishes no checklist that a person wrote.", hint="Ask a person who may.")
    if row.authored_by == actor.ref:
        raise NotAllowed("Nobody publishes what they wrote.", hint="Ask another reviewer or validator.")
    row.state, row.published_by, row.published_at = "published", actor.ref, now()
    session.add(row)
    session.flush()
    record(session, actor, events.ChecklistPublished(entry.key, row.version, row.content_hash, row.authored_by))
    tell(session, [row.authored_by], subject=entry.key, text=f"Version {row.version} of {entry.title} is published.")
    return row


_ENDS = {"reject": ("proposed", "rejected"), "deprecate": ("published", "deprecated"), "withdraw": ("", "withdrawn")}


def end(session: Session, *, actor: Actor, version_id: int, how: str, reason: str) -> list[int]:
    """``reject`` a proposed version, ``deprecate`` a published one, or ``withdraw`` one that is wrong, with a reason.

    Returns the cases that a withdrawal concerns: whoever withdraws it has them suspended.
    """
    row, entry = _locked(session, actor, version_id)
    needed, after = _ENDS[how]
    if row.state != needed and not (how == "withdraw" and row.state in ("published", "deprecated")):
        raise Conflict(f"Version {row.version} of {entry.title} is {row.state}.", hint=f"It cannot be {after} now.")
    reason = text("reason", reason, REASON_LENGTH)
    if not reason:
        raise Invalid("Ending a version needs a reason.", hint="Say what is wrong with it.")
    row.state, row.reason = after, reason
    session.add(row)
    session.flush()
    record(session, actor, events.ChecklistEnded(entry.key, row.version, after, reason))
    tell(session, [row.authored_by], subject=entry.key, text=f"Version {row.version} of {entry.title} is {after}: {reason}", except_for=actor)  # fmt: skip
    return cases_on(session, version_id) if how == "withdraw" else []


def cases_on(session: Session, version_id: int) -> list[int]:
    """The cases that rest on a version and are approved: whoever withdraws it has them suspended."""
    return _cases(session, version_id, states.APPROVED)


def open_on(session: Session, version_id: int) -> list[int]:
    """The cases in which a version is still being answered or reviewed, for a withdrawal to warn of."""
    return _cases(session, version_id, states.OPEN)


def _cases(session: Session, version_id: int, wanted: tuple[str, ...]) -> list[int]:
    found = select(ReviewCase.id).where(ReviewCase.checklist_id == version_id, col(ReviewCase.state).in_(wanted))
    return [one for one in session.exec(found.order_by(col(ReviewCase.id))) if one is not None]


def _valid(content: Mapping[str, Any]) -> dict[str, Any]:
    try:
        ChecklistSpec.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(
            f"The checklist is not well formed at {where}: {first['msg']}.", hint="Correct it there."
        ) from error
    return dict(content)


def _version(entry_id: int, version: str) -> Any:
    return select(ChecklistVersion).where(ChecklistVersion.entry_id == entry_id, ChecklistVersion.version == version)


def _checklist(session: Session, actor: Actor, entry_id: int) -> Entry:
    found = session.exec(select(Entry).where(Entry.id == entry_id, Entry.kind == "checklist", visible(actor))).first()
    if found is None:
        raise NotFound("No such checklist.", hint="The catalog lists those that you may see.")
    return found


def _locked(session: Session, actor: Actor, version_id: int) -> tuple[ChecklistVersion, Entry]:
    wanted = select(ChecklistVersion).where(ChecklistVersion.id == version_id).with_for_update()
    found = wanted.execution_options(populate_existing=True)
    row = session.exec(found).first() if 0 < version_id <= LARGEST_ID else None
    if row is None:
        raise NotFound("No such version of a checklist.", hint="The checklist's page lists its versions.")
    entry = _checklist(session, actor, row.entry_id)
    policy.require(actor, "checklist.publish", scope_of(entry))
    return row, entry
