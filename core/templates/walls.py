"""A child process for the code of strangers, and the walls around it.

The child starts with an empty environment in a private folder and a session of its own, limits itself before it reads
what it is to work on (``child.py``), and is watched from here: its time, the size of what it says, the number and size of
its files. Whatever stops it is named by :class:`RenderingFailed`. Nothing but JSON goes in and comes out.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.config import ROOT
from core.errors import PortalError
from core.templates.snapshot import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES

PROJECT, TEMPLATE = "project", "template"
"""Folders in the private folder: what comes out, and what is rendered."""

_MB = 1024 * 1024
_STEP = 0.05
_START = (
    "import sys; sys.path[:0] = sys.argv[3:4]; sys.path += sys.argv[4:]; "
    "from core.templates import process; process.main(sys.argv[1], sys.argv[2])"
)
_PACKAGES = ("jinja2", "markupsafe", "yaml", "copier")
_ENVIRONMENT = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "PATH": "/nonexistent"}

TOLD = {
    "time": ("did not end in the time it has", "Look for loops and patterns without end."),
    "memory": ("needs more memory than it has", "Look for texts and lists that are made to grow."),
    "size": ("writes more than a project may hold", "Keep data out of templates."),
    "files": ("makes more files than a project may hold", "Keep data out of templates."),
    "depth": ("calls itself without end", "Look for macros that call themselves."),
    "crash": ("ended its process", "Try again; if it happens again, the template cannot be used."),
}
"""The walls: what a template does that stops there, and what to do."""


class RenderingFailed(PortalError):
    """A template was stopped at a wall, which ``code`` names: time, memory, size, files, depth or crash."""

    code = "crash"


@dataclass(frozen=True)
class Limits:
    """What a child may use."""

    seconds: float = 60
    cpu_seconds: int = 30
    memory: int = 512 * _MB
    file_bytes: int = MAX_FILE_BYTES
    files: int = MAX_FILES
    bytes: int = MAX_BYTES
    answer_bytes: int = 8 * _MB


QUICK = Limits(seconds=15, cpu_seconds=5)
"""For a look at a form, which somebody waits for."""


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that only this user can read, and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="portal-template-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def run(work: str, request: Mapping[str, Any], folder: Path, limits: Limits) -> dict[str, Any]:
    """What the child answers to ``request``; raises :class:`RenderingFailed` where it is stopped."""
    with tempfile.TemporaryFile(dir=folder) as asked:
        asked.write(json.dumps(request).encode())
        asked.seek(0)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter on our own module
            [sys.executable, "-s", "-P", "-S", "-c", _START, work, json.dumps(asdict(limits)), str(ROOT), *_packages()],
            stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=folder, env=_ENVIRONMENT | {"HOME": str(folder), "TMPDIR": str(folder)}, start_new_session=True,
        )  # fmt: skip
    try:
        said, wall = _listen(process, folder / PROJECT, limits)
    finally:
        _end(process)
    return _understood(said, wall, process.returncode)


@cache
def _packages() -> tuple[str, ...]:
    """The folders that hold what the child imports; the rest of the path is not the child's."""
    found = (find_spec(name) for name in _PACKAGES)
    return tuple(sorted({str(Path(spec.origin).parents[1]) for spec in found if spec and spec.origin}))


def _listen(process: subprocess.Popen[bytes], project: Path, limits: Limits) -> tuple[bytes, str]:
    """What the child said until it ended, and the wall that stopped it, if one did."""
    assert process.stdout
    end, looked = time.monotonic() + limits.seconds, time.monotonic()
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(_STEP):
                chunk = os.read(process.stdout.fileno(), 64 * 1024)
                if not chunk:
                    return bytes(said), ""
                said += chunk
            wall = "size" if len(said) > limits.answer_bytes else "time" if time.monotonic() > end else ""
            if not wall and time.monotonic() - looked > _STEP:
                wall, looked = _too_much(project, limits), time.monotonic()
            if wall:
                return bytes(said), wall


def _too_much(project: Path, limits: Limits) -> str:
    files = total = 0
    folders = [str(project)]
    while folders:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                files += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
                if files > 2 * limits.files or total > limits.bytes:
                    return "files" if files > 2 * limits.files else "size"
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End everything in the child's session; how a child ended that has ended by itself is not changed by it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _understood(said: bytes, wall: str, ended_with: int) -> dict[str, Any]:
    lines = said.decode("utf-8", "replace").splitlines()
    last: dict[str, Any] = _read(lines[-1]) if lines and said.endswith(b"\n") else {}
    if not wall and "result" in last:
        return last["result"]  # type: ignore[no-any-return]
    if not wall:
        wall = last.get("wall") or {-signal.SIGXCPU: "time", -signal.SIGKILL: "memory"}.get(ended_with, "crash")
    places = [found["at"] for line in lines[-2:] if "at" in (found := _read(line))]
    problem, hint = TOLD[wall]
    raise RenderingFailed(f"The template {problem}{f', at {places[-1]}' if places else ''}.", code=wall, hint=hint)


def _read(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
