"""The child process that runs the code of strangers; started by ``walls.py`` and by nothing else.

It imports what it needs, walls itself in, and only then reads what it is to work on. It says where it is while it works,
one JSON object a line, and at last its result or the wall that stopped it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from core.templates import asking
from core.templates.dialect import Stopped

_NEW_USER, _NEW_NETWORK, _END_WITH_PARENT = 0x10000000, 0x40000000, 1

Request = Mapping[str, Any]
Work = Callable[[Request], dict[str, Any]]


def main(work: str, limits: str) -> NoReturn:
    """Do one piece of work, say what came of it, and end."""
    do = _work(work)
    _wall_in(json.loads(limits))
    try:
        _say({"result": do(json.load(sys.stdin.buffer))})
    except Stopped as stop:
        _say({"wall": stop.wall})
    except MemoryError:
        _say({"wall": "memory"})
    except RecursionError:
        _say({"wall": "depth"})
    os._exit(0)  # nothing is left to tidy up, and nothing of the template's may run on the way out


def _work(name: str) -> Work:
    """What is to be done; only rendering pays for copier."""
    if name == "render":
        from core.templates import child

        return lambda request: child.render(request, say_where)
    if name == "lint":
        from core.templates import inspecting

        return lambda request: inspecting.inspect(request, say_where)
    return lambda request: asking.look(request, say_where)


def say_where(place: str) -> None:
    """Tell the portal what is being worked on, in case it is the last that is heard from here."""
    _say({"at": place})


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(message, default=str).encode() + b"\n")
    sys.stdout.buffer.flush()


def _wall_in(limits: Mapping[str, Any]) -> None:
    os.umask(0o077)
    _stand_alone()
    cpu = math.ceil(time.process_time()) + limits["cpu_seconds"]  # what the imports took is not the template's
    for name, soft, hard in (
        ("RLIMIT_AS", limits["memory"], limits["memory"]),
        ("RLIMIT_CPU", cpu, cpu + 1),
        ("RLIMIT_FSIZE", limits["file_bytes"], limits["file_bytes"]),
        ("RLIMIT_NOFILE", 64, 64),
        ("RLIMIT_NPROC", 0, 0),
        ("RLIMIT_CORE", 0, 0),
    ):
        with contextlib.suppress(ValueError, OSError, AttributeError):  # not every system has or allows each of them
            resource.setrlimit(getattr(resource, name), (soft, hard))


def _stand_alone() -> None:
    """Go where no network is, and end when the portal does, if the system lets us.

    A template has no means to use a network anyway, and other limits end a child that is left alone.
    """
    with contextlib.suppress(Exception):
        import ctypes

        system = ctypes.CDLL(None)
        if system.unshare(_NEW_NETWORK) != 0:
            system.unshare(_NEW_USER | _NEW_NETWORK)
        system.prctl(_END_WITH_PARENT, signal.SIGKILL)
