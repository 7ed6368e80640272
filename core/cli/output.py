"""How commands answer: results on stdout (``--json`` for programs), refusals on stderr, and an exit code that counts."""

from __future__ import annotations

import dataclasses
import json
import secrets
import traceback
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from core.errors import PortalError, Unavailable

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class Exit(IntEnum):
    """What the exit code says."""

    fine = 0
    refused = 1
    usage = 2
    unavailable = 3
    tampered = 4


class Commands(TyperGroup):
    """The commands, with every refusal and fault turned into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PortalError as error:
            typer.echo(error.message, err=True)
            if error.hint:
                typer.echo(error.hint, err=True)
            raise typer.Exit(Exit.unavailable if isinstance(error, Unavailable) else Exit.refused) from error
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception:
            if ctx.params.get("debug"):
                raise
            typer.echo(_fault(), err=True)
            raise typer.Exit(Exit.refused) from None


def _fault() -> str:
    reference = secrets.token_hex(4)
    try:
        path = _log(reference, traceback.format_exc())
    except (OSError, PortalError):
        return f"Something went wrong (reference {reference}). `python -m core --debug …` shows where."
    return f"Something went wrong (reference {reference}). {path} tells where, as does `python -m core --debug …`."


def _log(reference: str, trace: str) -> Path:
    from core import db
    from core.config import data_folder

    path: Path = data_folder() / "logs" / "command-line.log"
    path.parent.mkdir(exist_ok=True, mode=0o700)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{db.now().isoformat()} fault {reference}\n{trace}\n")
    return path


def show(value: Any) -> None:
    """Print ``value`` as JSON: dataclasses, mappings, lists, moments."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print ``rows`` below ``headings``, in columns as wide as their longest cell."""
    lines = [tuple(headings), *(tuple(_cell(one) for one in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def counted(counts: dict[str, int]) -> str:
    """Counts in words, such as ``3 create, 1 refused``; zeros are left out."""
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return (
        value.isoformat()
        if isinstance(value, datetime)
        else value
        if isinstance(value, int | float | None)
        else str(value)
    )


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return "" if value is None else "".join(one if one.isprintable() else " " for one in str(value))
