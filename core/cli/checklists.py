"""Commands about checklists: their versions, what publishing one would change, and deon's form of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import catalog
from core.cli.output import AsJson, show, table
from core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.reviews.boards import ChecklistRow
    from core.reviews.impact import Difference

_MOST = 10_000
"""More versions of checklists than that are in no store."""

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Checklists: versions, impact, deon's form.",
)  # fmt: skip

Checklist = Annotated[str, typer.Argument(metavar="REF", help="A checklist, such as model-release.")]


@app.command("list")
def list_(
    checklist: Annotated[str, typer.Argument(metavar="[REF]", help="Only this checklist.")] = "", json: AsJson = False
) -> None:
    """List versions of checklists and their cases."""
    from core import db

    db.require_current()
    with db.reading() as session:
        rows = _versions(session, checklist)
    if json:
        show(rows)
        return
    table(
        ("CHECKLIST", "VERSION", "STATE", "FOR", "ITEMS", "CASES"),
        ((one.key, one.version, one.state, one.applies_to, one.items, one.cases) for one in rows),
    )


@app.command()
def impact(
    checklist: Checklist,
    version: Annotated[str, typer.Option(help="This version; the newest proposed one otherwise.")] = "",
    json: AsJson = False,
) -> None:
    """Tell what publishing a version would change.

    Each item and each open or approved case that it concerns.
    """
    from core import db
    from core.access import policy
    from core.reviews import impact as impacts

    db.require_current()
    with db.reading() as session:
        chosen = _chosen(_versions(session, checklist), checklist, version)
        found = impacts.impact(session, policy.system("command-line"), chosen.id)
    if json:
        show(found)
        return
    typer.echo(f"{found.checklist} {found.published or '(none)'} -> {found.version}: {_in_words(found.items)}.")
    if found.quorum_changes:
        typer.echo("Other people would have to sign.")
    for text in sorted({one.text for one in found.out_of_force}):
        typer.echo(f"Not in force today: {text}")
    rows = ((one.case_id, f"{one.name} {one.version}".strip(), one.state, _in_words(one.items)) for one in found.cases)
    if found.cases:
        table(("CASE", "SUBJECT", "STATE", "ITEMS"), rows)
    typer.echo(f"{len(found.cases)} cases.", err=True)


@app.command()
def publish(checklist: Checklist, json: AsJson = False) -> None:
    """Publish the version of an imported checklist.

    It was reviewed where it comes from, and whoever runs this command answers for that. What was written or edited in the portal is published there, by another person than its author.
    """
    from core import db
    from core.access import policy
    from core.reviews import checklists

    db.require_current()
    with db.writing() as session:
        made = checklists.release(session, actor=policy.system("command-line"), checklist=checklist)
        told = {"id": made.id, "version": made.version, "state": made.state, "content_hash": made.content_hash}
    if json:
        show(told)
    else:
        typer.echo(f"Version {told['version']} of {checklist} is {told['state']}.")


@app.command("import-deon")
def import_deon(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A checklist in deon's YAML.")],
    owner: Annotated[str, typer.Option(help="The team that owns it here.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would happen and change nothing.")] = False,
    json: AsJson = False,
) -> None:
    """Import a checklist of deon into the catalog.

    As `import` does; publish it afterwards.
    """
    catalog.import_(str(file), dry_run=dry_run, owner=owner, source=None, json=json)


@app.command("export-deon")
def export_deon(
    checklist: Checklist,
    file: Annotated[Path | None, typer.Argument(help="Where to write it; printed otherwise.")] = None,
) -> None:
    """Write a published checklist in deon's YAML.

    Deon knows ids, summaries and questions; types, checks, conditions and mappings are left out.
    """
    from core import db
    from core.access import policy
    from core.catalog import export, queries
    from core.catalog.foreign import deon
    from core.catalog.references import normalise
    from core.reviews import checklists

    db.require_current()
    with db.reading() as session:
        content = checklists.published(session, checklist).content
        title = queries.entry(session, policy.system("command-line"), normalise(checklist, "checklist")).entry.title
    text = export.dump(deon.write(title, content))
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error.strerror}.", hint="Name another file.") from error


def _versions(session: Session, checklist: str) -> list[ChecklistRow]:
    """The versions of all checklists, or of one: what waits for a decision first, then the newest."""
    from core.access import policy
    from core.catalog.references import normalise
    from core.reviews import boards

    rows = boards.checklist_versions(session, policy.system("command-line"), limit=_MOST)
    return [one for one in rows if not checklist or one.key == normalise(checklist, "checklist")]


def _chosen(rows: list[ChecklistRow], checklist: str, version: str) -> ChecklistRow:
    fits = [one for one in rows if (one.version == version if version else one.state == "proposed")]
    if not fits:
        wanted = f"version {version}" if version else "version that waits for its publication"
        there = ", ".join(f"{one.version} ({one.state})" for one in rows) or "none"
        raise NotFound(f"The checklist {checklist} has no {wanted}.", hint=f"Its versions: {there}.")
    return fits[0]


def _in_words(items: Difference) -> str:
    named = {"added": items.added, "removed": items.removed, "changed": items.changed}
    return "; ".join(f"{what}: {', '.join(ids)}" for what, ids in named.items() if ids) or "no item changes"
