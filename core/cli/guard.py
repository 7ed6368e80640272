"""``python -m core.cli.guard``: what :mod:`core.cli.children` leaves behind, for when it is killed itself.

Standard input names process groups, ``7`` for one that began and ``-7`` for one that ended, and is closed when whoever
writes there ends. Nothing but the standard library is imported, so that it weighs little.
"""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Keep account of the groups until standard input is closed, then kill those that are left."""
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        number = int(line)
        groups.add(number) if number > 0 else groups.discard(-number)
    for group in groups:
        kill(group)


def kill(group: int) -> None:
    """Kill a process group; it may be gone."""
    with suppress(ProcessLookupError, PermissionError):  # the latter is macOS's word for a group of the dead
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
