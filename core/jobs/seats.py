"""The seat of a process that runs jobs: a name that one living process has, and that its successor gets.

DBOS finds the work that a process left undone by the name that the process ran it under, at the next start under the
same name. Were that name the same for all, a second worker that starts would also run what the first is at. So each
process takes the first seat that is free, holds it by a lock that ends with it, and finds what was left undone there.
"""

from __future__ import annotations

from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from itertools import count
from threading import Event, Thread
from typing import IO

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from core.config import data_folder, settings

RENEWAL_SECONDS = 5.0
_LOCKS = 720_318
"""The first key of every seat's lock on PostgreSQL; the second is its number."""


class Seat:
    """The first seat that was free, this process's until it leaves or ends."""

    def __init__(self) -> None:
        self._holder = _Session() if settings().database_url else _File()
        number = next(one for one in count() if self._holder.take(one))
        self.name = f"local-{number}" if number else "local"  # the first is DBOS's own name for the only one there is

    def leave(self) -> None:
        """Make the seat free."""
        self._holder.give_up()


class _File:
    """Holds a seat beside the SQLite store: the lock of an open file."""

    def take(self, number: int) -> bool:
        self._file: IO[bytes] = (data_folder() / f"jobs-{number}.lock").open("ab")
        try:
            flock(self._file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            self._file.close()
            return False
        return True

    def give_up(self) -> None:
        self._file.close()


class _Session:
    """Holds a seat on PostgreSQL: a lock of a session, taken once more by the next one when the server starts again."""

    def __init__(self) -> None:
        engine = create_engine(settings().sqlalchemy_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection = engine.connect()
        self._left = Event()

    def take(self, number: int) -> bool:
        if not self._lock(number):
            return False
        self._renewing = Thread(target=self._renew, args=(number,), name="seat", daemon=True)
        self._renewing.start()
        return True

    def give_up(self) -> None:
        self._left.set()
        self._renewing.join()
        self._connection.close()

    def _lock(self, number: int) -> bool:
        asked = text("SELECT pg_try_advisory_lock(:locks, :number)")
        return bool(self._connection.execute(asked, {"locks": _LOCKS, "number": number}).scalar())

    def _renew(self, number: int) -> None:
        while not self._left.wait(RENEWAL_SECONDS):
            with suppress(DBAPIError):
                self._connection.rollback()  # which a connection that was lost asks for before it is made anew
                self._lock(number)
