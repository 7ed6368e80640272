"""Commands about the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.output import AsJson, Exit, counted, show, table
from core.errors import Invalid

if TYPE_CHECKING:
    from core.catalog.loader import Report
    from core.catalog.sources import SourceFile

_ENTRY_FILE = "entry.yaml"


def load(
    check: Annotated[bool, typer.Option("--check", help="Validate the folder only; needs no store.")] = False,
    json: AsJson = False,
) -> None:
    """Load the catalog folder, PORTAL_CATALOG.

    Migrates the store first. The exit code is 1 when a definition is refused; the others are loaded.
    """
    if check:
        _check(json)
        return
    from core import db
    from core.access import policy
    from core.reviews import shipping

    db.migrate()
    _tell(shipping.load(policy.system("command-line")), json)


def import_(
    location: Annotated[
        str, typer.Argument(metavar="PATH_OR_URL", help="A file, a folder, or the https URL of a git repository.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would happen and change nothing.")] = False,
    owner: Annotated[str | None, typer.Option(help="Team for definitions that name no owner.")] = None,
    source: Annotated[str | None, typer.Option(help="Name of the source; the location otherwise.")] = None,
    json: AsJson = False,
) -> None:
    """Import definitions, ours or foreign.

    The exit code is 1 when a definition is refused; the others are imported. A folder or repository is the whole of its source: entries that it no longer defines are marked stale. A single file
    is not.
    """
    from core import db
    from core.access import policy
    from core.catalog import loader

    db.require_current()
    with _opened(location, owner) as (name, files, whole):
        label = f"import:{source or name}"[:200]
        report = loader.run(policy.system("command-line"), source=label, files=files, whole=whole, dry_run=dry_run)
    _tell(report, json)


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write; files of the same entries are replaced.")],
    kind: Annotated[list[str] | None, typer.Option(help="Only entries of this kind; repeat for more.")] = None,
    json: AsJson = False,
) -> None:
    """Write entries as YAML files that import again."""
    from core import db
    from core.access import policy
    from core.catalog import export as exporting
    from core.catalog import queries

    db.require_current()
    with db.reading() as session:
        documents = queries.documents_of(session, policy.system("command-line"), kinds=tuple(kind or ()))
        count = exporting.write_folder(documents, folder)
    if json:
        show({"entries": count, "folder": str(folder)})
    else:
        typer.echo(f"Wrote {count} entries to {folder}.")


def search(
    text: Annotated[str, typer.Argument(help='What to look for; also kind: owner: tag: "a phrase" -word.')] = "",
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; repeat for more.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; repeat for more.")] = None,
    owner: Annotated[list[str] | None, typer.Option(help="Only of this team; repeat for more.")] = None,
    lifecycle: Annotated[list[str] | None, typer.Option(help="Only in this lifecycle; repeat for more.")] = None,
    sort: Annotated[str, typer.Option(help="relevance, title, newest or adoptions.")] = "relevance",
    page: Annotated[int, typer.Option(min=1, help="Page of the result.")] = 1,
    size: Annotated[int, typer.Option(min=1, max=100, help="Hits per page.")] = 20,
    json: AsJson = False,
) -> None:
    """Search the catalog.

    The portal itself searches, and it sees every entry.
    """
    from core import db
    from core.access import policy
    from core.catalog import search as searching

    db.require_current()
    with db.reading() as session:
        found = searching.search(
            session, policy.system("command-line"), text, kinds=tuple(kind or ()), tags=tuple(tag or ()),
            owners=tuple(owner or ()), lifecycles=tuple(lifecycle or ()), sort=sort, page=page, size=size,
        )  # fmt: skip
    if json:
        show(found)
        return
    if found.items:
        table(("ENTRY", "TITLE", "OWNER", "WHY"), ((one.key, one.title, one.owner, one.reason) for one in found.items))
    typer.echo(f"{found.total} found." + (f" Did you mean {found.suggestion}?" if found.suggestion else ""), err=True)


def _check(json: bool) -> None:
    from core.catalog import loader, sources
    from core.config import settings

    definitions, problems = [], []
    for file in loader.shipped(settings().catalog):
        good, bad = file.read()
        definitions += good
        problems += bad
    definitions, doubles = sources.without_doubles(definitions)
    lines = [str(one) for one in problems + doubles]
    if json:
        show({"valid": len(definitions), "problems": lines})
    else:
        for line in lines:
            typer.echo(line, err=True)
        typer.echo(f"{len(definitions)} valid entries, {len(lines)} problems.")
    if lines:
        raise typer.Exit(Exit.refused)


@contextmanager
def _opened(location: str, owner: str | None) -> Iterator[tuple[str, Any, bool]]:
    """The name of a location, its files, and whether they are all there are of their source."""
    from core.catalog import sources

    path = Path(location)
    if "://" in location:
        with sources.fetch_git(location, local=True) as folder:
            yield location, sources.read_folder(folder, default_owner=owner), True
    elif path.is_dir():
        yield str(path.resolve()), sources.read_folder(path, default_owner=owner), True
    elif path.is_file():
        yield str(path.resolve()), [_file(path.resolve(), owner)], False
    else:
        raise Invalid(
            f"{location} is neither a file, a folder nor a URL.", hint="A repository is named by its https URL."
        )


def _file(path: Path, owner: str | None) -> SourceFile:
    from core.catalog import documents, sources

    try:
        text = documents.read_text(path, documents.MAX_BYTES)
        beside = path.with_name("README.md")
        with_readme = path.name == _ENTRY_FILE and beside.is_file()
        readme = documents.read_text(beside, documents.README_BYTES) if with_readme else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(str(documents.unreadable(path.name, error))) from None
    return sources.single(text, path.name, readme=readme, default_owner=owner)


def _tell(report: Report, json: bool) -> None:
    if json:
        show({"source": report.source, "dry_run": report.dry_run, "counts": report.counts, "changes": report.changes})
    else:
        rows = ((one.action, one.key, ", ".join(one.fields), _remark(one)) for one in report.changes)
        if report.changes:
            table(("ACTION", "ENTRY", "FIELDS", "REMARK"), rows)
        would = "would be " if report.dry_run else ""
        typer.echo(f"{would}{counted(report.counts)}".capitalize() + f" (source {report.source}).")
    if report.count("refused"):
        raise typer.Exit(Exit.refused)


def _remark(change: Any) -> str:
    kept = f"kept as edited here: {', '.join(change.kept)}" if change.kept else ""
    return " ".join([*change.problems, kept]).strip() or change.origin
