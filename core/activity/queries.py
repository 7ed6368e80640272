"""Reading, exporting and verifying the log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import chain
from core.activity.recording import CHECKPOINTS, KEY
from core.activity.tables import Activity, Checkpoint
from core.config import data_folder
from core.errors import Invalid

_COLUMNS: tuple[Any, ...] = (
    Activity.seq, Activity.at, Activity.actor, Activity.event, Activity.subject, Activity.data, Activity.previous,
    Activity.hash,
)  # fmt: skip
_CHECKPOINT = b'{"checkpoint":'
MOST_COUNTED = 10_000
"""So many records are counted and paged for those from whom some are hidden: older ones are found with the filters."""


Seen = Sequence[ColumnElement[bool]] | None
"""The conditions under which an actor sees a record: from :mod:`core.reviews.readable`, because the log itself knows of
nobody's sight. Without them everybody but the portal itself reads what they did themselves, and nothing else."""


@dataclass(frozen=True)
class Line:
    """One record of the log for reading."""

    seq: int
    at: datetime
    actor: str
    event: str
    subject: str
    data: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class History:
    """A page of the log, newest first."""

    items: list[Line]
    total: int
    """How many there are; where some may be hidden from the reader, counted up to :data:`MOST_COUNTED`."""
    is_cut: bool = False
    """Whether there may be more than were counted."""


def history(
    session: Session,
    actor: Actor,
    *,
    subject: str = "",
    event: str = "",
    by: str = "",
    page: int = 1,
    size: int = 50,
    seen: Seen = None,
) -> History:
    """The log as ``actor`` may read it: what of it they may see with a role for the whole organisation, else what they did
    themselves.

    What happened to one thing is :func:`object_history`'s: everybody who sees a thing, or whose role reaches it, reads
    that where the thing is shown.
    """
    policy.require_anywhere(actor, "activity.read")
    where = [*_where(actor, subject, event, by), *_within(actor, seen)]
    newest = select(*_COLUMNS).where(*where).order_by(col(Activity.seq).desc())
    rows = session.execute(newest.limit(size).offset((page - 1) * size))
    # a whole log is counted in its index, but what is seen of it record by record
    counted = select(Activity.seq).where(*where)
    counted = counted.order_by(col(Activity.seq).desc()).limit(MOST_COUNTED) if seen else counted
    total = session.execute(select(func.count()).select_from(counted.subquery())).scalar_one()
    return History([_line(row) for row in rows], total, is_cut=bool(seen) and total == MOST_COUNTED)


