"""Where tests keep their files: in memory, where there is plenty of it. ``python3 tests/in_memory.py`` prints the folder.

The tests make some thousand stores on both databases, and delete each a moment later. On a disk that takes several times
as long as the tests themselves. Where TMPDIR names a folder, the memory is small or programs cannot be started from it,
the usual temporary folder serves.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

FOLDER = Path("/dev/shm")
NEEDED = 6 * 2**30
"""Bytes: three times what the whole run was seen to hold at once."""


def folder() -> str:
    """The folder in memory, or the usual one."""
    return str(FOLDER) if not os.environ.get("TMPDIR") and _serves() else tempfile.gettempdir()


def _serves() -> bool:
    if not FOLDER.is_dir() or not os.access(FOLDER, os.W_OK):
        return False
    there = os.statvfs(FOLDER)
    is_large = there.f_bavail * there.f_frsize > NEEDED and _free() > NEEDED
    return is_large and not there.f_flag & os.ST_NOEXEC


def _free() -> int:
    """Bytes of memory that programs can still have."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    print(folder())
