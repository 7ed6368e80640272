"""A clock that a test moves: every process of a portal started with this folder on PYTHONPATH reads the time through it.

Python imports this file by its name before anything else, so that ``from core.db import now`` finds the moved clock.
``PORTAL_TEST_CLOCK`` names a file that holds by how many hours the portal is ahead.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from core import db

_CLOCK = Path(os.environ["PORTAL_TEST_CLOCK"])


def _moved_now() -> datetime:
    return datetime.now(UTC) + timedelta(hours=float(_CLOCK.read_text()))


db.now = _moved_now
