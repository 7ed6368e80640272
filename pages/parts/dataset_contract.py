"""What a dataset promises: columns, freshness, expectations, and the same in words."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.notices import plain

PERSONAL = {
    "none": "It holds no personal data.",
    "pseudonymised": "It holds pseudonymised personal data: a legal basis is needed to read it.",
    "direct": "It holds personal data: a legal basis is needed to read it.",
}


def show(spec: dict[str, Any]) -> None:
    """The contract as it stands in the specification; ``spec`` was validated when it came into the catalog."""
    st.markdown(PERSONAL.get(str(spec.get("personalData") or "none"), ""))
    if source := spec.get("source"):
        st.markdown(f"**Source:** {plain(str(source))}")
    _freshness(spec.get("freshness"))
    _columns(spec)
    _expectations(spec.get("expectations") or [])
    for title, name in (("Promises in words", "contract"), ("Limitations", "limitations")):
        if lines := spec.get(name):
            st.markdown(f"**{title}**\n\n" + "\n".join(f"- {plain(str(one))}" for one in lines))


def _freshness(given: dict[str, Any] | None) -> None:
    if not given:
        st.markdown("**Freshness:** nothing is promised.")
        return
    told = f"updated {given['updates']}" if given["updates"] != "never" else "never updated"
    oldest = f", at most {given['maxAgeHours']} hours old" if given.get("maxAgeHours") else ""
    note = f". {given['note']}" if given.get("note") else ""
    st.markdown(f"**Freshness:** {plain(told + oldest + note)}")


def _columns(spec: dict[str, Any]) -> None:
    columns = spec.get("columns") or []
    if not columns:
        st.info("The contract names no columns: access is to the whole dataset.", icon=":material/view_column:")
        return
    target = str(spec.get("target") or "")
    st.dataframe(
        {
            "Column": [one["name"] for one in columns],
            "Type": [one["type"] for one in columns],
            "Unit": [one.get("unit", "") for one in columns],
            "May be missing": ["yes" if one.get("nullable") else "no" for one in columns],
            "Sensitive": ["yes" if one.get("sensitive") else "no" for one in columns],
            "Description": [_described(one, target) for one in columns],
        },
        hide_index=True, alt=f"{len(columns)} columns of the contract",
    )  # fmt: skip


def _described(column: dict[str, Any], target: str) -> str:
    return f"{'Target. ' if column['name'] == target else ''}{column.get('description', '')}"


def _expectations(given: list[dict[str, Any]]) -> None:
    if not given:
        st.markdown("**Expectations:** none that a program could check.")
        return
    st.markdown("**Expectations**")
    st.table(
        {
            "About": [plain(one.get("column") or "the whole table") for one in given],
            "Promise": [plain(promise(one)) for one in given],
            "Note": [plain(one.get("note", "")) or "no note" for one in given],
        },
        border="horizontal", hide_index=True, alt=f"{len(given)} expectations",
    )  # fmt: skip


def promise(one: dict[str, Any]) -> str:
    """An expectation in words."""
    low, high = one.get("minimum"), one.get("maximum")
    span = " and ".join(
        part for part in (f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else "") if part
    )  # fmt: skip
    match one["check"]:
        case "rows":
            return f"{span} rows"
        case "distinct":
            return f"{span} different values"
        case "range":
            return f"values {span}"
        case "missing":
            return f"at most {float(high or 0):.0%} missing"
        case "values":
            return "only " + ", ".join(str(value) for value in one["values"])
        case "pattern":
            return f"matches {one['pattern']}"
        case _:
            return str(one["check"])
