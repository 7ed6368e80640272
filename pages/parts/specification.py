"""A specification of any kind, drawn from its data: new kinds need no page of their own."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import streamlit as st

from pages.parts import diagrams
from pages.parts.notices import plain

_SHOWN_ELSEWHERE = frozenset(
    {"owner", "lifecycle", "version", "classification", "licence", "successor", "dependsOn", "partOf", "seeAlso",
     "usage", "versions", "diagram"}
)  # fmt: skip
_OF_EVERY_KIND = frozenset({"owner", "dependsOn", "partOf", "seeAlso"})

MOST_TABS = 6
"""More alternatives than that are no longer overlooked as tabs."""


def show(spec: dict[str, Any]) -> None:
    """Every field of the ``spec`` of a kind of ours that the rest of the entry page does not show."""
    diagram(spec)
    _fields(spec, besides=_SHOWN_ELSEWHERE)


def show_foreign(spec: dict[str, Any]) -> None:
    """Every field of a ``spec`` of an unknown kind: what is called like a field of ours may be anything there."""
    _fields(spec, besides=_OF_EVERY_KIND)


def _fields(record: Mapping[str, Any], *, besides: Set[str] = frozenset()) -> None:
    for name, value in record.items():
        if name not in besides and value not in (None, "", [], {}):
            _field(words(name), value)


def diagram(spec: Mapping[str, Any]) -> None:
    """The diagram of a specification that has one, with the same in words for whoever cannot see it."""
    if isinstance(spec.get("diagram"), dict):
        st.mermaid_chart(diagrams.pattern(spec["diagram"]), alt=_diagram_in_words(spec["diagram"]))


def words(name: str) -> str:
    """``dataConnectivity`` as "Data connectivity"."""
    spaced = "".join(f" {one.lower()}" if one.isupper() else one for one in name)
    return spaced.strip().capitalize().replace("_", " ").replace("Mlops", "MLOps")


def _field(label: str, value: Any) -> None:
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        _records(label, value)
    elif isinstance(value, list):
        st.markdown(f"**{plain(label)}**\n\n" + "\n".join(f"- {plain(str(one))}" for one in value))
    elif isinstance(value, dict) and _is_lists_by_name(value):
        _lists(label, value)
    elif isinstance(value, dict):
        st.markdown(f"**{plain(label)}**")
        with st.container(border=True):
            _fields(value)
    else:
        st.markdown(f"**{plain(label)}:** {plain(_scalar(value))}")


def _is_lists_by_name(value: Mapping[str, Any]) -> bool:
    return all(isinstance(one, list) and not _holds_records(one) for one in value.values())


def _lists(label: str, lists: Mapping[str, list[Any]]) -> None:
    """Such as the services of each stage: a line for each name, its values beside it."""
    filled = {name: values for name, values in lists.items() if values}
    st.markdown(f"**{plain(label)}**")
    st.table(
        {"For": [plain(words(name)) for name in filled],
         plain(label): [" · ".join(plain(_scalar(one)) for one in values) for values in filled.values()]},
        border="horizontal", hide_index=True, alt=f"{label}: {len(filled)} rows",
    )  # fmt: skip


def _records(label: str, records: list[dict[str, Any]]) -> None:
    if not any(isinstance(value, dict) or _holds_records(value) for one in records for value in one.values()):
        _table(label, records)
    elif len(records) <= MOST_TABS and all(one.get("classification") for one in records):
        _in_tabs(label, records)
    else:
        for one in records:
            with st.expander(plain(_title(label, one)), icon=":material/list:"):
                _fields(one)


def _table(label: str, records: list[dict[str, Any]]) -> None:
    st.markdown(f"**{plain(label)}**")
    names = list(dict.fromkeys(name for one in records for name in one))
    st.table(
        {plain(words(name)): [plain(_scalar(one.get(name, ""))) for one in records] for name in names},
        border="horizontal", hide_index=True, alt=f"{label}: {len(records)} rows",
    )  # fmt: skip


def _in_tabs(label: str, records: list[dict[str, Any]]) -> None:
    """A few alternatives by classification, of which a reader needs one."""
    st.markdown(f"**{plain(label)}**")
    for tab, one in zip(st.tabs([plain(words(str(one["classification"]))) for one in records]), records, strict=True):
        with tab:
            _fields(one, besides={"classification"})


def _title(label: str, record: Mapping[str, Any]) -> str:
    """What a record is called; an approval also says whose it is."""
    named = record.get("title") or record.get("name") or record.get("id") or label
    return f"{named} · {record['by']}" if record.get("by") else str(named)


def _holds_records(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_scalar(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_scalar(part)}" for name, part in value.items())
    return str(value)


def _diagram_in_words(diagram: dict[str, Any]) -> str:
    labels = {node["id"]: node["label"] for node in diagram.get("nodes", [])}
    edges = [f"{labels.get(one['from'])} to {labels.get(one['to'])}" for one in diagram.get("edges", [])]
    return "Diagram of the pattern: " + "; ".join(edges)
