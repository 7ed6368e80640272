"""What documents are made of: headings, paragraphs, pairs and tables, written as Markdown here and as PDF next door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the document."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``quiet`` is for remarks, such as what is not filled in yet."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Pairs:
    """Names with their values."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A table with its header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int] = ()
    """How wide the columns are in relation to each other; all alike where it is empty."""


Block = Heading | Paragraph | Pairs | Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
_OPENING, _NUMBER = re.compile(r"^([-+=])"), re.compile(r"^(\d+)([.)])")


def markdown(blocks: Iterable[Block]) -> str:
    """The document in Markdown (tables as on GitHub); whatever people wrote is text, never markup."""
    return "\n\n".join(_markdown(one) for one in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {plain(text)}"
        case Paragraph(text, quiet):
            said = "\n\n".join(plain(line) for line in text.splitlines() if line.strip())
            return f"*{said}*" if quiet and said else said
        case Pairs(rows):
            return "\n".join(f"- **{plain(name)}**: {plain(value) or '–'}" for name, value in rows)
        case Table(header, rows):
            lines = [header, ["---"] * len(header)]
            body = [[plain(cell) for cell in row] for row in rows]
            return "\n".join(f"| {' | '.join(row)} |" for row in [*lines, *body])


def plain(text: str) -> str:
    """``text`` on one line, so that Markdown shows it as it stands."""
    return _NUMBER.sub(r"\1\\\2", _OPENING.sub(r"\\\1", _SPECIAL.sub(r"\\\1", " ".join(text.split()))))
