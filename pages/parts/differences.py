"""What a change does to an entry, field by field."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable
from typing import Any

import streamlit as st

from core.catalog import export
from pages.parts import badges
from pages.parts.notices import plain
from pages.parts.specification import words

_SHORT = 60
_WRAP = 100
_HARD_SPACE = "\N{NO-BREAK SPACE}"


def show(differences: Iterable[tuple[str, Any, Any]]) -> None:
    """Each changed field with its value before and after; long texts as a unified diff."""
    for path, before, after in differences:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{label(path)}** {_badge(before, after)}")
            old, new = _text(before), _text(after)
            if _is_short(old) and _is_short(new):
                st.markdown(" → ".join(_coloured(old, new)))
            else:
                st.markdown("  \n".join(map(_line, diff(old, new))) or "Only white space differs.")


def label(path: str) -> str:
    """A field's path as people say it: ``spec.dependsOn`` is "Depends on"."""
    return plain("README" if path == "readme" else words(path.partition(".")[2]))


def diff(old: str, new: str) -> list[str]:
    """The lines of the unified diff of two texts, long ones wrapped so that a changed word is found."""
    return list(difflib.unified_diff(_wrapped(old), _wrapped(new), lineterm="", n=2))[2:]


def _badge(before: Any, after: Any) -> str:
    if before is None:
        return badges.text("Added", ":material/add:", "green")
    if after is None:
        return badges.text("Removed", ":material/remove:", "red")
    return badges.text("Changed", ":material/edit:", "blue")


def _coloured(old: str, new: str) -> list[str]:
    return [f":{colour}-background[{plain(one)}]" for one, colour in ((old, "red"), (new, "green")) if one]


def _line(line: str) -> str:
    """A line of a diff as Markdown, its indentation kept; the colours of highlighted code are too pale to read."""
    if line.startswith("@@"):
        return ":gray[…]"
    text = line[1:].lstrip(" ")
    shown = _HARD_SPACE * (len(line) - 1 - len(text)) + plain(text)
    colour = {"+": "green", "-": "red"}.get(line[0])
    return f":{colour}-background[{plain(line[0])} {shown}]" if colour else f"{_HARD_SPACE * 2}{shown}"


def _text(value: Any) -> str:
    return (
        value if isinstance(value, str) else "" if value is None else export.dump(value).removesuffix("...\n").strip()
    )


def _is_short(text: str) -> bool:
    return len(text) <= _SHORT and "\n" not in text


def _wrapped(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in textwrap.wrap(line, _WRAP) or [""]]
