"""What changed between two copies of evidence, thing by thing, in words: a pure comparison of their contents.

What cannot be told is no change: a hash that one of the copies left out, or a field that an older portal did not copy.
Nor is what another run measured on the model later, as a job that watches it in production does; what a run measured
then still stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Content = Mapping[str, Any]

LONGEST = 60
"""Characters of a value that a difference repeats."""

_OWN_TAGS = "factory."
_TAGS_OF_THE_START = ("mlflow.user", "mlflow.parentRunId", "mlflow.source.", "mlflow.project.")
"""What MLflow notes when a run starts. Everything else under ``mlflow.`` it keeps for its own pages, and changes later."""

_SOURCE = {
    "run_id": "The version's run",
    "model_id": "The version's logged model",
    "source": "Where the version's files come from",
    "created_at": "The time at which the version was registered",
}


class Difference(NamedTuple):
    """One thing that is not what it was: ``kind`` for programs, ``text`` for people."""

    kind: str
    name: str
    text: str

    def as_data(self) -> dict[str, str]:
        """The difference as JSON keeps it."""
        return self._asdict()


def is_evidence(tag: str) -> bool:
    """Whether a tag is evidence: not what the portal writes back, nor what MLflow notes for its own pages."""
    return not tag.startswith((_OWN_TAGS, "mlflow.")) or tag.startswith(_TAGS_OF_THE_START)


def differences(old: Content, new: Content) -> list[Difference]:
    """Everything in which ``new`` is not what ``old`` was, in a steady order; empty where nothing changed."""
    return [
        *_source(old.get("source", {}), new.get("source", {})),
        *_metrics(old.get("metrics", {}), new.get("metrics", {})),
        *_texts("parameter", "The parameter", old.get("params", {}), new.get("params", {})),
        *_texts("tag", "The tag", _evidence_tags(old), _evidence_tags(new)),
        *_datasets(old, new),
        *_signature(old, new),
        *_artifacts(old.get("artifacts", {}), new.get("artifacts", {})),
    ]


def _source(old: Content, new: Content) -> Iterator[Difference]:
    for field, what in _SOURCE.items():
        if old.get(field, "") != new.get(field, ""):
            yield Difference("source", field, f"{what} changed: {_changed(old.get(field), new.get(field))}.")


def _metrics(old: Content, new: Content) -> Iterator[Difference]:
    for name, before, after in _pairs(old, new):
        if before is None:
            if not after.get("run"):
                yield Difference("metric added", name, f"The metric {name} was added: {_number(after)}.")
        elif after is None:
            yield Difference("metric removed", name, f"The metric {name} is gone; it was {_number(before)}.")
        elif before.get("run") == after.get("run"):
            yield from _metric(name, before, after)


def _metric(name: str, old: Content, new: Content) -> Iterator[Difference]:
    before, after = _number(old), _number(new)
    was, is_now = old.get("history", 1), new.get("history", 1)
    if before != after:
        yield Difference("metric overwritten", name, f"The metric {name} was overwritten: {before} → {after}.")
    elif is_now > was:
        text = f"The metric {name} was written {is_now} times instead of {was}; its last value is the same."
        yield Difference("history grew", name, text)
    elif is_now < was:
        yield Difference("history shrank", name, f"The history of the metric {name} lost entries.")
    measured = [_dataset(one.get("dataset", ""), one.get("digest", "")) for one in (old, new)]
    if measured[0] != measured[1]:
        text = f"The metric {name} is measured on another dataset: {_changed(*measured)}."
        yield Difference("metric dataset", name, text)


def _texts(kind: str, what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for name, before, after in _pairs(old, new):
        if before is None:
            yield Difference(f"{kind} added", name, f"{what} {name} was added: {_short(after)}.")
        elif after is None:
            yield Difference(f"{kind} removed", name, f"{what} {name} is gone; it was {_short(before)}.")
        elif before != after:
            yield Difference(f"{kind} changed", name, f"{what} {name} changed: {_changed(before, after)}.")


def _evidence_tags(content: Content) -> dict[str, str]:
    return {name: value for name, value in content.get("tags", {}).items() if is_evidence(name)}


def _datasets(old: Content, new: Content) -> Iterator[Difference]:
    before, after = _inputs(old), _inputs(new)
    for name, digest, context in sorted(after - before):
        text = f"The run names another input: {_dataset(name, digest)}{_as(context)}."
        yield Difference("dataset added", name, text)
    for name, digest, context in sorted(before - after):
        text = f"The run no longer names its input {_dataset(name, digest)}{_as(context)}."
        yield Difference("dataset removed", name, text)


def _inputs(content: Content) -> set[tuple[str, str, str]]:
    return {(one["name"], one["digest"], one["context"]) for one in content.get("datasets", [])}


def _signature(old: Content, new: Content) -> Iterator[Difference]:
    if old.get("signature") != new.get("signature"):
        yield Difference("signature", "signature", "The signature of the model (its inputs and outputs) changed.")


def _artifacts(old: Content, new: Content) -> Iterator[Difference]:
    for path, before, after in _pairs(old, new):
        if before is None:
            yield Difference("artifact added", path, f"The artifact {path} was added.")
        elif after is None:
            yield Difference("artifact removed", path, f"The artifact {path} is gone.")
        elif _is_replaced(before, after):
            sizes = f" ({before['size']} → {after['size']} bytes)" if before["size"] != after["size"] else ""
            yield Difference("artifact replaced", path, f"The artifact {path} was replaced by another{sizes}.")


def _is_replaced(old: Content, new: Content) -> bool:
    hashes = (old["sha256"], new["sha256"])
    return old["size"] != new["size"] or (None not in hashes and hashes[0] != hashes[1])


def _pairs(old: Content, new: Content) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*old, *new}):
        yield name, old.get(name), new.get(name)


def _dataset(name: str, digest: str) -> str:
    return f"{name} ({digest})" if name else "no dataset"


def _as(context: str) -> str:
    return f", as {context}" if context else ""


def _changed(old: Any, new: Any) -> str:
    return f"{_short(old)} → {_short(new)}"


def _number(measure: Content) -> str:
    return str(measure.get("text") or repr(measure.get("value")))


def _short(value: Any) -> str:
    text = " ".join(str(value or "nothing").split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
