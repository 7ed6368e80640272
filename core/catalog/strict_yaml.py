"""YAML from strangers as JSON values: text, finite numbers, booleans, null, lists and mappings with text keys.

Documents are built straight from libyaml's events, in one pass and faster than by PyYAML's loader, whose composer
recurses in C: 100 KB of ``[`` end the process. Refused are nesting without end, aliases (a 304-byte file can
grow to 25 MB), tags, doubled keys, and what the databases cannot keep. Plain scalars mean what they mean in YAML 1.2:
``on``, ``12:30`` and dates are text, and so is every ``version``, since 1.10 is not 1.1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from core.catalog.kinds import CONTROL
from core.errors import Invalid

MAX_DEPTH = 40

_TEXT_TAGS = (None, "tag:yaml.org,2002:str")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_STARTS_A_NUMBER = frozenset("-+.0123456789")


def documents(text: str) -> Iterator[Any]:
    """Every document of ``text``, one after the other; raises :class:`~core.errors.Invalid` at the first that cannot be read."""
    events = yaml.parse(text, Loader=yaml.CBaseLoader)
    try:
        for event in events:
            if type(event) is yaml.DocumentStartEvent:
                yield _value(next(events), events, 1)
    except yaml.YAMLError as error:
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        mark = getattr(error, "problem_mark", None)
        raise _refused(f"is not valid YAML: {reason}", "Mend the line named.", mark) from None
    except UnicodeEncodeError:
        raise _refused("is not valid Unicode", "Save it as UTF-8 text.") from None


def _value(event: Any, events: Iterator[Any], level: int) -> Any:
    if type(event) is yaml.AliasEvent:
        raise _refused("uses a YAML alias (*name)", "Write the value out where it is used.", event.start_mark)
    if event.tag not in _TEXT_TAGS:
        hint = "Write the value without it; quote it to make it text."
        raise _refused(f"uses the YAML tag {event.tag!r}", hint, event.start_mark)
    if type(event) is yaml.ScalarEvent:
        return _resolved(event) if event.implicit[0] and not event.style else _text(event)
    if level > MAX_DEPTH:
        raise _refused(f"is nested deeper than {MAX_DEPTH} levels", "Flatten it.", event.start_mark)
    return (_mapping if type(event) is yaml.MappingStartEvent else _list)(events, level)


def _list(events: Iterator[Any], level: int) -> list[Any]:
    found = []
    while type(event := next(events)) is not yaml.SequenceEndEvent:
        found.append(_value(event, events, level + 1))
    return found


def _mapping(events: Iterator[Any], level: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while type(event := next(events)) is not yaml.MappingEndEvent:
        if type(event) is not yaml.ScalarEvent or event.tag is not None:
            raise _refused("has a key that is not plain text", "Write 'name: value'.", event.start_mark)
        key = _text(event)
        if key in found:
            raise _refused(f"is not valid YAML: the key {key!r} occurs twice", "Keep one of them.", event.start_mark)
        value = next(events)
        is_version = key == "version" and type(value) is yaml.ScalarEvent and value.tag is None and value.value
        found[key] = _text(value) if is_version else _value(value, events, level + 1)
    return found


def _text(event: yaml.ScalarEvent) -> str:
    text: str = event.value
    if control := CONTROL.search(text):
        raise _refused(f"contains the control character {control.group()!r}", "Remove it.", event.start_mark)
    return text


def _resolved(event: yaml.ScalarEvent) -> Any:
    text = event.value
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS_A_NUMBER:
        return _text(event)
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if not _NUMBER.fullmatch(text):
        return _text(event)
    number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise _refused(f"contains the number {text[:80]}, which cannot be stored", "Remove it.", event.start_mark)
    return number


def _refused(message: str, hint: str, mark: Any = None) -> Invalid:
    """Why a text is not read, where, and the way out."""
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return Invalid(f"{message}{place}.", hint=hint)
