"""The store: SQLite in the data folder, or PostgreSQL by URL; one way to read and one way to write.

``reading()`` and ``writing()`` are opened by edges only. A writing block is one transaction: it commits when the block
is left without an error and keeps nothing otherwise. Never call ``st.rerun`` or the network inside it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import IO, Any, TypeVar

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from core.config import ROOT, data_folder, settings
from core.errors import Conflict, Invalid, PortalError, Unavailable

T = TypeVar("T")

_turn = Lock()
BUSY_TIMEOUT_MS = 30_000
POSTGRESQL_OPTIONS = (
    "timezone=utc",
    "jit=off",  # compiling a search takes longer than running it
    "random_page_cost=1.1",  # the store fits in memory
    "plan_cache_mode=force_custom_plan",  # a plan for any words at all is a bad plan for these
)
SEARCH_TABLES = ("entry_search", "entry_trigram")  # virtual tables of SQLite, and their shadows, unknown to the models


def now() -> datetime:
    """The present moment, aware, in UTC: the only kind of time in the store."""
    return datetime.now(UTC)


@cache
def engine() -> Engine:
    """The process's engine for the configured store; its data folder is created on first use, for its owner alone."""
    chosen = settings()
    if chosen.database_url:
        return create_engine(
            chosen.sqlalchemy_url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=20,
            connect_args={"connect_timeout": 5, "options": " ".join(f"-c {one}" for one in POSTGRESQL_OPTIONS)},
        )
    data_folder()
    made = create_engine(
        chosen.sqlalchemy_url,
        hide_parameters=True,  # they hold names, addresses and digests, which no log needs
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(made, "connect", _prepare_sqlite)
    event.listen(made, "begin", _begin_sqlite)
    return made


def kept_secret(name: str, make: Callable[[], bytes]) -> bytes:
    """A secret of this installation: ``keys/<name>`` in the data folder, made on first use, for its owner alone.

    Of two processes that make it at once one wins, and both get the winner's: the file appears whole or not at all.
    """
    path: Path = data_folder() / "keys" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True, mode=0o700)
        draft = path.with_name(f"{name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event opens transactions, not the driver
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "recursive_triggers=ON",  # without it INSERT OR REPLACE would slip past the activity log's triggers
        "cache_size=-65536",
        "mmap_size=268435456",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writing_block = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing_block else "BEGIN")


@contextmanager
def reading() -> Iterator[Session]:
    """A session for queries; whatever is changed in it is thrown away."""
    with _translated(), Session(engine(), expire_on_commit=False, autoflush=False) as session:
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """A session whose changes are kept together when the block ends well, and not at all when it does not."""
    with _translated(), _own_turn(), Session(engine(), expire_on_commit=False) as session:
        session.connection(execution_options={"writing": True})
        yield session
        session.commit()


@contextmanager
def _own_turn() -> Iterator[None]:
    """On SQLite, let the writers of this process wait in a line: SQLite would let each sleep and look again, for longer
    and longer, while others overtake it."""
    if settings().database_url:
        yield
        return
    if not _turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
        raise Conflict("The store is busy with another change.", hint="Try again in a moment.")
    try:
        yield
    finally:
        _turn.release()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PortalError:
        raise
    except PoolTimeout as error:
        raise Unavailable("The portal is too busy to answer.", hint="Try again in a moment.") from error
    except DBAPIError as error:
        if (refusal := _explained(error)) is None:
            raise
        raise refusal from error


def _explained(error: DBAPIError) -> PortalError | None:
    reason, state = str(error.orig), getattr(error.orig, "sqlstate", None)
    if state == "42P01" or "no such table" in reason:
        return Unavailable("The store has not been set up.", hint="Run `python -m core migrate` and try again.")
    if state == "23505" or "UNIQUE constraint failed" in reason:
        return Conflict("Somebody else made the same change first.", hint="Look at what stands there now.")
    if state in ("40001", "40P01") or "locked" in reason:
        return Conflict("The store is busy with another change.", hint="Try again in a moment.")
    if isinstance(error, DataError):
        return Invalid(
            "The database cannot hold one of these values.", hint="Remove NUL characters and overlong numbers."
        )
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return Unavailable("The database does not answer.", hint="Nothing was changed. Try again in a moment.")
    return None


def take_turns(session: Session, lock: int) -> None:
    """Let the transactions that name this ``lock`` run one after the other, as on SQLite all writers do."""
    if not is_sqlite(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def keep_plans(session: Session) -> None:
    """Let PostgreSQL plan the statements of this transaction once for all: for those that are asked often, and whose best
    plan is the same whatever they ask for. Planning takes longer than running them."""
    if not is_sqlite(session):
        session.connection().exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")


def is_sqlite(session: Session | Connection) -> bool:
    """Whether the store behind ``session`` is SQLite (the other one is PostgreSQL)."""
    bind = session.get_bind() if isinstance(session, Session) else session
    return bind.dialect.name == "sqlite"


def batches(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """``items`` in lists of at most ``size``: for IN clauses and bulk statements."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


# --- migrations ------------------------------------------------------------------------------------------------------


def migrate() -> tuple[str | None, str | None]:
    """Bring the store to the newest revision; returns the revision before and after.

    Processes that start together on one store do it one after the other, each waiting until the one before is done. A
    store that is newer than the code is refused and left as it is.
    """
    with _translated(), _nobody_else_migrating(), engine().connect() as connection:
        before = _revision(connection)
        if before == _revisions()[-1]:
            return before, before  # as at every start but the first: nothing to do, and no Alembic to import
        _refuse_newer(before)
        connection.rollback()
        connection.execution_options(writing=True)  # what is read from here on stays true until it is written
        from alembic import command

        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        return before, _revision(connection)


@contextmanager
def _nobody_else_migrating() -> Iterator[None]:
    """Wait for this store's turn: of processes that hold a store in this block there is one."""
    if settings().database_url:
        with engine().connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(720315)"))
            connection.commit()
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(720315)"))
                connection.commit()
        return
    # not a lock of SQLite: of two connections that switch a new file to WAL at once, one is refused without waiting
    with _lock_file() as file:
        flock(file, LOCK_EX)  # given up when the file is closed, and so by a process that is killed
        yield


def _lock_file() -> IO[bytes]:
    path = data_folder() / "migrate.lock"
    try:
        return path.open("ab")
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}.", hint="Set PORTAL_DATA to a folder this user may write."
        ) from error


def require_current() -> None:
    """Refuse to serve from a store whose revision is not the code's."""
    with _translated(), engine().connect() as connection:
        revision = _revision(connection)
        _refuse_newer(revision)
        if revision != _revisions()[-1]:
            raise Unavailable("The store is older than the code.", hint="Run `python -m core migrate`.")


def alembic_config() -> Any:
    """Alembic's configuration, made here instead of in a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "core" / "migrations"))
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    value = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(value) if value else None


def _revisions() -> list[str]:
    """Every revision this version knows, oldest first: the numbers that the migrations' file names start with."""
    folder = ROOT / "core" / "migrations" / "versions"
    return sorted(path.stem.partition("_")[0] for path in folder.glob("[0-9]*_*.py"))


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in _revisions():
        raise Conflict(
            f"The store is at revision {revision}, which this version of the portal does not know: it is newer.",
            hint="Start the newer portal, or restore a backup made with this version. Nothing was changed.",
        )
