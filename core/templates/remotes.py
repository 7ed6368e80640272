"""Git repositories beyond the portal: which may be read and pushed to, reading a template, delivering a repository.

A person names an address; only what the operator allows is spoken to. ``PORTAL_GIT_REMOTES`` lists prefixes that may be
pushed to and read; templates are also read over https from ``PORTAL_GIT_HOSTS``.
"""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from core import git
from core.catalog import sources
from core.config import settings
from core.errors import Conflict, Invalid
from core.templates import repository, snapshot, updating
from core.templates.snapshot import Snapshot

SECONDS = 60.0
"""Time for one exchange with a remote."""

_ADDRESS = re.compile(r"(file|https|ssh)://[!-~]+")
_REF = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,199}")


def check_remote(address: str) -> str:
    """``address``, where the operator allows to push to it and it carries no credentials."""
    prefixes = settings().git_remotes
    if not prefixes:
        hint = "Choose the zip or the bundle, or ask an administrator to set PORTAL_GIT_REMOTES."
        raise Invalid("This portal pushes to no git repository.", hint=hint)
    hint = f"Write an address that starts with one of: {', '.join(prefixes)} (PORTAL_GIT_REMOTES)."
    if not _ADDRESS.fullmatch(address):
        raise Invalid("That is no git address.", hint=hint)
    parts = urlsplit(address)
    if parts.password or (parts.username and parts.scheme != "ssh") or parts.query or parts.fragment:
        raise Invalid(
            "The address carries credentials or a query, which would be stored and logged.",
            hint="Leave them out and give them to git's credential helper on the machine of the portal.",
        )
    if ".." in parts.path.split("/") or "%" in parts.path or not address.startswith(prefixes):
        raise Invalid("The address is not among those that are allowed.", hint=hint)
    return address


def check_source(address: str) -> str:
    """``address``, where a template or a project may be read from it."""
    if settings().git_remotes and address.startswith(settings().git_remotes):
        return check_remote(address)
    return sources.check_location(address)


def check_ref(ref: str) -> str:
    """A branch or tag, or nothing for the default branch."""
    if ref and (not _REF.fullmatch(ref) or ".." in ref):
        raise Invalid(f"{ref[:80]!r} is no branch or tag.")
    return ref


def fetch(address: str, *, ref: str = "", folder: str = "") -> tuple[Snapshot, str]:
    """The files of a repository at ``ref``, or of a ``folder`` in it, and the commit they are from."""
    check_source(address)
    wanted = ("--branch", check_ref(ref)) if ref else ()
    deadline = time.monotonic() + SECONDS
    with tempfile.TemporaryDirectory(prefix="template-") as parent:
        clone = Path(parent) / "clone"
        git.run(
            "clone", "--quiet", "--depth=1", "--single-branch", "--no-tags", "--no-recurse-submodules", "--template=",
            *wanted, "--", address, str(clone),
            folder=Path(parent), location=address, protocol=address.partition(":")[0], deadline=deadline,
        )  # fmt: skip
        commit = git.run("rev-parse", "HEAD", folder=clone, location=address, deadline=deadline).strip()
        inside = _inside(clone, folder)
        return snapshot.from_folder(inside), commit


def push(files: Snapshot, address: str, *, subject: str, at: int) -> str:
    """Push a repository with ``files`` as its one commit to an empty remote; returns the commit.

    Refused where the remote has anything, so that nothing of somebody else's is ever overwritten.
    """
    check_remote(address)
    protocol, deadline = address.partition(":")[0], time.monotonic() + SECONDS
    with tempfile.TemporaryDirectory(prefix="deliver-") as parent:
        made = Path(parent) / "made"
        commit = repository.make(files, made, subject=subject, at=at)
        there = git.run("ls-remote", "--", address, folder=made, location=address, protocol=protocol, deadline=deadline)
        heads = {line.partition("\t")[2]: line.partition("\t")[0] for line in there.splitlines()}
        if heads.get("refs/heads/main") == commit:
            return commit  # an earlier attempt was cut off after it arrived
        if heads:
            raise Conflict(
                f"{address} is not empty.", hint="Make a new, empty repository, without a README or licence."
            )
        git.run(
            "push", "--quiet", "--", address, "main:refs/heads/main",
            folder=made, location=address, protocol=protocol, deadline=deadline,
        )  # fmt: skip
        return commit


def _inside(clone: Path, folder: str) -> Path:
    parts = [one for one in folder.split("/") if one]
    if ".." in parts or ".git" in parts:
        raise Invalid(f"{folder[:80]!r} is no folder of the repository.")
    found = clone.joinpath(*parts)
    if not found.is_dir():
        raise Invalid(f"The repository has no folder {folder[:80]!r}.", hint="Leave it empty for the whole repository.")
    return found


def branch(address: str, files: Snapshot, *, name: str, subject: str, at: int) -> bytes:
    """A git bundle with one commit on the remote's default branch, after which the repository holds ``files``."""
    check_source(address)
    deadline = time.monotonic() + SECONDS
    with tempfile.TemporaryDirectory(prefix="branch-") as parent:
        clone = Path(parent) / "clone"
        git.run(
            "clone", "--quiet", "--depth=1", "--single-branch", "--no-tags", "--template=", "--", address, str(clone),
            folder=Path(parent), location=address, protocol=address.partition(":")[0], deadline=deadline,
        )  # fmt: skip
        repository.run(clone, "checkout", "--quiet", "-b", name)
        updating.replace(clone, files)
        repository.commit(clone, subject, at)
        repository.run(clone, "bundle", "create", "--quiet", "../branch.bundle", f"HEAD~1..{name}")
        return (Path(parent) / "branch.bundle").read_bytes()
