"""The installed git, kept on a short leash: no prompts, hooks, links or other protocols, within time and space.

Credentials come from git's own credential helpers and the ssh agent on the machine of the portal, never from an
address, so that none is stored or logged.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from core.errors import Unavailable

MAX_BYTES = 200 * 1024 * 1024
"""The largest folder that git may make."""

_CONFIGURATION = {
    "core.hooksPath": os.devnull,
    "core.symlinks": "false",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "filter.lfs.smudge": "",
    "filter.lfs.process": "",
    "filter.lfs.required": "false",
    "http.followRedirects": "false",
    "advice.detachedHead": "false",
    "core.autocrlf": "false",
    "init.defaultBranch": "main",
    "commit.gpgSign": "false",
    "gc.auto": "0",
}
_ENVIRONMENT = {
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=15",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
_OF_ANOTHER_REPOSITORY = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"}


class GitFailed(Unavailable):
    """git ended with an error; ``code`` is its exit code and ``output`` what it printed."""

    def __init__(self, message: str, *, hint: str, exit_code: int, output: str) -> None:
        super().__init__(message, hint=hint)
        self.exit_code, self.output = exit_code, output


def run(
    *arguments: str,
    folder: Path,
    location: str,
    deadline: float,
    protocol: str = "none",
    identity: dict[str, str] | None = None,
) -> str:
    """Run git in ``folder`` and return what it prints.

    ``location`` names the repository in errors, ``protocol`` is the only one git may speak, ``deadline`` a moment of
    ``time.monotonic()``. ``identity`` sets who commits and when. Raises :class:`GitFailed`, or
    :class:`~core.errors.Unavailable` where git takes too long, too much space, or is not there.
    """
    options = [part for name, value in _CONFIGURATION.items() for part in ("-c", f"{name}={value}")]
    kept = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    environment = kept | _ENVIRONMENT | {"GIT_ALLOW_PROTOCOL": protocol} | (identity or {})
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and `--` stands before what a person wrote
                ["git", *options, *arguments],  # noqa: S607 - the git on the path is the one to use
                stdin=subprocess.DEVNULL, stdout=printed, stderr=errors, env=environment, cwd=folder,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise Unavailable(f"git cannot be started: {error.strerror}.", hint="Install git for the portal.") from None
        try:
            _watch(process, folder, location, deadline)
        finally:
            _end(process)
        printed.seek(0)
        errors.seek(0)
        output = printed.read().decode("utf-8", "replace")
        if process.returncode:
            raise _failure(location, errors.read(10_000).decode("utf-8", "replace"), process.returncode, output)
        return output


def _watch(process: subprocess.Popen[bytes], folder: Path, location: str, deadline: float) -> None:
    """Wait for git as long as it keeps to its time and its space."""
    while process.poll() is None:
        if time.monotonic() > deadline:
            hint = "Try again later, or check that this machine reaches the host."
            raise Unavailable(f"{location} did not answer in time.", hint=hint)
        if _size(folder) > MAX_BYTES:
            raise Unavailable(f"{location} is too large.", hint="Put what is needed into a repository of its own.")
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with all its helpers, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:  # git removes its temporary files while they are counted
                continue
    return total


def _failure(location: str, errors: str, exit_code: int, output: str) -> GitFailed:
    lines = [line.removeprefix("fatal: ") for line in errors.splitlines() if line.startswith(("fatal: ", "error: "))]
    hint = ""
    if "could not read Username" in errors or "Authentication failed" in errors or "Permission denied" in errors:
        hint = "A private repository needs git's credential helper, or an ssh key, on the machine of the portal."
    elif "redirect" in errors:
        hint = "Write the URL it redirects to, often the same with '.git' at its end."
    reason = lines[0].rstrip(".") if lines else "git failed"
    return GitFailed(f"{location} cannot be reached: {reason}.", hint=hint, exit_code=exit_code, output=output)
