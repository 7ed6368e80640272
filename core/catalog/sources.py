"""Where definitions come from: a text, a folder, an upload, a git repository.

A folder is walked without following links or descending into hidden folders. Below ``<kind>s/`` stand our own entries;
elsewhere every YAML file is looked at, and what is no definition (CI, Compose, Kubernetes) is passed over in silence.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from core import git
from core.catalog import archives, documents, foreign
from core.catalog.documents import MAX_BYTES, OTHERS, README_BYTES, Definition, Problem
from core.catalog.foreign import backstage, mlproject
from core.catalog.foreign.draft import Draft
from core.catalog.kinds import FOLDERS
from core.config import settings
from core.errors import Invalid

MAX_FILES = 20_000
MAX_PATH = 500
UPLOADED = "A .yaml or .yml file, a file named MLproject, or a .zip of a folder of them."
"""What :func:`uploaded` takes."""

Read = tuple[list[Definition], list[Problem]]

_OWN_FOLDERS = {*FOLDERS.values(), OTHERS}
_LOOKS_LIKE_A_DEFINITION = re.compile(
    rb"""apiVersion["']?\s*:\s*["']?(factory/|([a-z0-9-]+\.)*backstage\.io/)|\$schema["']?\s*:[^\n]{0,200}azureml"""
    rb"""|line_id["']?\s*:"""
)
_CLONED_FILES = ("*.yaml", "*.yml", "[Mm][Ll][Pp][Rr][Oo][Jj][Ee][Cc][Tt]", "README.md")


@dataclass(frozen=True)
class SourceFile:
    """A file with definitions: its path below the folder, a fingerprint of what its reading gives, and how to read it."""

    path: str
    digest: str
    read: Callable[[], Read]


def single(text: str, origin: str, *, readme: str = "", default_owner: str | None = None) -> SourceFile:
    """One text that a person named, as a file."""
    digest = hashlib.sha256(f"{default_owner}\x00{text}\x00{readme}".encode()).hexdigest()
    return SourceFile(origin, digest, partial(read, text, origin, readme=readme, default_owner=default_owner))


@contextmanager
def uploaded(name: str, content: bytes, *, default_owner: str | None = None) -> Iterator[list[SourceFile]]:
    """The files in what a person uploads: one file with definitions, or a zip of a folder of them."""
    if name.lower().endswith(".zip"):
        with archives.unpacked(content, _is_fetched) as folder:
            if not (files := list(read_folder(folder, default_owner=default_owner))):
                raise Invalid("The zip holds no definition.", hint=foreign.UNDERSTOOD)
            yield files
        return
    if not _may_hold_definitions(name):
        raise Invalid(f"{name[:100]!r} is not a file that holds definitions.", hint=UPLOADED)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("The file is not UTF-8 text.", hint="Save it as UTF-8.") from None
    yield [single(text, name[:MAX_PATH], default_owner=default_owner)]


def read(text: str, origin: str, *, readme: str = "", default_owner: str | None = None) -> Read:
    """The definitions in one text, ours and foreign; ``default_owner`` owns those whose format names no owner."""
    return _read(text, origin, readme, default_owner, named=True)


def without_doubles(definitions: Iterable[Definition], held: Mapping[str, str] | None = None) -> Read:
    """The first definition of each reference, and a problem for every further one.

    ``held`` names the files that define a reference (in lower case) already and come before all ``definitions``.
    """
    first: dict[str, str | Definition] = dict(held or {})
    kept, problems = [], []
    for one in definitions:
        before = first.setdefault(one.ref.lower(), one)
        if before is one:
            kept.append(one)
            continue
        where = before if isinstance(before, str) else f"{before.origin}, document {before.document}"
        problems.append(
            Problem(
                one.origin, one.document, "metadata.name", f"{one.ref} is defined in {where} already.",
                "Names are compared without regard to case: rename or remove one of them.",
            )
        )  # fmt: skip
    return kept, problems