def object_history(session: Session, actor: Actor, subject: str, *, limit: int = 100, seen: Seen = None) -> list[Line]:
    """What happened to one object that ``actor`` may see (the caller has checked that), newest first."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        select(*_COLUMNS)
        .where(col(Activity.subject).in_({subject, subject.lower()}), *_within(actor, seen))
        .order_by(col(Activity.seq).desc())
        .limit(limit)
    )
    return [_line(row) for row in rows]


def length(session: Session, actor: Actor) -> int:
    """How many records the whole log has, which an export writes."""
    policy.require(actor, "activity.verify")
    return int(session.execute(select(func.count()).select_from(Activity)).scalar_one())


def since(session: Session, seq: int, *, limit: int = 500) -> list[Line]:
    """The records after ``seq``, oldest first: how another part of the portal follows what happens."""
    rows = session.execute(select(*_COLUMNS).where(col(Activity.seq) > seq).order_by(col(Activity.seq)).limit(limit))
    return [_line(row) for row in rows]


def export(session: Session, actor: Actor) -> Iterator[str]:
    """The whole log and its checkpoints as JSON lines, which :mod:`core.activity.chain` can verify without the store."""
    policy.require(actor, "activity.verify")
    for row in session.execute(select(*_COLUMNS).order_by(col(Activity.seq)).execution_options(yield_per=2000)):
        yield chain.canonical(dict(row._mapping)) + "\n"
    for checkpoint in session.exec(select(Checkpoint).order_by(col(Checkpoint.seq))):
        yield chain.canonical({"checkpoint": checkpoint.model_dump()}) + "\n"


@dataclass(frozen=True)
class Verification:
    """What :func:`verify` found: the log is intact, broken at a record, or truncated against a checkpoint."""

    state: Literal["intact", "broken", "truncated"]
    records: int
    sealed_to: int
    record: int | None = None
    reason: str = ""
    keys: tuple[str, ...] = ()
    """Fingerprints of the keys that sealed it: whoever writes a log anew can seal it too, but with a key of their own."""
    remarks: tuple[str, ...] = ()
    """What does no harm and should be known."""


def verify(session: Session, actor: Actor, *, keys: Iterable[str] = ()) -> Verification:
    """Read the whole log in bounded memory and compare it with its hashes and its checkpoints.

    The portal's own keys may have sealed it, or, where any are given, those with the fingerprints ``keys`` and no other.
    """
    policy.require(actor, "activity.verify")
    kept, remarks = _kept_checkpoints()
    insisted = frozenset(keys)
    rows = session.execute(select(*_COLUMNS).order_by(col(Activity.seq)).execution_options(yield_per=5000))
    with closing(rows):
        found = _compare(rows, _checkpoints(session, kept), insisted or _own_keys(kept), insist=bool(insisted))
    return replace(found, remarks=remarks)


def verify_export(path: Path, *, keys: Iterable[str] = ()) -> Verification:
    """Compare an exported log with its hashes and the checkpoints in it, in bounded memory and without the store.

    With ``keys``, at least one checkpoint must be there, and a key with one of these fingerprints must have signed each.
    """
    insisted = frozenset(keys)
    try:
        return _compare(_exported_records(path), _exported_checkpoints(path), insisted, insist=bool(insisted))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", hint="Name a file that an export wrote.") from error
    except _LineError as error:
        return Verification("broken", 0, 0, error.number, "its line is not as an export writes it")


def _compare(
    rows: Iterable[Any], checkpoints: dict[int, list[dict[str, Any]]], keys: frozenset[str], *, insist: bool
) -> Verification:
    previous, expected, sealed_to, last_at = chain.GENESIS, 1, 0, ""
    signers: dict[str, None] = {}

    def told(
        state: Literal["intact", "broken", "truncated"], record: int | None = None, reason: str = ""
    ) -> Verification:
        return Verification(state, expected - 1, sealed_to, record, reason, tuple(signers))

    for row in rows:
        seals = checkpoints.get(row.seq, [])
        reason = _flaw(row, expected, previous, last_at) or _seal_flaw(seals, row.hash, keys, insist)
        if reason:
            return told("broken", row.seq, reason)
        if seals:
            sealed_to = row.seq
            signers |= dict.fromkeys(chain.fingerprint(seal["key"]) for seal in seals)
        previous, expected, last_at = row.hash, expected + 1, row.at
    if beyond := [seq for seq in checkpoints if seq >= expected]:
        return told("truncated", expected, f"a checkpoint seals {max(beyond)} records; {expected - 1} are here")
    if insist and not signers:
        return told("broken", 1, "nothing is sealed with the key that was asked for")
    return told("intact")


def _flaw(row: Any, expected: int, previous: str, last_at: str) -> str:
    if row.seq != expected:
        return f"record {expected} is missing"
    if row.previous != previous:
        return "it does not follow from the record before it"
    if row.at < last_at:
        return "its time lies before that of the record before it"
    if chain.record_hash(chain.Record(*row[:7])) != row.hash:
        return "its content does not match its hash"
    return ""


def _seal_flaw(seals: list[dict[str, Any]], hash_: str, keys: frozenset[str], insist: bool) -> str:
    for seal in seals:
        if not chain.seal_holds(seal["key"], seal["signature"], seal["seq"], seal["hash"], seal["at"]):
            return "the signature of its checkpoint does not hold"
        if keys and (used := chain.fingerprint(seal["key"])) not in keys:
            whose = "the one that was asked for" if insist else "this portal's"
            return f"its checkpoint was signed with a key that is not {whose}: {used}"
        if seal["hash"] != hash_:
            return "it differs from what was sealed in a checkpoint"
    return ""


def _checkpoints(session: Session, kept: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Checkpoints from the store and from the file beside it, which outlives a store that was written anew."""
    found: dict[int, list[dict[str, Any]]] = {}
    for one in [*(row.model_dump() for row in session.exec(select(Checkpoint))), *kept]:
        found.setdefault(one["seq"], []).append(one)
    return found


