"""Write a model card in Markdown from plain data, and list what it does not say yet.

The sections are those of Mitchell et al., "Model Cards for Model Reporting", FAT* 2019. That paper asks for the
uncertainty of each figure; here a metric counts as complete with its dataset, its number of rows and its interval.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SECTIONS: dict[str, tuple[str, str]] = {
    "details": ("Model details", "name, version, owner, type, licence, date and contact"),
    "intended_use": ("Intended use", "who should use it, for what, and for what it must not be used"),
    "factors": ("Factors", "groups, devices and environments for which performance may differ"),
    "metrics": ("Metrics", "one entry per metric: name, value, dataset, rows, interval"),
    "evaluation_data": ("Evaluation data", "which data, why these, how they were prepared"),
    "training_data": ("Training data", "which data, from when, with which known gaps"),
    "quantitative_analyses": ("Quantitative analyses", "the metrics per factor and per combination of factors"),
    "ethical_considerations": (
        "Ethical considerations",
        "sensitive data, people affected, harms and what reduces them",
    ),
    "caveats": ("Caveats and recommendations", "what was not tested and what a user should watch"),
}
DETAILS = ("name", "version", "owner")
METRIC = ("name", "value", "dataset", "rows", "interval")
PLACEHOLDERS = {"", "-", "?", "n/a", "na", "none", "tbd", "todo", "tba", "xxx", "..."}


@dataclass(frozen=True)
class ModelCard:
    """The card, and the places that are still empty, such as ``metrics[0].interval``."""

    markdown: str
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every section says something and every metric can be judged."""
        return not self.missing


def write(content: Mapping[str, Any]) -> ModelCard:
    """The card of ``content``: a value per key of :data:`SECTIONS`, as text, list, mapping or list of mappings."""
    for key in content:
        if key not in SECTIONS:
            close = difflib.get_close_matches(str(key), SECTIONS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(SECTIONS)}"
            raise ValueError(f"{key!r} is no section of a model card; {hint}")
    _refuse_malformed(content)
    missing = tuple(_missing(content))
    details = content.get("details") or {}
    lines = [f"# Model card: {_inline(details.get('name', 'unnamed model'))}", ""]
    for key, (title, asks) in SECTIONS.items():
        lines += [f"## {title}", "", *_block(content.get(key), asks), ""]
    if missing:
        lines += ["## Not yet documented", "", *(f"- `{place}`" for place in missing), ""]
    return ModelCard("\n".join(lines), missing)


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: missing, a placeholder such as "TBD", or a container of such values."""
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().lower() in PLACEHOLDERS
    if isinstance(value, Mapping):
        return all(is_empty(one) for one in value.values())
    return isinstance(value, Sequence) and all(is_empty(one) for one in value)


def _refuse_malformed(content: Mapping[str, Any]) -> None:
    if not isinstance(content.get("details") or {}, Mapping):
        message = "details must be a mapping with name, version and owner"
        raise ValueError(message)  # noqa: TRY004 - a fault in a file, as the others are
    metrics = content.get("metrics") or []
    if not isinstance(metrics, list) or not all(isinstance(metric, Mapping) for metric in metrics):
        raise ValueError(f"metrics must be a list of mappings with {', '.join(METRIC)}")


def _missing(content: Mapping[str, Any]) -> Iterator[str]:
    for key in SECTIONS:
        value: Any = content.get(key)
        if is_empty(value):
            yield key
        elif key == "details":
            yield from (f"details.{part}" for part in DETAILS if is_empty(value.get(part)))
        elif key == "metrics":
            for place, metric in enumerate(value):
                yield from (f"metrics[{place}].{part}" for part in METRIC if is_empty(metric.get(part)))


def _block(value: Any, asks: str) -> list[str]:
    if is_empty(value):
        return [f"*Not documented. Say {asks}.*"]
    if isinstance(value, Mapping):
        return [f"- **{_inline(key)}:** {_inline(one)}" for key, one in value.items()]
    if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        return _table(value)
    if isinstance(value, list):
        return [f"- {_inline(one)}" for one in value]
    return [line if line.strip() else "" for line in map(_escape, str(value).strip().splitlines())]


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = list(dict.fromkeys(str(key) for row in rows for key in row))
    cells = [[_inline(row.get(column)).replace("|", "\\|") for column in columns] for row in rows]
    heads = [_inline(column).replace("|", "\\|") for column in columns]
    return [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(columns), *cells)]


def _inline(value: Any) -> str:
    """A value on one line; an interval or other sequence is joined by commas."""
    if is_empty(value):
        return "not documented"
    if isinstance(value, list | tuple):
        return ", ".join(_inline(one) for one in value)
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return _escape(" ".join(text.split()))


def _escape(text: str) -> str:
    """Text that can start neither HTML nor a heading of its own."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return f"\\{safe}" if safe.lstrip().startswith("#") else safe
