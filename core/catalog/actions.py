"""The verbs of the catalog: propose, approve, reject, withdraw, change the lifecycle, wish for what is missing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import not_
from sqlmodel import Session, select

from core.access import policy, queries
from core.access.policy import Actor, Scope
from core.access.tables import Team
from core.activity import events
from core.activity.recording import record
from core.catalog import demand as asking
from core.catalog import documents, merging, sources, storing
from core.catalog.documents import Definition
from core.catalog.kinds import SPECS, Lifecycle
from core.catalog.references import normalise, team_of
from core.catalog.storing import Storable
from core.catalog.tables import Demand, Entry, EntryContent, EntryText, Proposal, Source
from core.catalog.visibility import sees, visible
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound

NEXT: dict[Lifecycle, set[Lifecycle]] = {
    Lifecycle.proposed: {Lifecycle.approved, Lifecycle.retired},
    Lifecycle.approved: {Lifecycle.deprecated, Lifecycle.retired},
    Lifecycle.deprecated: {Lifecycle.approved, Lifecycle.retired},
    Lifecycle.retired: set(),
}
"""Lifecycle → where an entry may go from there."""
NOTE_LENGTH = 2000


def propose(
    session: Session, *, actor: Actor, document: Any, readme: str = "", base_revision: int = 0, note: str = ""
) -> Proposal:
    """Propose a new entry (``base_revision`` 0) or a change to the revision of an entry that the proposer saw.

    The document is validated like a file's. The proposal waits for another person; nothing in the catalog changes.
    """
    definition, entry, changed = _wanted(session, actor, document, readme, base_revision)
    _require_no_other(session, actor, definition)
    proposal = Proposal(
        key=definition.ref.lower(), entry_id=entry.id if entry else None, base_revision=base_revision,
        document=definition.raw, readme=readme, note=_note(note), proposed_by=actor.ref,
    )  # fmt: skip
    session.add(proposal)
    session.flush()
    record(session, actor, events.ChangeProposed(proposal.key, proposal=proposal.id or 0, fields=changed))
    return proposal


def revise(
    session: Session,
    *,
    actor: Actor,
    proposal_id: int,
    document: Any,
    readme: str = "",
    base_revision: int = 0,
    note: str = "",
) -> Proposal:
    """Complete one's own proposal while it waits; document and README are checked as :func:`propose` checks them.

    A new entry may still take another name. Whoever reads the proposal meanwhile is told so when they approve it.
    """
    proposal = _open_proposal(session, proposal_id)
    if actor.ref != proposal.proposed_by:
        raise NotAllowed("Only the proposer revises a proposal.", hint="Reject it and say what would have to change.")
    definition, _, _ = _wanted(session, actor, document, readme, base_revision)
    if proposal.base_revision and definition.ref.lower() != proposal.key:
        raise Invalid(f"Proposal {proposal_id} changes {proposal.key}.", hint="Propose another entry by itself.")
    _require_no_other(session, actor, definition, besides=proposal_id)
    before = merging.fields(proposal.document, proposal.readme)
    changed = merging.changed_fields(before, merging.fields(definition.raw, readme))
    if not changed and _note(note) == proposal.note:
        raise Invalid("Nothing is different from the proposal as it stands.", hint="Change something first.")
    proposal.key, proposal.document, proposal.readme = definition.ref.lower(), definition.raw, readme
    proposal.base_revision, proposal.note, proposal.revision = base_revision, _note(note), proposal.revision + 1
    session.add(proposal)
    session.flush()
    record(session, actor, events.ProposalRevised(proposal.key, proposal_id, proposal.revision, fields=changed))
    return proposal


def _wanted(
    session: Session, actor: Actor, document: Any, readme: str, base_revision: int
) -> tuple[Definition, Entry | None, list[str]]:
    """What is proposed, the entry it would change (if any), and the fields it would change."""
    definition = _valid(document, readme)
    policy.require(actor, "entry.propose", _owner_scope(session, definition))
    entry = _entry_by_key(session, definition.ref.lower())
    if entry is None and base_revision:
        raise NotFound(f"{definition.ref} is not in the catalog.", hint="Propose it as a new entry.")
    return definition, entry, _proposed_fields(session, actor, definition, entry, base_revision)


def _require_no_other(session: Session, actor: Actor, definition: Definition, *, besides: int = 0) -> None:
    mine = (Proposal.state == "submitted", Proposal.proposed_by == actor.ref, Proposal.id != besides)
    waiting = session.exec(select(Proposal.id).where(Proposal.key == definition.ref.lower(), *mine)).first()
    if waiting is not None:
        raise Conflict(f"Your proposal {waiting} for {definition.ref} is still waiting.", hint="Withdraw it first.")


def _proposed_fields(
    session: Session, actor: Actor, definition: Definition, entry: Entry | None, base_revision: int
) -> list[str]:
    wanted = merging.fields(definition.raw, definition.readme)
    if entry is None:
        return sorted(wanted)
    if session.exec(select(Entry.id).where(Entry.id == entry.id, visible(actor))).first() is None:
        raise Conflict(f"The name {definition.ref} is taken.", hint="Choose another name.")
    if not base_revision:
        raise Conflict(f"{definition.ref} is in the catalog already.", hint="Open it and propose a change to it.")
    policy.require(actor, "entry.propose", scope_of(entry))
    _require_not_kept(entry)
    _require_revision(entry, base_revision)
    if entry.kind not in SPECS:
        raise Invalid(f"Entries of kind {entry.kind!r} are kept as imported.", hint="Change it in its source.")
    current = _fields_now(session, entry)
    changed = merging.changed_fields(current, wanted)
    if not changed:
        raise Invalid("Nothing is different from the entry as it stands.", hint="Change something first.")
    return changed


def approve(session: Session, *, actor: Actor, proposal_id: int, revision: int | None = None) -> Entry:
    """Bring a proposal into the catalog, as another person than the proposer who may publish in the owner's scope.

    ``revision`` is the one of the proposal that the approver has read; a later one is not approved unread. A new entry
    that was written as ``proposed`` is in lifecycle ``approved`` from here on: this is its publication.
    """
    proposal = _open_proposal(session, proposal_id)
    if revision is not None and revision != proposal.revision:
        raise Conflict(f"Proposal {proposal_id} was revised while you read it.", hint="Read it again, then decide.")
    definition = _valid(proposal.document, proposal.readme)
    policy.require(actor, "entry.publish", _owner_scope(session, definition))
    _require_seen(session, actor, proposal, definition)
    if actor.ref == proposal.proposed_by:
        raise NotAllowed("Nobody approves their own proposal.", hint="Ask another ML engineer or reviewer.")
    entry = _entry_by_key(session, proposal.key, lock=True)
    if entry is not None:
        policy.require(actor, "entry.publish", scope_of(entry))
        _require_not_kept(entry)
        _require_revision(entry, proposal.base_revision)
        _apply_edit(session, entry, definition)
    else:
        _create(session, _as_published(definition))
    _decide(session, proposal, actor, "approved")
    told = events.ProposalApproved(proposal.key, proposal=proposal_id, proposed_by=proposal.proposed_by)
    record(session, actor, told)
    session.expire_all()
    made = _entry_by_key(session, proposal.key)
    if made is None:
        raise NotFound(f"{proposal.key} did not come into the catalog.")
    return made


def _as_published(definition: Definition) -> Definition:
    spec = definition.raw["spec"]
    if spec.get("lifecycle") != Lifecycle.proposed:
        return definition
    approved = {**definition.raw, "spec": {**spec, "lifecycle": Lifecycle.approved.value}}
    return _valid(approved, definition.readme)


def reject(session: Session, *, actor: Actor, proposal_id: int, reason: str) -> None:
    """Turn a proposal down with a reason the proposer can work with."""
    proposal = _open_proposal(session, proposal_id)
    definition = _valid(proposal.document, proposal.readme)
    policy.require(actor, "entry.publish", _owner_scope(session, definition))
    _require_seen(session, actor, proposal, definition)
    if actor.ref == proposal.proposed_by:
        raise NotAllowed("Nobody decides on their own proposal.", hint="Withdraw it instead.")
    if not reason.strip():
        raise Invalid("A rejection needs a reason.", hint="Say what would have to change.")
    _decide(session, proposal, actor, "rejected", reason)
    told = events.ProposalRejected(
        proposal.key, proposal=proposal_id, proposed_by=proposal.proposed_by, reason=proposal.reason
    )
    record(session, actor, told)


def withdraw(session: Session, *, actor: Actor, proposal_id: int) -> None:
    """Take one's own proposal back."""
    proposal = _open_proposal(session, proposal_id)
    if actor.ref != proposal.proposed_by:
        raise NotAllowed("Only the proposer withdraws a proposal.", hint="Reject it with a reason instead.")
    _decide(session, proposal, actor, "withdrawn")
    record(session, actor, events.ProposalWithdrawn(proposal.key, proposal=proposal_id))


