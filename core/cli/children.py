"""Child processes that end with the one that started them, whatever ends it, and with everything they started.

Every child leads a process group. A guard (``guard.py``) is told of the groups through a pipe whose other end the
parent alone holds. A parent that is killed cannot end anybody, but the kernel closes its end of the pipe, and the guard
kills what is left. So it is on Linux and on macOS, and for programs that know nothing of it, such as MLflow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress

from core.cli.guard import kill
from core.config import ROOT

GRACE_SECONDS = 10
"""How long children have to end by themselves before they are killed."""

Process = subprocess.Popen[bytes]


class Children:
    """The children of this process; leaving the block ends them."""

    def __init__(self) -> None:
        self._running: list[Process] = []
        self._guard = subprocess.Popen(
            [sys.executable, "-S", "-m", "core.cli.guard"], cwd=ROOT, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._guard.stdin is not None
        self._told = self._guard.stdin.fileno()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self, command: list[str], *, output: int | None = None, low_priority: bool = False) -> Process:
        """Start a child; ``output`` is the file descriptor that it writes to instead of this process's own."""

        def prepare() -> None:  # in the child, so that there is no moment in which the guard does not know it
            os.write(self._told, b"%d\n" % os.getpid())
            if low_priority:
                os.nice(10)

        child = subprocess.Popen(
            command, cwd=ROOT, process_group=0, preexec_fn=prepare,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        self._running.append(child)
        return child

    def bury(self, child: Process) -> None:
        """Kill what is left of a child's group, such as the server of one that has ended, which still holds its port."""
        kill(child.pid)
        child.wait()
        with suppress(BrokenPipeError):
            os.write(self._told, b"-%d\n" % child.pid)
        self._running.remove(child)

    def end(self) -> None:
        """Ask all to end, and kill what has not ended after :data:`GRACE_SECONDS`."""
        for child in self._running:
            child.terminate()  # not its group: it knows best in which order to end what it started
        deadline = time.monotonic() + GRACE_SECONDS
        for child in list(self._running):
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(deadline - time.monotonic(), 0.1))
            self.bury(child)
        self._guard.communicate()
