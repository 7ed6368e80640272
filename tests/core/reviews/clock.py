"""The time as everybody in the portal reads it: it stands still until it is moved, forward or back."""

from __future__ import annotations

import sys

import pytest

from core import db
from tests.core.datasets.house import Clock


def stopped(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stop the clock of every module of the core that reads it."""
    real, made = db.now, Clock()
    for name, module in list(sys.modules.items()):
        if name.startswith("core.") and vars(module).get("now") is real:
            monkeypatch.setattr(module, "now", made)
    return made