def change_lifecycle(
    session: Session, *, actor: Actor, entry_id: int, to: Lifecycle, revision: int, reason: str, successor: str = ""
) -> None:
    """Publish, deprecate (naming an existing successor), restore or retire an entry."""
    statement = select(Entry).where(Entry.id == entry_id, visible(actor)).with_for_update()
    entry = session.exec(statement.execution_options(populate_existing=True)).first()
    if entry is None:
        raise NotFound(f"No entry {entry_id}.")
    policy.require(actor, "entry.publish", scope_of(entry))
    _require_not_kept(entry)
    _require_revision(entry, revision)
    before = Lifecycle(entry.lifecycle)
    if to not in NEXT[before]:
        possible = ", ".join(sorted(NEXT[before])) or "nothing: it is retired for good"
        raise Conflict(f"{entry.title} is {before}; it cannot become {to}.", hint=f"Possible: {possible}.")
    if not reason.strip():
        raise Invalid("Say why; people who use the entry will read it.")
    document, readme = _content(session, entry)
    wanted = {**document, "spec": dict(document["spec"]) | {"lifecycle": to.value}}
    wanted["spec"].pop("successor", None)
    if to is Lifecycle.deprecated:
        wanted["spec"]["successor"] = _existing_successor(session, actor, entry, successor)
    _apply_edit(session, entry, _valid(wanted, readme))
    told = events.LifecycleChanged(
        entry.key, before=before.value, after=to.value, reason=_note(reason), successor=successor
    )
    record(session, actor, told)


