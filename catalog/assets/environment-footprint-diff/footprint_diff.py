"""What changes in a serving environment when one requirements list replaces another.

Names are compared in their normal form (PEP 503), so "Scikit_Learn" and "scikit-learn" are one package. A change of
version is graded by the first release number that differs (PEP 440): major, minor or patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<version>@.+|[(<>=!~].*)?"
)
_RELEASE = re.compile(r"={2,3}\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)")
_LEVELS = ("major", "minor", "patch")


@dataclass(frozen=True)
class Change:
    """A package whose version differs; ``level`` is major, minor, patch, or other where it cannot be told."""

    name: str
    before: str
    after: str
    level: str
    downgrade: bool


@dataclass(frozen=True)
class Difference:
    """Packages added, removed and changed; ``bytes_added`` is None as soon as one needed size is unknown."""

    added: dict[str, str]
    removed: dict[str, str]
    changed: tuple[Change, ...]
    bytes_added: int | None
    without_size: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether both environments name the same packages in the same versions."""
        return not (self.added or self.removed or self.changed)


def normal_name(name: str) -> str:
    """The normal form of a package name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(lines: Iterable[str]) -> dict[str, str]:
    """Package names with what pins them ("==1.2", "@ https://...", or "" for none), from a requirements list.

    Comments, hashes and environment markers are dropped. Options such as "-r other.txt" are refused, because the list
    would not be the whole environment; export it with "pip freeze" or "pip-compile" first.
    """
    found: dict[str, str] = {}
    for line in _logical_lines(lines):
        text = re.split(r"\s--hash=", line, maxsplit=1)[0]
        text = re.split(r"\s;" if "@" in text else r";", text, maxsplit=1)[0].strip()
        match = _REQUIREMENT.fullmatch(text)
        if match is None:
            raise ValueError(f"{line!r} is no requirement; give lines such as numpy==2.1.0 (see pip freeze)")
        name, version = normal_name(match["name"]), " ".join((match["version"] or "").split())
        if found.setdefault(name, version) != version:
            raise ValueError(f"{name} occurs as {found[name]!r} and {version!r}; keep the one that is installed")
    return found


def compare(
    before: Iterable[str],
    after: Iterable[str],
    sizes_before: Mapping[str, int] | None = None,
    sizes_after: Mapping[str, int] | None = None,
) -> Difference:
    """The difference of two requirements lists; sizes are installed bytes per package, where they are known."""
    old, new = parse(before), parse(after)
    kept = sorted(old.keys() & new.keys())
    changed = [_change(name, old[name], new[name]) for name in kept if old[name] != new[name]]
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    moved = [change.name for change in changed]
    total, unknown = 0, set()
    for names, sizes, sign in ((gone + moved, sizes_before, -1), (come + moved, sizes_after, 1)):
        known = {normal_name(name): size for name, size in (sizes or {}).items()}
        total += sign * sum(known.get(name, 0) for name in names)
        unknown |= set(names) - known.keys()
    return Difference(
        added={name: new[name] for name in come},
        removed={name: old[name] for name in gone},
        changed=tuple(changed),
        bytes_added=None if unknown else total,
        without_size=tuple(sorted(unknown)),
    )


def _logical_lines(lines: Iterable[str]) -> Iterable[str]:
    """Lines without comments, and with those joined that end in a backslash."""
    joined = re.sub(r"\\\r?\n", " ", "\n".join(line.rstrip("\r\n") for line in lines))
    stripped = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return [line for line in stripped if line]


def _change(name: str, before: str, after: str) -> Change:
    old, new = _release(before), _release(after)
    if old is None or new is None or old == new:
        return Change(name, before, after, "other", False)
    first = next(place for place, (one, other) in enumerate(zip(old, new, strict=True)) if one != other)
    level = _LEVELS[min(max(first - 1, 0), len(_LEVELS) - 1)]
    return Change(name, before, after, level, new < old)


def _release(version: str) -> tuple[int, ...] | None:
    """Epoch and release numbers of an exact pin, padded so that 1.2 equals 1.2.0; None where it is no exact pin."""
    match = _RELEASE.match(version)
    if match is None or "," in version or "*" in version:
        return None
    numbers = [int(match[1] or 0), *map(int, match[2].split("."))]
    return tuple(numbers + [0] * (8 - len(numbers)))
