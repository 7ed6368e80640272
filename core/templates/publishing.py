"""Publishing template versions: read, lint, propose, and a second person who publishes what was reviewed and nothing else.

A version is a snapshot of files, pinned to the commit it came from and to a hash over its content. It never changes:
what is rendered is compared with that hash first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy, queries
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog import actions as catalog
from core.catalog.actions import scope_of
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry, EntryContent
from core.catalog.visibility import visible
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people.notices import tell
from core.projects.actions import line, text
from core.templates import lint, snapshot, states
from core.templates.form import Definition, Finding
from core.templates.questions import define
from core.templates.snapshot import Snapshot
from core.templates.tables import TemplateBlob, TemplateVersion

NOTES_LENGTH = 2000


@dataclass(frozen=True)
class Reading:
    """A template as it was read: its files, its questions, and what the lint says of them."""

    files: Snapshot
    definition: Definition
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings stand against publishing."""
        return sum(one.severity == "error" for one in self.findings)


def read(files: Snapshot) -> Reading:
    """Read and lint a template; raises :class:`Invalid` where its questions cannot be understood. Opens no store."""
    return Reading(files, define(files), tuple(lint.lint(files)))


def propose(
    session: Session,
    *,
    actor: Actor,
    entry_id: int,
    version: str,
    reading: Reading,
    source: str,
    commit: str = "",
    notes: str = "",
    security: bool = False,
) -> TemplateVersion:
    """Propose a version of a template as it was read; another person publishes it."""
    entry = _template(session, actor, entry_id)
    policy.require(actor, "entry.propose", scope_of(entry))
    row = TemplateVersion(
        entry_id=entry_id, version=_new_version(session, entry, version), source=line("source", source, 400),
        commit=commit, notes=text("notes", notes, NOTES_LENGTH), security=security, proposed_by=actor.ref,
    )  # fmt: skip
    fill(session, row, reading)
    session.flush()
    _record_proposal(session, actor, entry, row)
    publishers = queries.who_may(session, "entry.publish", scope_of(entry))
    told = f"{actor.name} proposes version {row.version} of the template {entry.title}."
    tell(session, publishers, subject=entry.key, text=told, except_for=actor)
    return row