def wish(session: Session, *, actor: Actor, text: str, note: str = "") -> Demand:
    """Ask for an asset that a search did not find; wishes rank the demand backlog."""
    policy.require(actor, "catalog.browse")
    note = _note(note)
    if len(asking.key(text)) < 3 or (demand := asking.ask(session, actor, text, how="wish", note=note)) is None:
        raise Invalid("Say in at least three letters what is missing.")
    demand.note = note or demand.note
    session.add(demand)
    record(session, actor, events.AssetRequested(f"demand:{demand.text}"[:220], wish=demand.text))
    return demand


def add_source(session: Session, *, actor: Actor, location: str) -> Source:
    """Add a git repository whose definitions can be imported; it is not fetched here."""
    policy.require(actor, "admin.sources")
    location = sources.check_location(location)
    if session.exec(select(Source.id).where(Source.location == location)).first() is not None:
        raise Conflict(f"The source {location} is there already.")
    source = Source(location=location, added_by=actor.ref)
    session.add(source)
    session.flush()
    record(session, actor, events.SourceAdded(f"source:{source.id}", location=location))
    return source


def remove_source(session: Session, *, actor: Actor, source_id: int) -> None:
    """Forget a source; entries that came from it stay."""
    policy.require(actor, "admin.sources")
    source = session.get(Source, source_id)
    if source is None:
        raise NotFound(f"No source {source_id}.")
    session.delete(source)
    record(session, actor, events.SourceRemoved(f"source:{source_id}", location=source.location))


def note_import(session: Session, *, source_id: int, outcome: str) -> None:
    """Keep how the last import of a source went, for the sources list."""
    source = session.get(Source, source_id)
    if source is not None:
        source.imported_at, source.outcome = now(), outcome[:2000]
        session.add(source)


def register(session: Session, *, document: dict[str, Any], source: str = merging.INTERFACE, demo: bool = False) -> int:
    """Bring an entry that another package makes (a project's) up to date, or into the catalog; returns its id.

    The caller has asked permission and records what happened: the entry is part of that one change. An entry that came
    from another source is left as it is.
    """
    definition = _valid(document, "")
    entry = _entry_by_key(session, definition.ref.lower())
    if entry is None:
        return _create(session, definition, source=source, demo=demo)
    if entry.source != source:
        raise Conflict(
            f"The name {definition.ref} is taken by an entry from another source.", hint="Choose another name."
        )
    _apply_edit(session, entry, definition)
    return entry.id or 0


def is_kept(entry: Entry) -> bool:
    """Whether a project keeps the entry, so that it is changed on the project's page alone."""
    return entry.source == merging.PROJECT


def scope_of(entry: Entry) -> Scope:
    """Where an entry belongs."""
    return Scope(unit=entry.unit, team=entry.owner)


def _valid(document: Any, readme: str) -> Definition:
    found = documents.define(document, "the proposal", readme=readme)
    flaws = documents.check_readme(readme, "the proposal")
    if isinstance(found, Definition) and not flaws:
        return found
    found = flaws if isinstance(found, Definition) else [*found, *flaws]
    lines = [f"{one.field}: {one.message} {one.hint}".strip() for one in found]
    raise Invalid("The entry is not valid.", hint="\n".join(lines))


