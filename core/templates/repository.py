"""A rendered repository as git has it: one commit with fixed author and time, so that the same files are the same commit."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from core import git
from core.templates.snapshot import Snapshot

AUTHOR = "AI factory portal"
EMAIL = "portal@factory.example"
SECONDS = 60.0


def make(files: Snapshot, folder: Path, *, subject: str, at: int) -> str:
    """Make a repository in ``folder`` with ``files`` as its one commit, made ``at`` a Unix time; returns the commit."""
    write(files, folder)
    run(folder, "init", "--quiet", "--template=", "--initial-branch=main", ".")
    return commit(folder, subject, at)


def bundle(files: Snapshot, *, subject: str, at: int) -> bytes:
    """The repository as a git bundle: one file that can be cloned."""
    with tempfile.TemporaryDirectory(prefix="bundle-") as parent:
        made = Path(parent) / "made"
        make(files, made, subject=subject, at=at)
        run(made, "bundle", "create", "--quiet", "../made.bundle", "main", "HEAD")
        return (Path(parent) / "made.bundle").read_bytes()


def commit(folder: Path, subject: str, at: int) -> str:
    """Commit everything in ``folder``; returns the commit."""
    run(folder, "add", "--all", "--force", ".")
    run(folder, "commit", "--quiet", "--allow-empty", "--no-verify", f"--message={subject}", at=at)
    return run(folder, "rev-parse", "HEAD").strip()


def run(folder: Path, *arguments: str, at: int = 0) -> str:
    """Run git in a repository of the portal's own making."""
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", AUTHOR), ("EMAIL", EMAIL), ("DATE", f"@{at} +0000"))
    }
    deadline = time.monotonic() + SECONDS
    return git.run(*arguments, folder=folder, location="the repository", deadline=deadline, identity=identity)


def write(files: Snapshot, folder: Path) -> None:
    """Write ``files`` below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, file in files.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(0o755 if file.executable else 0o644)


def commit_of(files: Snapshot, *, subject: str, at: int) -> str:
    """The commit that ``files`` are, as :func:`bundle` and a push have it."""
    with tempfile.TemporaryDirectory(prefix="commit-") as parent:
        return make(files, Path(parent) / "made", subject=subject, at=at)
