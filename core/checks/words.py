"""How findings speak: figures rounded as far as they mean something, lists, and text that somebody filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_DIGITS = 3
_EXACT = 12
_PLACEHOLDER = re.compile(
    r"(todo|tbd|tba|fixme|lorem ipsum|fill (this )?in|to be (written|defined|done|decided))\b.{0,40}"
    r"|(n/?a|none|unknown|xx+)\W*|<[^<>]{0,80}>|\[[^\[\]]{0,80}\]|[\W_]+",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST = 80


def figure(value: float, *, beside: float | None = None) -> str:
    """A number in three significant digits; in more where it would else read like a different one ``beside`` it."""
    for digits in range(_DIGITS, _EXACT):
        written = _rounded(value, digits)
        if beside is None or value == beside or written != _rounded(beside, digits):
            return written
    return repr(value)


def _rounded(value: float, digits: int) -> str:
    if abs(value) < 1e15 and value == int(value):
        return f"{value:,.0f}"
    if 10 ** (digits - 1) <= abs(value) < 1e15:
        return f"{value:,.{max(digits - len(str(int(abs(value)))), 0)}f}"
    return f"{value:.{digits}g}"


def about(rows: int) -> str:
    """A number of rows, rounded up to two digits: it is an estimate."""
    unit = max(10 ** (len(str(rows)) - 2), 1)
    return f"{-(-rows // unit) * unit:,}"


def listed(words: Iterable[str], *, at_most: int = 6) -> str:
    """``a, b and c``; with many of them, how many more there are."""
    found = [brief(word) for word in words]
    if len(found) > at_most:
        found = [*found[: at_most - 1], f"{len(found) - at_most + 1} more"]
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else "".join(found)


def counted(number: int, one: str, many: str = "") -> str:
    """``1 row`` or ``2 rows``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def brief(text: Any, longest: int = _LONGEST) -> str:
    """Text from evidence, on one line and short enough to stand in a sentence."""
    line = " ".join(str(text)[: 4 * longest].split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def plain(name: Any) -> str:
    """A name of a section, field or role as it is compared: lower case, words joined by one blank."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    return " ".join(re.sub(r"[\W_]+", " ", apart).lower().split())


def is_filled(text: Any) -> bool:
    """Whether somebody wrote something there: neither empty nor a placeholder as templates have it."""
    if isinstance(text, list | tuple):
        return any(is_filled(one) for one in text)
    if isinstance(text, bool | int | float):
        return True
    return isinstance(text, str) and bool(text.strip()) and not _PLACEHOLDER.fullmatch(text.strip())


def count_words(text: Any) -> int:
    """How many words a text has; what is no text has none."""
    return len(re.findall(r"\w+", text)) if isinstance(text, str) else 0
