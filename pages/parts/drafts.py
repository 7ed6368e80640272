"""A proposal while it is being written. It lives in the session, so that leaving the page or a refusal loses nothing.

What is typed stays in the widgets, keyed by the draft's ``round``; a new round starts when the widgets must show
something else: after a change between form and YAML, or after the entry's own change was taken over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import streamlit as st

from core.catalog import documents, export, forms, merging
from core.catalog.documents import Definition, Problem
from core.catalog.forms import FormField

FORM, YAML = "Form", "YAML"
_rounds = count()


@dataclass
class Draft:
    """A document being written, and the entry as it stood when that began."""

    id: str
    document: dict[str, Any]
    readme: str = ""
    base: dict[str, Any] = field(default_factory=dict)
    base_readme: str = ""
    revision: int = 0
    proposal: int = 0
    """The waiting proposal that is being revised; 0 while it is not sent."""
    note: str = ""
    mode: str = FORM
    round: int = field(default_factory=_rounds.__next__)
    tried: bool = False

    def key(self, name: str) -> str:
        """The key of a widget of this round."""
        return f"{self.id} {self.round} {name}"


@dataclass
class Written:
    """What the widgets hold now and what is wrong with it; the document lacks YAML that cannot be read."""

    document: dict[str, Any]
    readme: str
    problems: list[Problem]
    readable: bool


def opened(draft: Draft) -> Draft:
    """The draft of this session with the same id, or ``draft`` as the first of it."""
    kept: Draft = st.session_state.setdefault(draft.id, draft)
    return kept


def forget(draft: Draft) -> None:
    """Drop what was typed; the next draft of this id starts from what stands in the catalog."""
    del st.session_state[draft.id]


def written(draft: Draft, fields: list[FormField]) -> Written:
    """The document as typed so far, validated as a file's would be."""
    readme = st.session_state.get(draft.key("readme"), draft.readme)
    if draft.mode == YAML:
        document, problems = _parsed(st.session_state.get(draft.key("yaml"), export.to_yaml(draft.document)))
    else:
        typed = {
            one.path: st.session_state[draft.key(one.path)] for one in fields if draft.key(one.path) in st.session_state
        }
        document, problems = forms.filled(draft.document, fields, typed)
    readable = not problems
    if readable:
        found = documents.define(document, forms.ORIGIN, readme=readme)
        problems = [] if isinstance(found, Definition) else found
    named = {one.field for one in problems}
    problems = problems + [one for one in forms.missing(document, fields) if one.field not in named]
    return Written(document, readme, problems + documents.check_readme(readme, forms.ORIGIN), readable)


def differences(draft: Draft, now: Written) -> list[tuple[str, Any, Any]]:
    """Field by field: as the entry stood when the draft was opened, and as typed."""
    before, after = merging.fields(draft.base, draft.base_readme), merging.fields(now.document, now.readme)
    return [(name, before.get(name), after.get(name)) for name in merging.changed_fields(before, after)]


def change_mode(draft: Draft, now: Written, mode: str) -> bool:
    """Go on in the form or in YAML with what is typed; not possible while some of it cannot be read."""
    if not now.readable or (mode == FORM and not forms.can_be_filled(now.document)):
        return False
    _start_round(draft, now.document, now.readme)
    draft.mode = mode
    return True


def rebase(draft: Draft, now: Written, document: dict[str, Any], readme: str, revision: int) -> None:
    """Bring what was changed here onto the entry as it stands now."""
    mine = {name: merging.INTERFACE for name, _, _ in differences(draft, now)}
    merged = merging.merge(now.document, now.readme, document, readme, mine)
    draft.base, draft.base_readme, draft.revision = document, readme, revision
    _start_round(draft, merged.document, merged.readme)


def _start_round(draft: Draft, document: dict[str, Any], readme: str) -> None:
    draft.document, draft.readme = document, readme
    draft.round = next(_rounds)


def _parsed(text: str) -> tuple[dict[str, Any], list[Problem]]:
    found, problems = documents.parse(text, forms.ORIGIN)
    if not problems and (len(found) > 1 or not isinstance(found[0], dict)):
        hint = "Write one YAML document with apiVersion, kind, metadata and spec."
        problems = [Problem(forms.ORIGIN, 1, "", "is not one entry.", hint)]
    return ({} if problems else found[0]), problems
