"""Files that people upload as evidence: checked by their bytes, kept under their SHA-256, verified when they are read.

They lie in the folder ``evidence`` of the data folder, or where ``PORTAL_EVIDENCE_URL`` says, in any store that fsspec
reaches. One file is kept once, however often it was uploaded; nothing is ever overwritten.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.config import data_folder, settings
from core.errors import Conflict, Invalid, NotFound, PortalError, Unavailable
from core.evidence import media
from core.evidence.tables import EvidenceFile

MB = 1_000_000
FILES = 200
"""Files of one subject."""


def upload(session: Session, *, actor: Actor, subject: str, name: str, data: bytes) -> EvidenceFile:
    """Keep an uploaded file as evidence for ``subject``, such as ``case:12``; the same file again is the same row.

    The caller has seen to it that ``actor`` may add to that subject, as :func:`core.reviews.answering.upload` does, and its
    edge has given the bytes to :func:`put` before the transaction, which then finds them in the store. Raises :class:`Invalid` where the file is too large,
    of a kind that is not taken, or dangerous.
    """
    policy.require_anywhere(actor, "case.answer")
    sha256, media_type = put(data)
    shown = media.file_name(name, media_type)
    of_subject = select(EvidenceFile).where(EvidenceFile.subject == subject)
    there = session.exec(of_subject.where(EvidenceFile.name == shown, EvidenceFile.sha256 == sha256)).first()
    if there is not None:
        return there
    count = session.exec(select(func.count()).select_from(of_subject.subquery())).one()
    if count >= FILES:
        raise Conflict(f"{subject} has {count} files already.", hint="Put several into one archive.")
    kept = EvidenceFile(
        subject=subject, name=shown, sha256=sha256, size=len(data), media_type=media_type, uploaded_by=actor.ref
    )
    session.add(kept)
    session.flush()
    event = events.EvidenceUploaded(subject, file=shown, sha256=sha256, size=len(data), media_type=media_type)
    record(session, actor, event)
    return kept


def put(data: bytes) -> tuple[str, str]:
    """Check ``data`` and keep it in the store unless it is there; returns its SHA-256 and its media type.

    It appears whole or not at all: it is written under another name first.
    """
    most = settings().evidence_upload_mb
    if len(data) > most * MB:
        raise Invalid(f"The file is larger than {most} MB.", hint="Leave out what is not evidence, or link to it.")
    media_type, sha256 = media.type_of(data), hashlib.sha256(data).hexdigest()
    with _store() as (store, folder):
        path = _path(folder, sha256)
        if not (store.exists(path) and store.size(path) == len(data)):
            draft = f"{path}.{secrets.token_hex(8)}"
            store.makedirs(path.rpartition("/")[0], exist_ok=True)
            try:
                store.pipe_file(draft, data)
                store.mv(draft, path)
            finally:
                with suppress(OSError):
                    if store.exists(draft):
                        store.rm_file(draft)
    return sha256, media_type


def read(session: Session, file: EvidenceFile) -> bytes:
    """The bytes of an uploaded file; raises :class:`Conflict` where they are no longer those that were uploaded."""
    known = session.get(EvidenceFile, file.id)
    if known is None:
        raise NotFound(f"There is no uploaded file {file.name}.")
    with _store() as (store, folder):
        try:
            with store.open(_path(folder, known.sha256), "rb") as opened:
                data: bytes = opened.read(known.size + 1)
        except FileNotFoundError:
            raise NotFound(
                f"The bytes of {known.name} are gone from the store of evidence.", code="evidence-gone",
                hint="Restore them from a backup: the file is named by its SHA-256.",
            ) from None  # fmt: skip
    if hashlib.sha256(data).hexdigest() != known.sha256:
        raise Conflict(
            f"{known.name} is no longer the file that was uploaded: its SHA-256 differs.", code="evidence-altered",
            hint="Restore it from a backup: the file is named by its SHA-256.",
        )  # fmt: skip
    return data


@contextmanager
def _store() -> Iterator[tuple[Any, str]]:
    """The store and the folder in it; whatever goes wrong there becomes a refusal that says so."""
    url = settings().evidence_url or f"file://{data_folder() / 'evidence'}"
    kind = url.partition("://")[0]
    try:
        yield _opened(url)
    except PortalError:
        raise
    except (ImportError, ValueError) as error:
        raise Unavailable(
            f"PORTAL_EVIDENCE_URL names a store ({kind}) that cannot be used here: {type(error).__name__}.",
            hint="Mend the address, or install what fsspec needs for it.",
        ) from error
    except Exception as error:  # each store raises its own: of the network, of permissions, of its service
        raise Unavailable(
            f"The store of evidence ({kind}) does not answer: {type(error).__name__}.",
            hint="Check that it is there, and that the portal may write to it.",
        ) from error


def _opened(url: str) -> tuple[Any, str]:
    """The store and its folder. S3 is reached through pyarrow: s3fs cannot be installed beside this pandas."""
    import fsspec  # a tenth of a second, which no page has to wait for

    if not url.startswith("s3://"):
        store, folder = fsspec.core.url_to_fs(url)
        return store, str(folder)
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import FileSystem

    bucket, folder = FileSystem.from_uri(url)
    return ArrowFSWrapper(bucket), str(folder)


def _path(folder: str, sha256: str) -> str:
    return f"{folder.rstrip('/')}/{sha256[:2]}/{sha256}"
