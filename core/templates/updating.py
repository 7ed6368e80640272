"""Bringing a project to a newer template version: git's three-way merge of what the template was, is now, and the project.

The template as it was rendered is the common ancestor; copier would apply a difference instead and exits with success on
conflicts, whereas a merge names every file that it could not bring together.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from core import git
from core.templates import repository, snapshot
from core.templates.repository import run
from core.templates.snapshot import Snapshot

PATCH, BUNDLE = "update.patch", "update.bundle"
OWN_FILES = ("FACTORY.yaml", ".copier-answers.yml")
"""Files that only the portal writes: an update always brings its own."""


@dataclass(frozen=True)
class Merged:
    """The project with the update in it: all its files, the patch to the project, what changed and where people decide."""

    files: Snapshot
    patch: bytes
    changed: tuple[str, ...]
    conflicts: tuple[str, ...]
    """Files with conflict markers, or that one side changed and the other removed."""


def merge(before: Snapshot, after: Snapshot, project: Snapshot) -> Merged:
    """Merge the change from ``before`` to ``after`` (both rendered) into ``project``."""
    with tempfile.TemporaryDirectory(prefix="update-") as parent:
        folder = Path(parent) / "merge"
        repository.make(before, folder, subject="The template as it was", at=0)
        _branch(folder, "after", after)
        _branch(folder, "project", _with_own_files_of(before, project))
        try:
            run(folder, "merge", "--quiet", "--no-commit", "--no-ff", "after")
        except git.GitFailed as failed:
            if failed.exit_code != 1:
                raise
        conflicts = _listed(run(folder, "diff", "--name-only", "--diff-filter=U", "-z"))
        run(folder, "add", "--all", "--force", ".")
        changed = _listed(run(folder, "diff", "--cached", "--name-only", "-z", "project"))
        patch = run(folder, "diff", "--cached", "--binary", "project")
        return Merged(snapshot.from_folder(folder), patch.encode(), changed, conflicts)


def _with_own_files_of(before: Snapshot, project: Snapshot) -> Snapshot:
    own = {path: before.files[path] for path in OWN_FILES if path in before.files and path in project.files}
    return Snapshot(dict(project.files) | own)


def packed(merged: Merged, bundle: bytes = b"") -> bytes:
    """What a team downloads: the patch, the bundle with the branch where the project came from git, and all files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        _add(made, PATCH, merged.patch)
        if bundle:
            _add(made, BUNDLE, bundle)
        for path, file in merged.files.files.items():
            _add(made, f"files/{path}", file.content, 0o755 if file.executable else 0o644)
    return content.getvalue()


def _add(made: zipfile.ZipFile, path: str, content: bytes, mode: int = 0o644) -> None:
    entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (0o100000 | mode) << 16
    made.writestr(entry, content)


def _branch(folder: Path, name: str, files: Snapshot) -> None:
    run(folder, "checkout", "--quiet", "-b", name, "main")
    replace(folder, files)
    repository.commit(folder, name, 0)


def replace(folder: Path, files: Snapshot) -> None:
    """Let a repository's work tree hold ``files`` and nothing else."""
    run(folder, "rm", "--quiet", "-r", "--force", "--ignore-unmatch", ".")
    repository.write(files, folder)


def _listed(printed: str) -> tuple[str, ...]:
    return tuple(one for one in printed.split("\0") if one)
