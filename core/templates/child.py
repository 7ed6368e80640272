"""Copier, in the child process: told nothing of this machine, with our dialect, and stopped when it makes too much.

The answers are looked at first by ``asking.py`` and then by copier itself; both must come to the same.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from traceback import walk_tb
from typing import Any

from copier._jinja_ext import CopierTemplateLoader, SandboxedEnvironment
from copier._main import Worker
from copier._settings import SettingsModel
from copier._types import LazyDict
from jinja2 import TemplateSyntaxError

from core.templates import asking
from core.templates.asking import Tell
from core.templates.dialect import FILTERS, Environment, Stopped

_FULL = {errno.EFBIG, errno.ENOSPC, errno.EDQUOT}


def render(request: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Render the template in the folder that is named: ``answers``, or ``wrong`` ones, or why the template is ``refused``."""
    looked = asking.look(request, tell)
    if looked["errors"]:
        return {"wrong": looked["errors"], "refused": ""}
    asked = {one["name"] for one in looked["fields"] if one["visible"]}
    given = {name: answer for name, answer in request["answers"].items() if name in asked}
    try:
        worker = _copied(request, given, tell)
    except _Refused as refusal:
        return {"wrong": {}, "refused": str(refusal)}
    _compare(looked["answers"], worker.answers.user)
    return {"wrong": {}, "refused": "", "answers": looked["answers"], "asked": sorted(asked)}


class _Refused(Exception):
    """What is wrong with the template: the file, the line and the problem."""


class _Environment(Environment, SandboxedEnvironment):
    """Our dialect, as the kind of environment that copier asks for."""


class _Worker(Worker):
    """Copier's work, file by file."""

    request: Mapping[str, Any]
    tell: Tell
    files = 0
    bytes = 0

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        """Our dialect instead of copier's filters and extensions."""
        return _Environment(loader=CopierTemplateLoader(self.template.local_abspath), **self.template.envops)

    def _answers_to_remember(self) -> Mapping[str, Any]:
        origin = {"_commit": self.request["commit"], "_src_path": self.request["source"]}
        return origin | {key: value for key, value in super()._answers_to_remember().items() if key[:1] != "_"}

    def _render_context(self) -> dict[str, Any]:
        """The answers, and what an answers file is made of; nothing of this machine, the clock or copier's own."""
        answers = {name: value for name, value in self.answers.combined.items() if name in self.template.questions_data}
        conf = {"answers_file": self.request["answers_file"]}
        return answers | {"_copier_answers": dict(self._answers_to_remember()), "_copier_conf": conf}

    def _external_data(self) -> LazyDict[str, Any]:
        return LazyDict()

    def _solve_render_conflict(self, dst_relpath: Path) -> bool:
        raise _Refused(f"Two files of the template become {str(dst_relpath)!r}.")

    def _render_file(self, src_relpath: Path, dst_relpath: Path, extra_context: dict[str, Any] | None = None) -> None:
        self.tell(f"the file {str(src_relpath)!r}")
        try:
            super()._render_file(src_relpath, dst_relpath, extra_context)
        except (MemoryError, RecursionError, _Refused):
            raise
        except OSError as error:
            if error.errno in _FULL:
                raise Stopped("size") from None
            raise _Refused(f"{src_relpath}: {error.strerror}.") from None
        except Exception as error:  # the code of strangers fails in every way there is
            raise _Refused(f"{src_relpath}, line {_line(error, src_relpath)}: {error}.") from None
        self._count(self.subproject.local_abspath / dst_relpath)

    def _count(self, made: Path) -> None:
        limits = self.request["limits"]
        self.files += 1
        self.bytes += made.stat().st_size if made.is_file() else 0
        if self.files > limits["files"]:
            raise Stopped("files")
        if self.bytes > limits["bytes"]:
            raise Stopped("size")


def _copied(request: Mapping[str, Any], given: dict[str, Any], tell: Tell) -> _Worker:
    folder = Path(request["project"])
    worker = _Worker(
        src_path=request["template"], dst_path=folder, data=given, settings=SettingsModel(), defaults=True,
        quiet=True, skip_tasks=True, cleanup_on_error=False,
    )  # fmt: skip
    worker.request, worker.tell = request, tell
    try:
        worker.run_copy()
        _remember(worker, folder / request["answers_file"])
    except (MemoryError, RecursionError, Stopped, _Refused):
        raise
    except Exception as error:  # copier's own refusals have no common class but this
        raise _Refused(f"{error}") from None
    return worker


def _remember(worker: _Worker, answers_file: Path) -> None:
    """A template that does not record its answers could never be updated: record them for it."""
    if not answers_file.exists():
        answers_file.parent.mkdir(parents=True, exist_ok=True)
        answers_file.write_text(FILTERS["to_nice_yaml"](dict(worker._answers_to_remember())), "utf-8")


def _compare(looked: Mapping[str, Any], copiers: Mapping[str, Any]) -> None:
    """Copier asked for itself; where it comes to another answer than we, one of the two checks was passed by."""
    for name in looked.keys() & copiers.keys():
        if looked[name] != copiers[name]:
            raise AssertionError(f"{name}: two readings of the answers differ")


def _line(error: Exception, source: Path) -> int:
    """The line of the template that failed."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename.endswith(str(source))]
    return lines[-1] if lines else 1
