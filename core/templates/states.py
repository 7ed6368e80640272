"""The rules of template requests and versions, without a store: states, versions, file names."""

from __future__ import annotations

import re

from core.errors import Conflict, Invalid

NEXT: dict[str, dict[str, str]] = {
    "draft": {"submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {
        "approve": "approved", "ask for changes": "changes requested", "reject": "rejected", "withdraw": "withdrawn",
    },
    "changes requested": {"submit": "submitted", "withdraw": "withdrawn"},
    "approved": {"render": "rendered", "fail": "failed"},
    "failed": {"retry": "approved", "withdraw": "withdrawn"},
    "rendered": {"deliver": "delivered"},
    "delivered": {"close": "closed"},
    "closed": {},
    "rejected": {},
    "withdrawn": {},
}  # fmt: skip
"""State → what may be done → the state that follows. A failed rendering is tried again with the answers it has."""

OPEN = tuple(state for state, following in NEXT.items() if following)
HAS_RESULT = ("rendered", "delivered", "closed")
"""States in which the repository is there to be looked at."""

VERSION_STATES = ("reading", "unreadable", "proposed", "published", "rejected", "withdrawn")

APPROVAL_DAYS = 2
"""Working days in which an approver decides: the portal's own measure."""

DELIVERIES = {
    "zip": "A zip file to download",
    "bundle": "A git bundle to download: clone from it",
    "push": "A push to an empty git repository",
}
"""How a repository reaches its team → what that means."""

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}")


def after(state: str, action: str) -> str:
    """The state that follows; raises :class:`Conflict` where ``action`` is not possible."""
    following = NEXT[state].get(action)
    if following is None:
        possible = ", ".join(NEXT[state]) or "nothing: this state is final"
        raise Conflict(f"The request is {state}; it takes no “{action}”.", hint=f"Possible: {possible}.")
    return following


def check_version(version: str) -> str:
    """``version`` as text such as 1.10.0, or :class:`Invalid`."""
    if not _VERSION.fullmatch(version):
        raise Invalid(f"{version[:60]!r} is not a version.", hint="Write text such as 1.10.0.")
    return version


def newer(version: str, other: str) -> bool:
    """Whether ``version`` comes after ``other``, number by number; text parts compare as text."""
    return _parts(version) > _parts(other)


def _parts(version: str) -> list[tuple[int, int, str]]:
    found = re.findall(r"[0-9]+|[A-Za-z]+", version)
    return [(1, int(one), "") if one.isdigit() else (0, 0, one) for one in found]
