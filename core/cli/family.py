"""The processes of ``serve``: they start together, those that should not have ended start again, and all end together."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from core.cli.children import Children, Process
from core.config import data_folder

RESTARTS = 5
"""How often in a row a member is started again."""

STABLE_SECONDS = 60.0
"""A member that ran this long had started well: its restarts are counted anew."""

_LOOK_SECONDS = 0.2


@dataclass
class _Member:
    command: list[str]
    quiet: bool
    once: bool
    low_priority: bool
    process: Process
    started: float
    restarts: int = 0


class Family:
    """Members that live and end together; the first signal that asks this process to end is for all of them."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._ending = False
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(one, self._end)
        self._children = Children()

    def start(
        self, name: str, command: list[str], *, quiet: bool = False, once: bool = False, low_priority: bool = False
    ) -> None:
        """Start a member, unless all are to end already.

        ``quiet`` sends its output to a log in the data folder, ``once`` lets it end by itself.
        """
        if not self._ending:
            process = self._spawn(name, command, quiet, low_priority)
            self._members[name] = _Member(command, quiet, once, low_priority, process, time.monotonic())

    def wait_for(self, main: str) -> int:
        """Wait until the member ``main`` ends or a signal asks for the end of all; returns the exit code."""
        code: int | None = None
        try:
            while not self._ending and (code := self._members[main].process.poll()) is None:
                self._look_after_others(main)
                time.sleep(_LOOK_SECONDS)
        finally:
            self._children.end()
        if self._ending:
            return 0
        say(f"The {main} ended with {_how(code or 0)}.")
        return code or 0

    def _look_after_others(self, main: str) -> None:
        for name, member in list(self._members.items()):
            if name == main or member.process.poll() is None:
                continue
            self._children.bury(member.process)
            if member.once or not self._may_restart(member):
                del self._members[name]
                self._tell_of_the_end(name, member)
            else:
                say(f"{name} ended with {_how(member.process.returncode)}; starting it again.")
                member.process = self._spawn(name, member.command, member.quiet, member.low_priority)
                member.started = time.monotonic()

    def _may_restart(self, member: _Member) -> bool:
        is_stable = time.monotonic() - member.started >= STABLE_SECONDS
        member.restarts = 1 if is_stable else member.restarts + 1
        return member.restarts <= RESTARTS

    def _tell_of_the_end(self, name: str, member: _Member) -> None:
        how = _how(member.process.returncode)
        if not member.once:
            why = f"; {_log(name)} tells why" if member.quiet else ""
            say(f"{name} ended {member.restarts} times in a row, last with {how}, and is not started again{why}.")
        elif member.process.returncode:
            say(f"{name} ended with {how} before it was done; the next start goes on where it stopped.")

    def _spawn(self, name: str, command: list[str], quiet: bool, low_priority: bool) -> Process:
        if not quiet:
            return self._children.start(command, low_priority=low_priority)
        path = _log(name)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        output = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            return self._children.start(command, output=output, low_priority=low_priority)
        finally:
            os.close(output)

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._ending = True


def say(line: str) -> None:
    """Tell whoever looks at the terminal."""
    print(line, flush=True)


def _log(name: str) -> Path:
    return data_folder() / "logs" / f"{name.lower()}.log"


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
