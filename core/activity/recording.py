"""Writing the log: ``record`` in the transaction of the change, ``seal`` from time to time."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from sqlmodel import Session, col, select

from core import db
from core.access.policy import Actor
from core.activity import chain
from core.activity.events import Event
from core.activity.tables import Activity, Checkpoint
from core.config import data_folder

_LOG_LOCK = 720_316
_log: Any = Activity.__table__  # type: ignore[attr-defined]
_HEAD = select(_log.c.seq, _log.c.at, _log.c.hash).order_by(_log.c.seq.desc()).limit(1)
_INSERT = insert(_log)
KEY = "activity.ed25519"
"""Name of the seal key among the installation's secrets."""
CHECKPOINTS = "checkpoints.jsonl"
"""Name of the file of seals beside it."""


def record(session: Session, actor: Actor, *events: Event) -> None:
    """Append ``events`` to the log, as done by ``actor``, in the transaction of the change they tell of."""
    if not events:
        return
    connection = _in_turn(session)
    seq, at, previous = _head(connection)
    moment = max(_stamp(db.now()), at)  # time never runs backwards in the log
    rows = []
    for event in events:
        seq += 1
        record_ = chain.Record(seq, moment, actor.ref, event.name, event.subject, _data(event), previous)
        previous = chain.record_hash(record_)
        rows.append(record_._asdict() | {"hash": previous})
    connection.execute(_INSERT, rows)


def seal(session: Session) -> Checkpoint | None:
    """Sign the log as it stands; ``None`` when nothing was added since the last checkpoint.

    The checkpoint is also appended to ``keys/checkpoints.jsonl`` in the data folder, outside the store, so that a log
    that was cut off or written anew cannot pass as whole.
    """
    seq, _, hash_ = _head(_in_turn(session))
    sealed = session.exec(select(Checkpoint.seq).order_by(col(Checkpoint.seq).desc())).first() or 0
    if seq <= sealed:
        return None
    folder = data_folder()
    at = _stamp(db.now())
    key = chain.signing_key(db.kept_secret(KEY, chain.new_key))
    public, signature = chain.seal(key, seq, hash_, at)
    made = Checkpoint(seq=seq, hash=hash_, at=at, key=public, signature=signature)
    _append(folder / "keys" / CHECKPOINTS, json.dumps(made.model_dump()))
    session.add(made)
    return made


def _append(path: Path, line: str) -> None:
    """Add a line to a file; what a crash cut short before it stays a line of its own."""
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(f"{line}\n".encode())


def _in_turn(session: Session) -> Connection:
    """The connection of ``session`` once nobody else writes to the log; what the records tell of is written before them."""
    session.flush()
    db.take_turns(session, _LOG_LOCK)
    return session.connection()


def _head(connection: Connection) -> tuple[int, str, str]:
    last = connection.execute(_HEAD).first()
    return (last[0], last[1], last[2]) if last else (0, "", chain.GENESIS)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _data(event: Event) -> str:
    fields = asdict(event)
    del fields["subject"]
    return chain.canonical(fields)