def ask_to_read(
    session: Session,
    *,
    actor: Actor,
    entry_id: int,
    version: str,
    location: str,
    ref: str = "",
    folder: str = "",
    notes: str = "",
    security: bool = False,
) -> TemplateVersion:
    """Propose a version that a job reads from a git repository first; see :func:`note_read`."""
    entry = _template(session, actor, entry_id)
    policy.require(actor, "entry.propose", scope_of(entry))
    row = TemplateVersion(
        entry_id=entry_id, version=_new_version(session, entry, version), state="reading",
        source=line("repository", location, 400), ref=ref.strip(), folder=folder.strip().strip("/"),
        notes=text("notes", notes, NOTES_LENGTH), security=security, proposed_by=actor.ref,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def note_read(session: Session, *, version_id: int, reading: Reading, commit: str) -> None:
    """Keep what the job read of a repository; the version waits for a second person from now on."""
    row = _locked(session, version_id)
    if row.state != "reading":
        return
    entry = session.get_one(Entry, row.entry_id)
    row.state, row.commit = "proposed", commit
    fill(session, row, reading)
    _record_proposal(session, policy.system("templates"), entry, row)
    told = (
        f"Version {row.version} of {entry.title} was read, with {reading.errors} errors. Another person publishes it."
    )
    tell(session, [row.proposed_by], subject=entry.key, text=told)


def note_unreadable(session: Session, *, version_id: int, reason: str) -> None:
    """Keep why the job could not read a repository."""
    row = _locked(session, version_id)
    if row.state == "reading":
        row.state, row.failure = "unreadable", reason[:1000]
        session.add(row)
        tell(
            session,
            [row.proposed_by],
            subject=f"template-version:{row.id}",
            text=f"The template could not be read: {reason}",
        )


def publish(session: Session, *, actor: Actor, version_id: int) -> TemplateVersion:
    """Publish a proposed version: by another person than its author, without errors, exactly as it was reviewed."""
    row = _locked(session, version_id)
    entry = _template(session, actor, row.entry_id)
    policy.require(actor, "entry.publish", scope_of(entry))
    _require_proposed(row)
    if actor.ref == row.proposed_by:
        raise NotAllowed("Nobody publishes their own template version.", hint="Ask another ML engineer or reviewer.")
    if wrong := [one for one in row.findings if one["severity"] == "error"]:
        first = wrong[0]
        raise Conflict(
            f"The lint found {len(wrong)} errors, the first in {first['path']}, line {first['line']}: {first['message']}",
            hint="Mend the template and propose it anew.",
        )
    reviewed_files(session, row)
    _decide(row, actor, "published")
    session.add(row)
    _bring_into_catalog(session, entry, row)
    warnings = len(row.findings)
    record(
        session, actor,
        events.TemplatePublished(entry.key, row.version, row.content_hash, row.proposed_by, warnings, row.security),
    )  # fmt: skip
    tell(session, [row.proposed_by], subject=entry.key, text=f"Version {row.version} of {entry.title} is published.")
    return row


def reject(session: Session, *, actor: Actor, version_id: int, reason: str) -> None:
    """Turn a proposed version down; its proposer takes it back the same way, and then needs no reason."""
    row = _locked(session, version_id)
    entry = _template(session, actor, row.entry_id)
    own = actor.ref == row.proposed_by
    if not own:
        policy.require(actor, "entry.publish", scope_of(entry))
    if row.state not in ("proposed", "unreadable"):
        raise Conflict(f"Version {row.version} is {row.state}.", hint="Only what waits can be turned down.")
    reason = text("reason", reason, NOTES_LENGTH)
    if not own and not reason:
        raise Invalid("Say what would have to change.")
    _decide(row, actor, "withdrawn" if own else "rejected", reason)
    session.add(row)
    record(session, actor, events.TemplateRejected(entry.key, row.version, row.proposed_by, reason or "taken back"))
    tell(
        session,
        [row.proposed_by],
        subject=entry.key,
        text=f"Version {row.version} was turned down: {reason}",
        except_for=actor,
    )


def begin(session: Session, *, actor: Actor, document: dict[str, Any]) -> int:
    """Register a new template that waits for its first version; returns the entry's id."""
    document["spec"]["lifecycle"] = Lifecycle.proposed.value
    key = f"template:default/{document['metadata']['name']}".lower()
    if session.exec(select(Entry.id).where(Entry.key == key)).first() is not None:
        raise Conflict(f"A template {key} exists already.", hint="Propose a version of it, or choose another name.")
    entry_id = catalog.register(session, document=document)
    entry = session.get_one(Entry, entry_id)
    policy.require(actor, "entry.propose", scope_of(entry))
    record(session, actor, events.EntryCreated(entry.key, source="interface", version=entry.version))
    return entry_id


def fill(session: Session, row: TemplateVersion, reading: Reading) -> None:
    """Write what was read into a version: the snapshot once, its hash, questions and findings."""
    row.digest = keep(session, reading.files.to_zip())
    row.content_hash, row.form = reading.files.digest, reading.definition.form
    row.definition = reading.definition.to_dict()
    row.findings = [asdict(one) for one in reading.findings]
    session.add(row)


def keep(session: Session, content: bytes) -> str:
    """Keep bytes by their SHA-256, once; returns it."""
    digest = sha256(content).hexdigest()
    if session.get(TemplateBlob, digest) is None:
        session.add(TemplateBlob(digest=digest, content=content))
        session.flush()
    return digest


def reviewed_files(session: Session, row: TemplateVersion) -> Snapshot:
    """The files of a version, compared with the hash that was reviewed."""
    blob = session.get(TemplateBlob, row.digest) if row.digest else None
    if blob is None:
        raise NotFound(f"Version {row.version} has no files.", hint="Propose it anew.")
    files = snapshot.from_zip(blob.content)
    if files.digest != row.content_hash:
        raise Conflict(
            f"The files of version {row.version} are not those that were reviewed.",
            hint="Nothing is rendered from them. Propose the version anew, and look into who changed the store.",
        )
    return files


def _template(session: Session, actor: Actor, entry_id: int) -> Entry:
    entry = session.exec(select(Entry).where(Entry.id == entry_id, Entry.kind == "template", visible(actor))).first()
    if entry is None:
        raise NotFound("No such template.", hint="The list of templates shows all of them.")
    return entry


def _new_version(session: Session, entry: Entry, version: str) -> str:
    version = states.check_version(version.strip())
    taken = select(TemplateVersion.state).where(
        TemplateVersion.entry_id == entry.id, TemplateVersion.version == version,
        col(TemplateVersion.state).in_(("reading", "proposed", "published")),
    )  # fmt: skip
    if (state := session.exec(taken).first()) is not None:
        raise Conflict(f"Version {version} of {entry.title} is {state} already.", hint="Choose the next version.")
    return version


def _record_proposal(session: Session, actor: Actor, entry: Entry, row: TemplateVersion) -> None:
    record(session, actor, events.TemplateProposed(entry.key, row.version, row.source, row.commit, row.content_hash))


def _bring_into_catalog(session: Session, entry: Entry, row: TemplateVersion) -> None:
    document = dict(session.get_one(EntryContent, entry.id).document)
    spec = dict(document["spec"])
    note = {
        "version": row.version,
        "date": (row.decided_at or now()).date().isoformat(),
        "notes": row.notes or f"Published from {row.source}.",
    }
    listed = [one for one in spec.get("versions", []) if one.get("version") != row.version]
    spec |= {"version": row.version, "lifecycle": Lifecycle.approved.value, "versions": [note, *listed]}
    catalog.register(session, document={**document, "spec": spec})


def _locked(session: Session, version_id: int) -> TemplateVersion:
    row = session.get(TemplateVersion, version_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"No template version {version_id}.")
    return row


def _require_proposed(row: TemplateVersion) -> None:
    if row.state != "proposed":
        raise Conflict(f"Version {row.version} is {row.state}.", hint="Only a proposed version is published.")


def _decide(row: TemplateVersion, actor: Actor, state: str, reason: str = "") -> None:
    row.state, row.decided_by, row.decided_at, row.reason = state, actor.ref, now(), reason
