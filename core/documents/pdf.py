"""The same blocks as a PDF, in a face that knows most alphabets. The same blocks always give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.documents.blocks import Block, Heading, Pairs, Paragraph, Table

_SIZES = {1: 18, 2: 13, 3: 11}
_TEXT = 9
_INK, _QUIET, _LINE = (25, 28, 33), (95, 102, 112), (205, 210, 217)


def pdf(blocks: Iterable[Block], *, title: str, footer: str, at: datetime) -> bytes:
    """A PDF of ``blocks`` made at ``at``; ``footer`` stands on every page beside its number."""
    page = _document(title, footer, at)
    for block in blocks:
        _draw(page, block)
    return bytes(page.output())


def _document(title: str, footer: str, at: datetime) -> Any:
    from fpdf import FPDF

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-13)
            self.set_font("face", size=7)
            self.set_text_color(*_QUIET)
            self.cell(0, 5, f"{footer} · page {self.page_no()} of {{nb}}", align="C")

    page = Document(format="A4")
    page.set_title(title)
    page.set_creator("AI factory portal")
    page.set_creation_date(at)
    page.set_lang("en")
    for style, name in {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf", "I": "DejaVuSans-Oblique.ttf"}.items():
        page.add_font("face", style, _fonts() / name)
    page.set_margin(18)
    page.set_auto_page_break(True, margin=18)
    page.add_page()
    return page


@cache
def _fonts() -> Path:
    """The folder of DejaVu, which comes with matplotlib; looked up without importing that."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise FileNotFoundError("matplotlib, which brings the face of PDFs, is not installed")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _draw(page: Any, block: Block) -> None:
    page.set_text_color(*_INK)
    match block:
        case Heading(text, level):
            page.ln(0 if level == 1 else 3)
            page.set_font("face", "B", _SIZES.get(level, _TEXT + 1))
            page.start_section(text, level=level - 1)
            page.multi_cell(0, None, text, new_x="LMARGIN", new_y="NEXT")
            page.ln(2)
        case Paragraph(text, quiet):
            page.set_font("face", "I" if quiet else "", _TEXT)
            page.set_text_color(*(_QUIET if quiet else _INK))
            page.multi_cell(0, 4.6, text, new_x="LMARGIN", new_y="NEXT")
            page.ln(1.5)
        case Pairs(rows):
            _table(page, rows, (1, 3), header=False)
        case Table(header, rows, widths):
            _table(page, [header, *rows], tuple(widths) or (1,) * len(header), header=True)


def _table(page: Any, rows: Iterable[Any], widths: tuple[int, ...], *, header: bool) -> None:
    from fpdf.fonts import FontFace

    page.set_font("face", "", _TEXT - 1)
    page.set_draw_color(*_LINE)
    head = FontFace(emphasis="BOLD", fill_color=(240, 242, 245))
    with page.table(
        col_widths=widths, text_align="LEFT", first_row_as_headings=header, headings_style=head, line_height=4.4,
        borders_layout="HORIZONTAL_LINES", padding=0.8,
    ) as table:  # fmt: skip
        for row in rows:
            cells = table.row()
            for cell in row:
                cells.cell(cell or "–")
    page.ln(2)