def _owner_scope(session: Session, definition: Definition) -> Scope:
    owner = team_of(definition.spec.owner if definition.spec else "")
    team = session.get(Team, owner)
    if team is None or not team.active:
        known = ", ".join(sorted(queries.team_units(session)))
        raise Invalid(f"spec.owner: the team {owner!r} does not exist.", hint=f"Name one of: {known}.")
    return Scope(unit=team.unit_id, team=team.id)


def _entry_by_key(session: Session, key: str, *, lock: bool = False) -> Entry | None:
    statement = select(Entry).where(Entry.key == key)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.exec(statement).first()


def _content(session: Session, entry: Entry) -> tuple[dict[str, Any], str]:
    content, text = session.get(EntryContent, entry.id), session.get(EntryText, entry.id)
    if content is None or text is None:
        raise NotFound(f"{entry.key} has no content.")
    return content.document, text.readme


def _fields_now(session: Session, entry: Entry) -> dict[str, Any]:
    return merging.fields(*_content(session, entry))


def _apply_edit(session: Session, entry: Entry, definition: Definition) -> None:
    content = session.get(EntryContent, entry.id)
    if content is None:
        raise NotFound(f"{entry.key} has no content.")
    document, readme = _content(session, entry)
    merged = merging.edit(document, readme, definition.raw, definition.readme, content.provenance)
    checked = _valid(merged.document, merged.readme)
    unit = _owner_scope(session, checked).unit
    provenance = merged.provenance if entry.source not in (merging.INTERFACE, merging.PROJECT) else {}
    storable = Storable(checked, unit, entry.source, provenance, content.digest, entry.id, entry.demo)
    session.expire_all()
    storing.replace(session, [storable])


def _create(session: Session, definition: Definition, *, source: str = merging.INTERFACE, demo: bool = False) -> int:
    unit = _owner_scope(session, definition).unit
    made = storing.create(session, [Storable(definition, unit, source, {}, definition.digest, demo=demo)])
    return made[definition.ref.lower()]


def _existing_successor(session: Session, actor: Actor, entry: Entry, successor: str) -> str:
    key = normalise(successor, entry.kind) if successor else ""
    found = session.exec(
        select(Entry).where(Entry.key == key, Entry.lifecycle != Lifecycle.retired, visible(actor))
    ).first()
    if found is None or found.id == entry.id:
        raise Invalid(
            f"A deprecated entry names what replaces it; {successor or 'nothing'} is not in the catalog.",
            hint="Give its reference, such as asset:default/drift-statistics.",
        )
    return found.key


def _require_not_kept(entry: Entry) -> None:
    if is_kept(entry):
        raise Conflict(
            f"{entry.title} says what its project says, and changes with it.",
            hint=f"Change the project {entry.name} on its own page.",
        )


def _require_revision(entry: Entry, seen: int) -> None:
    if entry.revision != seen:
        raise Conflict(
            f"{entry.title} was changed meanwhile (revision {entry.revision}, this was made on {seen}).",
            hint="Open it again and repeat the change on what stands there now.",
        )


def _open_proposal(session: Session, proposal_id: int) -> Proposal:
    statement = select(Proposal).where(Proposal.id == proposal_id).with_for_update()
    proposal = session.exec(statement.execution_options(populate_existing=True)).first()
    if proposal is None:
        raise NotFound(f"No proposal {proposal_id}.")
    if proposal.state != "submitted":
        raise Conflict(f"Proposal {proposal_id} is {proposal.state} already.", hint="Reload to see who decided.")
    return proposal


def _require_seen(session: Session, actor: Actor, proposal: Proposal, definition: Definition) -> None:
    """Nobody decides on what they may not read: the entry as it would be, and as it is."""
    scope, classification = _owner_scope(session, definition), definition.spec.classification if definition.spec else ""
    seen = sees(policy.sight(actor), classification, team=scope.team, unit=scope.unit)
    hidden = session.exec(select(Entry.id).where(Entry.key == proposal.key, not_(visible(actor)))).first()
    if (not seen or hidden is not None) and actor.ref != proposal.proposed_by:
        raise NotFound(f"No proposal {proposal.id}.")


def _decide(session: Session, proposal: Proposal, actor: Actor, state: str, reason: str = "") -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor.ref, now()
    proposal.reason = _note(reason)
    session.add(proposal)
    session.flush()


def _note(text: str) -> str:
    text = text.strip()
    if len(text) > NOTE_LENGTH:
        raise Invalid(f"A note takes at most {NOTE_LENGTH} characters; this one has {len(text)}.")
    return "".join(one for one in text if one >= " " or one in "\n\t")