def _own_keys(kept: list[dict[str, Any]]) -> frozenset[str]:
    """The keys this portal has sealed with, known from outside the store; none on a machine without its keys."""
    path = data_folder() / "keys" / KEY
    own = {chain.public_key(chain.signing_key(path.read_bytes()))} if path.exists() else set()
    return frozenset(chain.fingerprint(one) for one in own | {one["key"] for one in kept})


def _kept_checkpoints() -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The seals in the file beside the store, and a remark on every line that is none."""
    path = data_folder() / "keys" / CHECKPOINTS
    kept, remarks = [], []
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else [], 1):
        if one := _kept_checkpoint(line):
            kept.append(one)
        else:
            remarks.append(f"line {number} of keys/{CHECKPOINTS} was cut short, by a crash perhaps, and seals nothing")
    return kept, tuple(remarks)


def _kept_checkpoint(line: bytes) -> dict[str, Any] | None:
    try:
        one = json.loads(line)
        if isinstance(one, dict) and _has(one, Checkpoint.model_fields):
            bytes.fromhex(one["key"])
            return one
    except (ValueError, RecursionError):
        pass
    return None


class _Exported(NamedTuple):
    """A record as :func:`export` writes it, in the order of ``_COLUMNS``."""

    seq: int
    at: str
    actor: str
    event: str
    subject: str
    data: str
    previous: str
    hash: str


class _LineError(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _exported_records(path: Path) -> Iterator[_Exported]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.startswith(_CHECKPOINT):
                found = _exported_line(line, number)
                if not _has(found, _Exported._fields):
                    raise _LineError(number)
                yield _Exported(**found)


def _exported_checkpoints(path: Path) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.startswith(_CHECKPOINT):
                one = _exported_line(line, number)["checkpoint"]
                if not isinstance(one, dict) or not _has(one, Checkpoint.model_fields):
                    raise _LineError(number)
                found.setdefault(one["seq"], []).append(one)
    return found


def _has(found: dict[str, Any], names: Iterable[str]) -> bool:
    """Whether ``found`` has exactly these fields: ``seq`` a number, all others texts."""
    return found.keys() == set(names) and all(
        isinstance(value, int if name == "seq" else str) for name, value in found.items()
    )


def _exported_line(line: bytes, number: int) -> dict[str, Any]:
    """What stands in a line, which must be canonical to the byte: nothing can be changed in it unnoticed."""
    try:
        found = json.loads(line)
        if isinstance(found, dict) and chain.canonical(found).encode() + b"\n" == line:
            return found
    except (ValueError, RecursionError):
        pass
    raise _LineError(number)


def _within(actor: Actor, seen: Seen) -> list[ColumnElement[bool]]:
    if seen is None and actor.kind != "system":
        return [col(Activity.actor) == actor.ref]
    return list(seen or ())


def _where(actor: Actor, subject: str, event: str, by: str) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if not policy.may(actor, "activity.verify"):
        where.append(col(Activity.actor) == actor.ref)
    if subject:
        where.append(col(Activity.subject).icontains(subject, autoescape=True))
    if event:
        where.append(col(Activity.event) == event)
    if by:
        where.append(col(Activity.actor) == by)
    return where


def _line(row: Any) -> Line:
    return Line(
        row.seq, datetime.fromisoformat(row.at), row.actor, row.event, row.subject, json.loads(row.data), row.hash
    )
