"""Which browser the journeys use: an installed Chromium or Chrome, or the one that PORTAL_CHROMIUM names."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def chromium() -> str | None:
    """The browser's path, or ``None``."""
    if given := os.environ.get("PORTAL_CHROMIUM"):
        return given if Path(given).exists() else None
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or next((path for path in _MAC if Path(path).exists()), None)


if __name__ == "__main__":
    if chromium() is None:
        print(
            "!!! NO CHROMIUM OR CHROME FOUND: the browser journeys will be SKIPPED. Install one, or set PORTAL_CHROMIUM.",
            file=sys.stderr,
        )
