"""Drawing the form of an entry; what its fields are and what was typed into them is told by ``core.catalog.forms``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from core.catalog import forms, merging
from core.catalog.documents import Problem
from core.catalog.forms import FormField
from pages.parts import differences
from pages.parts.drafts import Draft
from pages.parts.notices import plain

_HELP = {
    "metadata.name": "Letters, digits, '-', '_' and '.'; together with kind and namespace it is the entry's reference.",
    "metadata.description": "One or two sentences: what it is for. Lists and search results show it.",
    "metadata.tags": "Lower-case words, joined by '-'.",
    "spec.version": "Text such as 1.10.0.",
    "spec.successor": "Reference of what replaces it; a deprecated entry needs one.",
}
_RARE = frozenset(
    {
        "metadata.namespace",
        "metadata.labels",
        "metadata.annotations",
        "metadata.links",
        "spec.successor",
        "spec.partOf",
        "spec.versions",
    }
)
_REFERENCES = frozenset({"dependsOn", "partOf", "seeAlso", "producers", "consumers", "trainingData"})


def show(draft: Draft, fields: list[FormField], problems: list[Problem], teams: Mapping[str, str]) -> None:
    """The whole form: what it is at the left, how it stands in the catalog at the right, the rarer fields below."""
    st.caption("Fields marked * are needed. Lists take one item per line.")
    left, right = st.columns(2, gap="large")
    rare = [one for one in fields if one.path in _RARE]
    for title, group, column in (
        ("Identity", "identity", left),
        ("Specification", "kind", left),
        ("In the catalog", "common", right),
    ):
        with column:
            _group(title, draft, [one for one in fields if one.group == group and one not in rare], problems, teams)
    used = merging.fields(draft.document, "").keys() & _RARE or any(
        one.field.startswith(tuple(_RARE)) for one in problems
    )
    with st.expander("More fields", icon=":material/more_horiz:", expanded=bool(used)):
        left, right = st.columns(2, gap="large")
        for number, one in enumerate(rare):
            with left if number % 2 == 0 else right:
                _group("", draft, [one], problems, teams)


def _group(
    title: str, draft: Draft, fields: list[FormField], problems: list[Problem], teams: Mapping[str, str]
) -> None:
    if title and fields:
        st.subheader(title, anchor=False)
    values = merging.fields(draft.document, "")
    for field in fields:
        fixed = bool(draft.revision) and field.path in ("metadata.name", "metadata.namespace")
        _widget(field, draft.key(field.path), forms.shown(field, values.get(field.path)), fixed, teams)
        beside(problems, field.path)


def beside(problems: Iterable[Problem], path: str) -> None:
    """The problems of one field, where the person typed."""
    for one in problems:
        if one.field == path or one.field.startswith(f"{path}."):
            inside = one.field.removeprefix(path).lstrip(".")
            told = f"{inside} {one.message} {one.hint}".strip()
            st.markdown(f":red[:material/error: {plain(told)}]")


def listed(problems: list[Problem]) -> None:
    """All problems in one place."""
    lines = [f"- **{plain(one.field or 'The entry')}** {plain(f'{one.message} {one.hint}')}" for one in problems]
    st.error("This is not a valid entry yet:\n\n" + "\n".join(lines), icon=":material/rule:")


def _widget(field: FormField, key: str, value: Any, fixed: bool, teams: Mapping[str, str]) -> None:
    label = (
        differences.label(field.path)
        + (" (YAML)" if field.shape == "yaml" else "")
        + (r" \*" if field.required else "")
    )
    common: dict[str, Any] = {"key": key, "help": _help(field), "disabled": fixed, "persist_state": "session"}
    match field.shape:
        case "line":
            st.text_input(label, value, **common)
        case "text":
            st.text_area(label, value, height="content", **common)
        case "lines":
            st.text_area(label, value, height="content", **common)
        case "yaml":
            st.text_area(label, value, height=160 if value else "content", **common)
        case "number":
            st.number_input(label, value=value, step=1, **common)
        case "flag":
            st.checkbox(label, bool(value), **common)
        case "choices":
            st.multiselect(label, field.options, value, **common)
        case "choice":
            index = field.options.index(value) if value in field.options else None
            names = teams if field.path == forms.OWNER else {}
            st.selectbox(label, field.options, index, format_func=lambda one: names.get(one, one), **common)


def _help(field: FormField) -> str | None:
    if field.shape == "yaml" and field.outline:
        return plain(f"In YAML: {field.outline}.")
    if field.name in _REFERENCES:
        return "References such as asset:default/drift-statistics."
    return _HELP.get(field.path)
