"""What is read of a version's small files: signature, environment, reports and model card, as plain JSON values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog import strict_yaml
from core.errors import Invalid

KB = 1000
ENVIRONMENT_FILES = ("requirements.txt", "python_env.yaml", "conda.yaml")
LARGEST_ENVIRONMENT = 64 * KB
LARGEST_CONTENT = 256 * KB
LARGEST_DESCRIPTION = 1024 * KB
"""Of the file ``MLmodel``: the signature of a model with ten thousand columns is long."""
LARGEST_SUM = 1024 * KB
"""Of all contents of a version together."""
MAX_DEPTH = 40
"""Levels of nesting; what goes deeper is left out, and the file's hash stands for it."""
CARDS = ("model_card.md", "model-card.md", "modelcard.md", "model_card.json")
_DESCRIPTION = "MLmodel"


@dataclass
class Described:
    """What the small files of a version say, and in ``gaps`` which could not be understood."""

    signature: dict[str, Any] | None = None
    example: bool = False
    contents: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


def most_of(path: str, folder: str) -> int:
    """How many bytes of the file at ``path`` are kept as content; none where its hash is enough."""
    name = path.rpartition("/")[2]
    if path == f"{folder}/{_DESCRIPTION}":
        return LARGEST_DESCRIPTION
    if path.startswith(f"{folder}/") and name in ENVIRONMENT_FILES:
        return LARGEST_ENVIRONMENT
    is_report = path.startswith("rai/") and name.endswith(".json")
    return LARGEST_CONTENT if is_report or name.lower() in CARDS else 0


def described(files: Mapping[str, bytes], folder: str) -> Described:
    """What ``files`` (path → bytes) say, of a model whose own files are in ``folder``."""
    found = Described()
    room = LARGEST_SUM
    for path, data in sorted(files.items()):
        name = path.rpartition("/")[2]
        if path == f"{folder}/{_DESCRIPTION}":
            _describe(found, data)
        elif name in ENVIRONMENT_FILES:
            found.environment[name] = _text(data)
        elif len(data) > room:
            found.gaps.append(f"The content of {path} was left out: there is too much of it.")
        else:
            room -= len(data)
            found.contents[path] = _parsed(path, data)
    return found


def plain(value: Any, level: int = 0) -> Any:
    """``value`` as canonical JSON and both databases hold it: no NUL, no half of a character, no number without end."""
    if level > MAX_DEPTH:
        return "…"
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {plain(str(key)): plain(one, level + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, level + 1) for one in value]
    return value


def _describe(found: Described, data: bytes) -> None:
    try:
        document = next(strict_yaml.documents(_text(data)), None)
    except Invalid:
        document = None
    if not isinstance(document, dict):
        found.gaps.append(f"The file {_DESCRIPTION} of the model cannot be read, so its signature is not known.")
        return
    found.example = bool(document.get("saved_input_example_info"))
    signature = document.get("signature")
    if isinstance(signature, dict):
        found.signature = {part: _json(one) if isinstance(one, str) else one for part, one in signature.items()}


def _parsed(path: str, data: bytes) -> Any:
    text = _text(data)
    return _json(text) if path.endswith(".json") else text


def _json(text: str) -> Any:
    """The JSON value that ``text`` is, or ``text`` itself where it is none, or nested without end."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
