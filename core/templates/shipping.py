"""The templates of the catalog folder: they come with the portal's own review, so their versions are published at load.

A folder ``catalog/templates/NAME/template`` is the template of the entry ``NAME``. It is linted like any other; the
same version with other files is refused, since a version never changes.
"""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Session, col, select

from core import db
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog import loader, strict_yaml
from core.catalog.loader import Change, Report
from core.catalog.tables import Entry
from core.config import settings
from core.errors import Conflict, Invalid, PortalError
from core.templates import publishing, snapshot
from core.templates.snapshot import Snapshot
from core.templates.tables import TemplateVersion

_SHIPPING_LOCK = 720_318


def load(actor: Actor) -> Report:
    """Load the catalog folder, then publish the versions of its templates that are not published yet."""
    report = loader.load(actor)
    for folder in sorted((settings().catalog / "templates").glob("*/template")):
        try:
            _ship(actor, folder)
        except PortalError as error:
            name = folder.parent.name
            report.changes.append(
                Change("refused", f"template:default/{name}", f"templates/{name}", problems=[str(error)])
            )
    return report


def _ship(actor: Actor, folder: Path) -> None:
    version, files = _version_of(folder), snapshot.from_folder(folder)
    with db.reading() as session:
        if _unpublished(session, folder, version, files) is None:
            return
    reading = publishing.read(files)
    if reading.errors:
        first = next(one for one in reading.findings if one.severity == "error")
        raise Invalid(f"{first.path}, line {first.line}: {first.message}", hint=first.hint)
    with db.writing() as session:
        db.take_turns(session, _SHIPPING_LOCK)
        if (entry_id := _unpublished(session, folder, version, files)) is not None:
            _publish(session, actor, entry_id, version, folder, reading)


def _version_of(folder: Path) -> str:
    text = (folder.parent / "entry.yaml").read_text("utf-8")
    document = next(strict_yaml.documents(text))
    return str(document["spec"].get("version", "1.0.0"))


def _unpublished(session: Session, folder: Path, version: str, files: Snapshot) -> int | None:
    """The entry that these files are a version of, where that version is not published yet."""
    name = folder.parent.name
    entry_id = session.exec(select(Entry.id).where(Entry.key == f"template:default/{name}".lower())).first()
    if entry_id is None:
        return None
    there = select(TemplateVersion.content_hash).where(
        TemplateVersion.entry_id == entry_id, TemplateVersion.version == version,
        col(TemplateVersion.state) == "published",
    )  # fmt: skip
    published = session.exec(there).first()
    if published is not None and published != files.digest:
        raise Conflict(
            f"The template {name} has other files than its version {version} had when it was published.",
            hint="A version never changes: give it the next version in entry.yaml.",
        )
    return entry_id if published is None else None


def _publish(
    session: Session, actor: Actor, entry_id: int, version: str, folder: Path, reading: publishing.Reading
) -> None:
    entry = session.get_one(Entry, entry_id)
    row = TemplateVersion(
        entry_id=entry_id, version=version, state="published", source=f"catalog/templates/{folder.parent.name}",
        notes="Shipped with the portal.", proposed_by=actor.ref, decided_by=actor.ref, decided_at=db.now(),
    )  # fmt: skip
    publishing.fill(session, row, reading)
    session.flush()
    told = events.TemplatePublished(
        entry.key, row.version, row.content_hash, actor.ref, len(reading.findings), row.security
    )
    record(session, actor, told)