def read_folder(folder: Path, *, default_owner: str | None = None) -> Iterator[SourceFile]:
    """Every file below ``folder`` that holds definitions, in a stable order; none is parsed before it is asked for."""
    if not folder.is_dir():
        raise Invalid(f"{str(folder)!r} is not a folder.", hint="Name a folder with definitions.")
    paths = list(_candidates(folder))
    kinds = cache(partial(_unusual_kinds, folder, paths))
    for path in paths:
        if digest := _digest(folder, path, default_owner or ""):
            if len(path) > MAX_PATH:
                raise Invalid(f"A path is longer than {MAX_PATH} characters: {path[:80]!r}….", hint="Shorten it.")
            yield SourceFile(path, digest, partial(_read_file, folder, path, default_owner, kinds))


def _read(
    text: str,
    origin: str,
    readme: str,
    default_owner: str | None,
    *,
    named: bool,
    kinds: Mapping[str, str] | None = None,
) -> Read:
    """Read one text; unless it was ``named`` by a person, documents that are no definitions are passed over."""
    raws, problems = documents.parse(text, origin)
    if refused := documents.check_readme(readme, origin):
        problems, readme = problems + refused, ""
    known = {**(kinds or {}), **backstage.unusual_kinds(raws)}
    definitions: list[Definition] = []
    for number, raw in enumerate(raws, 1):
        draft = Draft(origin, number, "" if definitions else readme, default_owner, known)
        if one := _define(raw, draft, named):
            definitions.append(one)
        problems += draft.problems
    definitions, doubles = without_doubles(definitions)
    return definitions, problems + doubles


def _define(raw: object, draft: Draft, named: bool) -> Definition | None:
    if isinstance(raw, dict) and str(raw.get("apiVersion")).startswith("factory/"):
        found = documents.define(raw, draft.origin, draft.document, readme=draft.readme)
        if isinstance(found, Definition):
            return found
        draft.problems += found
    elif isinstance(raw, dict) and (reader := foreign.reader_of(raw, draft.origin)):
        return reader(raw, draft)
    elif named:
        draft.problem("", "is not a definition.", foreign.UNDERSTOOD)
    return None


def _candidates(folder: Path) -> Iterator[str]:
    """The paths, relative to ``folder``, of all files that may hold definitions; what lies in an entry is its own."""
    count = 0
    for parent, folders, files in os.walk(folder):
        relative = parent[len(str(folder)) :].strip("/")
        inside_an_entry = "entry.yaml" in files and _is_entry(f"{relative}/entry.yaml")
        below = [] if inside_an_entry else folders
        folders[:] = sorted(one for one in below if not one.startswith(".") and one != "node_modules")
        for name in ["entry.yaml"] if inside_an_entry else sorted(files):
            path = f"{relative}/{name}" if relative else name
            if _may_hold_definitions(path) and not os.path.islink(os.path.join(parent, name)):
                count += 1
                if count > MAX_FILES:
                    message = f"The folder holds more than {MAX_FILES:,} YAML files."
                    raise Invalid(message, hint="Name a folder below it.")
                yield path


def _may_hold_definitions(path: str) -> bool:
    return path.isprintable() and (path.endswith((".yaml", ".yml")) or mlproject.recognises(path))


def _is_fetched(path: str) -> bool:
    """Whether a file is needed of what is fetched: it may hold definitions, or stands beside one and explains it."""
    return _may_hold_definitions(path) or path.rpartition("/")[2] == "README.md"


def _is_entry(path: str) -> bool:
    """Whether a path is one of an entry of ours, ``<kind>s/<name>/entry.yaml``."""
    *_, kind_folder, _, name = ["", "", *path.split("/")]
    return kind_folder in _OWN_FOLDERS and name == "entry.yaml"


def _digest(folder: Path, path: str, owner: str) -> str:
    """The fingerprint of all that reading a file depends on; empty where the file holds no definition."""
    file = os.path.join(folder, path)
    content = _bytes(file, MAX_BYTES)
    if not (_is_entry(path) or mlproject.recognises(path) or _LOOKS_LIKE_A_DEFINITION.search(content)):
        return ""
    readme = _bytes(os.path.join(os.path.dirname(file), "README.md"), README_BYTES)
    return hashlib.sha256(f"{owner}\x00{len(content)}\x00".encode() + content + readme).hexdigest()


