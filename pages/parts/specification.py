"""A specification of any kind, drawn from its data: new kinds need no page of their own."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts import diagrams
from pages.parts.notices import plain

_SHOWN_ELSEWHERE = frozenset(
    {"owner", "lifecycle", "version", "classification", "licence", "successor", "dependsOn", "partOf", "seeAlso",
     "usage", "versions", "diagram"}
)  # fmt: skip


def show(spec: dict[str, Any]) -> None:
    """Every field of ``spec`` that the rest of the entry page does not show."""
    if isinstance(spec.get("diagram"), dict):
        st.mermaid_chart(diagrams.pattern(spec["diagram"]), alt=_diagram_in_words(spec["diagram"]))
    for name, value in spec.items():
        if name not in _SHOWN_ELSEWHERE and value not in (None, "", [], {}):
            _field(words(name), value)


def words(name: str) -> str:
    """``dataConnectivity`` as "Data connectivity"."""
    spaced = "".join(f" {one.lower()}" if one.isupper() else one for one in name)
    return spaced.strip().capitalize().replace("_", " ")


def _field(label: str, value: Any) -> None:
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        _records(label, value)
    elif isinstance(value, list):
        st.markdown(f"**{plain(label)}**\n\n" + "\n".join(f"- {plain(str(one))}" for one in value))
    elif isinstance(value, dict):
        st.markdown(f"**{plain(label)}**")
        with st.container(border=True):
            for name, part in value.items():
                if part not in (None, "", [], {}):
                    _field(words(name), part)
    else:
        st.markdown(f"**{plain(label)}:** {plain(_scalar(value))}")


def _records(label: str, records: list[dict[str, Any]]) -> None:
    nested = any(
        isinstance(value, list | dict) and value and _holds_records(value) for one in records for value in one.values()
    )
    if not nested:
        st.markdown(f"**{plain(label)}**")
        names = list(dict.fromkeys(name for one in records for name in one))
        st.table(
            {words(name): [plain(_scalar(one.get(name, ""))) for one in records] for name in names},
            border="horizontal", hide_index=True, alt=f"{label}: {len(records)} rows",
        )  # fmt: skip
        return
    for one in records:
        title = str(one.get("title") or one.get("name") or one.get("id") or label)
        with st.expander(plain(title), icon=":material/list:"):
            for name, value in one.items():
                if value not in (None, "", [], {}):
                    _field(words(name), value)


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
