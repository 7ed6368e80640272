"""How far an adoption is behind: the version a project took against the newest one there is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from core.catalog.tables import EntryVersion
from core.db import batches

_NUMBERED = re.compile(r"v?[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True)
class Release:
    """A version of an entry, with the day it was released, if somebody said so, and when the portal first saw it."""

    version: str
    released: str
    seen_at: datetime

    @property
    def day(self) -> str:
        """The day by which releases are put in order."""
        return self.released or self.seen_at.date().isoformat()


def versions_behind(taken: str, newest: str, releases: Iterable[Release]) -> int:
    """How many versions came after ``taken``, up to and with ``newest``; 0 when it is the newest.

    Versions are texts: where all of them are numbers joined by dots they are compared number by number (1.10 comes after
    1.9), otherwise by the day of their release. A version that nobody recorded is at least one behind.
    """
    if taken == newest:
        return 0
    known = {one.version: one.day for one in releases}
    names = {*known, newest, taken}
    if all(_NUMBERED.fullmatch(name) for name in names):
        later = [name for name in names if _numbers(taken) < _numbers(name) <= _numbers(newest)]
    elif taken in known:
        later = [name for name, day in known.items() if name not in (taken, newest) and day > known[taken]] + [newest]
    else:
        later = [newest]
    return max(len(later), 1)


def releases_of(session: Session, entry_ids: Iterable[int]) -> dict[int, list[Release]]:
    """Every recorded version of these entries, by entry."""
    found: dict[int, list[Release]] = {}
    for batch in batches(sorted(set(entry_ids)), 500):
        rows = session.execute(
            select(EntryVersion.entry_id, EntryVersion.version, EntryVersion.released, EntryVersion.seen_at).where(
                col(EntryVersion.entry_id).in_(batch)
            )
        )
        for entry_id, *release in rows:
            found.setdefault(entry_id, []).append(Release(*release))
    return found


def _numbers(version: str) -> list[int]:
    numbers = [int(part) for part in version.removeprefix("v").split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:  # 1.0 and 1 are the same version
        numbers.pop()
    return numbers