def _bytes(path: Path | str, most: int) -> bytes:
    try:
        return documents.read_bytes(path, most)
    except OSError:
        return b""


def _read_file(folder: Path, path: str, default_owner: str | None, kinds: Callable[[], Mapping[str, str]]) -> Read:
    file = folder / path
    if _is_entry(path) and file.parent.parent.name != OTHERS:
        found = documents.read_entry(file, folder)
        return ([found], []) if isinstance(found, Definition) else ([], found)
    try:
        text = documents.read_text(file, MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        return [], [documents.unreadable(path, error)]
    readme = _bytes(file.parent / "README.md", README_BYTES).decode("utf-8", "replace")
    named = _is_entry(path) or mlproject.recognises(path)
    return _read(text, path, readme, default_owner, named=named, kinds=kinds() if "backstage.io/" in text else None)


def _unusual_kinds(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """What :func:`backstage.unusual_kinds` finds in all files of a folder, so that references across files hold."""
    found = {}
    for path in paths:
        text = _bytes(folder / path, MAX_BYTES).decode("utf-8", "replace")
        if "backstage.io/" in text and backstage.MAY_BE_UNUSUAL.search(text):
            found.update(backstage.unusual_kinds(documents.parse(text, path)[0]))
    return found


@contextmanager
def fetch_git(location: str, *, local: bool = False, timeout: float = 60.0) -> Iterator[Path]:
    """A temporary folder with the definition files of a git repository's default branch, without its history.

    Only https to an admitted host is fetched, or, with ``local``, a repository on this machine. Raises
    :class:`~core.errors.Invalid` for other locations and :class:`~core.errors.Unavailable` where git fails or takes
    longer than ``timeout`` seconds.
    """
    url = _local_url(location) if local and not location.startswith("https:") else check_location(location)
    with tempfile.TemporaryDirectory(prefix="catalog-") as parent:
        clone = Path(parent) / "clone"
        protocol, deadline = url.partition(":")[0], time.monotonic() + timeout
        run = partial(git.run, folder=Path(parent), location=location, protocol=protocol, deadline=deadline)
        run("clone", *_CLONE_OPTIONS, "--", url, str(clone))
        run("-C", str(clone), "sparse-checkout", "set", "--no-cone", *_CLONED_FILES)
        run("-C", str(clone), "checkout", "--quiet")
        yield clone


_CLONE_OPTIONS = (
    "--quiet", "--depth=1", "--single-branch", "--no-tags", "--no-checkout", "--no-recurse-submodules",
    "--filter=blob:none", "--template=",
)  # fmt: skip


def check_location(location: str) -> str:
    """``location``, where it is a repository that may be fetched: https to an admitted host, without credentials."""
    hint = f"Write https://HOST/PATH with one of the hosts {', '.join(settings().git_hosts)} (PORTAL_GIT_HOSTS)."
    try:
        parts = urlsplit(location)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Invalid("The location is not a URL.", hint=hint) from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Invalid(
            "The location carries credentials or a query, which would be stored and logged.",
            hint="Leave them out and give them to git's credential helper on the machine of the portal.",
        )
    if parts.scheme != "https" or not re.fullmatch(r"https://[!-~]+", location):
        raise Invalid("The location is not an https URL.", hint=hint)
    if f"{host}:{port}" not in settings().git_hosts and (host not in settings().git_hosts or port not in (None, 443)):
        raise Invalid(f"The host {parts.netloc[:200]!r} is not admitted.", hint=hint)
    return location


def _local_url(location: str) -> str:
    path = Path(location.removeprefix("file://")).expanduser()
    if "\x00" in location or not path.is_dir():
        raise Invalid(f"{location[:200]!r} is not a repository on this machine.", hint="Name its folder.")
    return path.resolve().as_uri()
