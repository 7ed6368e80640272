"""What an answer may be, by the type of its item: pure rules, which return the value as JSON keeps it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from core.errors import Invalid
from core.projects.actions import text
from core.reviews.items import FrozenItem

TEXT_LENGTH = 4000
LINK_LENGTH = 500


def cleaned(item: FrozenItem, value: Any) -> Any:
    """``value`` as an answer to ``item``; raises :class:`Invalid` with what the item takes. A file is named by its id."""
    clean = _CLEAN.get(item.type)
    if clean is None:
        raise Invalid(f"{item.id} is judged by its check alone.", hint="Attach evidence, or say why it does not apply.")
    return clean(item, value)


def _boolean(item: FrozenItem, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _unfit(item, "yes or no")
    return value


def _option(item: FrozenItem, value: Any) -> str:
    if not isinstance(value, str) or value not in item.options:
        raise _unfit(item, f"one of: {', '.join(item.options)}")
    return value


def _number(item: FrozenItem, value: Any) -> int | float:
    # numbers beyond this lose digits in the JSON of other programs
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53 or math.isnan(value):
        raise _unfit(item, f"a number in {item.unit}" if item.unit else "a number")
    return value


def _date(item: FrozenItem, value: Any) -> str:
    try:
        return date.fromisoformat(value if isinstance(value, str) else value.isoformat()).isoformat()
    except (AttributeError, TypeError, ValueError) as error:
        raise _unfit(item, "a day such as 2026-03-31") from error


def _text(item: FrozenItem, value: Any) -> str:
    words = text(item.id, value, TEXT_LENGTH) if isinstance(value, str) else ""
    if not words:
        raise _unfit(item, f"1 to {TEXT_LENGTH} characters")
    return words


def _link(item: FrozenItem, value: Any) -> str:
    link = value.strip() if isinstance(value, str) else ""
    if not link.isprintable() or " " in link or len(link) > LINK_LENGTH or not _is_web(link):
        raise _unfit(item, "an address that begins with https:// or http://")
    return link


def _is_web(link: str) -> bool:
    try:
        parts = urlsplit(link)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
    except ValueError:  # brackets that hold no address
        return False


def _file(item: FrozenItem, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise _unfit(item, "a file that was uploaded to this case")
    return value


def _attestation(item: FrozenItem, value: Any) -> bool:
    if value is not True:
        raise _unfit(item, "that it is attested; leave it open otherwise")
    return True


def _unfit(item: FrozenItem, wanted: str) -> Invalid:
    return Invalid(f"This does not answer {item.id}.", hint=f"It takes {wanted}.")


_CLEAN: dict[str, Callable[[FrozenItem, Any], Any]] = {
    "boolean": _boolean,
    "choice": _option,
    "scale": _option,
    "number": _number,
    "date": _date,
    "text": _text,
    "link": _link,
    "file": _file,
    "attestation": _attestation,
}
"""Type of item → what checks and keeps its answer; a ``metric`` has none."""
