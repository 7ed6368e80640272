"""Entries as YAML files that people review in git: the same entry always gives the same bytes, and reads back equal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from core.catalog.documents import DEFAULT_NAMESPACE, OTHERS, nested_models, place
from core.catalog.kinds import API_VERSION, SPECS, Document, Metadata
from core.errors import Invalid

_TEXT_TAG = "tag:yaml.org,2002:str"
_BREAKS_BUT_NEWLINE = re.compile("[\r\x85\u2028\u2029]")
_BEYOND_LIBYAML = re.compile("[\U00010000-\U0010ffff]")
_NUMBER_ELSEWHERE = re.compile(r"[-+]?(0[box][0-9a-fA-F]+|(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)")
_BOOLEANS_ELSEWHERE = {"y", "n"}


def to_yaml(document: Mapping[str, Any]) -> str:
    """One entry as YAML: fields in the order of its kind, unknown ones after them by name, lines never folded."""
    kind = str(document.get("kind", "")).lower()
    known = {"metadata": Metadata} | ({"spec": SPECS[kind]} if _is_ours(document) else {})
    ordered = {
        name: _ordered(document[name], known.get(name)) for name in _names(document, Document) if name in document
    }
    return dump(ordered)


def dump(value: Any) -> str:
    """Any part of an entry as YAML, in the order it has; text stays text for every reader."""
    keeps_unicode = _BEYOND_LIBYAML.search(str(value)) is None  # libyaml would write an emoji as an escape
    return str(yaml.dump(value, Dumper=_FastDumper if keeps_unicode else _Dumper, **_STYLE))


def write_folder(definitions: Iterable[tuple[Mapping[str, Any], str]], folder: Path) -> int:
    """Write each document and README into its place below ``folder``; returns how many entries were written."""
    count = 0
    for document, readme in definitions:
        entry = folder / _place(document)
        try:
            entry.mkdir(parents=True, exist_ok=True)
            (entry / "entry.yaml").write_bytes(to_yaml(document).encode())
            if readme:
                (entry / "README.md").write_bytes(readme.encode())
            else:
                (entry / "README.md").unlink(missing_ok=True)
        except OSError as error:
            raise Invalid(f"{str(entry)!r} cannot be written: {error.strerror}.", hint="Name another folder.") from None
        count += 1
    return count


def _is_ours(document: Mapping[str, Any]) -> bool:
    return document.get("apiVersion") == API_VERSION and str(document.get("kind", "")).lower() in SPECS


def _place(document: Mapping[str, Any]) -> str:
    kind, metadata = str(document["kind"]).lower(), document["metadata"]
    namespace, name = metadata.get("namespace", DEFAULT_NAMESPACE).lower(), metadata["name"]
    return place(kind, namespace, name) if _is_ours(document) else f"{OTHERS}/{kind}.{namespace}.{name}"


def _ordered(value: Any, model: type[BaseModel] | None) -> Any:
    if isinstance(value, list):
        return [_ordered(child, model) for child in value]
    if not isinstance(value, dict):
        return value
    fields = {(info.alias or name): info for name, info in model.model_fields.items()} if model else {}
    return {
        name: _ordered(value[name], next(nested_models(fields[name].annotation), None) if name in fields else None)
        for name in _names(value, model)
    }


def _names(value: Mapping[str, Any], model: type[BaseModel] | None) -> list[str]:
    known = [info.alias or name for name, info in model.model_fields.items()] if model else []
    return [name for name in known if name in value] + sorted(value.keys() - set(known))


def _represent_text(dumper: yaml.representer.SafeRepresenter, text: str) -> yaml.ScalarNode:
    style: str | None
    if _BREAKS_BUT_NEWLINE.search(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    else:
        style = "'" if _misread_elsewhere(text) else None
    return dumper.represent_scalar(_TEXT_TAG, text, style=style)


def _misread_elsewhere(text: str) -> bool:
    """Whether some YAML reader takes ``text`` for a number or a boolean where PyYAML does not, such as 1e3, 0o17, y."""
    return text.lower() in _BOOLEANS_ELSEWHERE or _NUMBER_ELSEWHERE.fullmatch(text) is not None


class _FastDumper(yaml.CSafeDumper):
    """libyaml's emitter with our way of writing text."""


class _Dumper(yaml.SafeDumper):
    """PyYAML's own emitter, about ten times slower, which keeps all of Unicode."""


_FastDumper.add_representer(str, _represent_text)
_Dumper.add_representer(str, _represent_text)

_STYLE: dict[str, Any] = {
    "default_flow_style": False, "sort_keys": False, "allow_unicode": True, "width": 2**31 - 1, "line_break": "\n",
}  # fmt: skip
