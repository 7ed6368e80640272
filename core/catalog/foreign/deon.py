"""Checklists of deon, DrivenData's ethics checklist for data science: its YAML becomes a checklist, and back.

Such a file has a title and sections of lines, each with an id (``A.1``), a summary and a question to tick. A line becomes
an item with the same id in our form (``A-1``) that is answered with yes or no, so that importing the file again changes
only what changed in it. A ``version`` beside the title, which deon does not read, is the checklist's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from core.catalog.documents import Definition
from core.catalog.foreign.draft import Draft, fit, slug

SOURCE = "deon"
QUORUM = {"reviewer": 1}
"""Who signs a case by an imported checklist; deon knows no signatures."""

_LINE_ID = re.compile(r"([A-Za-z]{1,10})[.-]?([0-9]{1,6})")
_SUMMARY, _TITLE = 400, 140


def recognises(raw: Mapping[str, Any]) -> bool:
    """Whether a document is a checklist of deon: told by sections that hold lines with ids of their own."""
    sections = raw.get("sections")
    lines = [one.get("lines") for one in sections if isinstance(one, dict)] if isinstance(sections, list) else []
    return any(
        isinstance(one, dict) and "line_id" in one for found in lines if isinstance(found, list) for one in found
    )


def read(raw: dict[str, Any], draft: Draft) -> Definition | None:
    """The checklist that a file of deon becomes; nothing where a line cannot be kept, since half a list is another one."""
    title = draft.text(raw, "title")
    name = draft.name(slug(title).lower(), "title")
    sections = list(_sections(raw, draft))
    if not name or not sections or draft.problems:
        return None
    metadata = {"name": name, "title": fit(title, _TITLE), "description": f"{fit(title, _TITLE)}, in the form of deon."}
    spec = {
        "owner": draft.owner("", "owner"), "version": draft.version(raw), "appliesTo": "project", "quorum": QUORUM,
        "sections": sections,
    }  # fmt: skip
    return draft.define("checklist", metadata, spec, SOURCE)


def write(title: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A checklist in deon's form; what deon has no place for (types, checks, conditions, mappings) is left out."""
    prefixes = [_prefix(section) for section in spec["sections"]]
    ids = prefixes if Counter(prefixes).most_common(1)[0][1] == 1 else _letters(len(prefixes))
    version = {"version": spec["version"]} if "version" in spec else {}
    return {
        "title": title, **version,
        "sections": [_section(section, own) for section, own in zip(spec["sections"], ids, strict=True)],
    }  # fmt: skip


def _sections(raw: dict[str, Any], draft: Draft) -> Iterator[dict[str, Any]]:
    for number, section in enumerate(draft.listing(raw, "sections")):
        where = f"sections.{number}"
        if not isinstance(section, dict):
            draft.problem(where, "is no section.", "Write 'title:' and 'lines:' below it.")
        elif items := [
            _item(line, f"{where}.lines.{place}", draft) for place, line in enumerate(draft.listing(section, "lines"))
        ]:
            title = fit(draft.text(section, "title", where), _SUMMARY)
            yield {"title": title or f"Section {number + 1}", "items": items}


def _item(line: Any, where: str, draft: Draft) -> dict[str, str]:
    known: dict[str, Any] = line if isinstance(line, dict) else {}
    given, question = draft.text(known, "line_id", where), draft.text(known, "line", where)
    found = _LINE_ID.fullmatch(given)
    if found is None:
        draft.problem(f"{where}.line_id", f"{fit(given, 40)!r} is no id.", "Write letters, a dot and a number: 'A.1'.")
    if not question:
        draft.problem(f"{where}.line", "is missing.", "Write the question.")
    item_id = f"{found[1].upper()}-{int(found[2])}" if found else ""
    summary = fit(draft.text(known, "line_summary", where) or question, _SUMMARY)
    return {"id": item_id, "summary": summary, "question": question, "type": "boolean"}


def _section(section: Mapping[str, Any], own: str) -> dict[str, Any]:
    lines = [
        {"line_id": one["id"].replace("-", "."), "line_summary": one["summary"], "line": one["question"]}
        for one in section["items"]
    ]
    return {"title": section["title"], "section_id": own, "lines": lines}


def _prefix(section: Mapping[str, Any]) -> str:
    return str(section["items"][0]["id"]).partition("-")[0]


def _letters(count: int) -> list[str]:
    """A, B, … Z, AA, AB …: deon only prints them."""
    alphabet = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    return [(alphabet[place // 26 - 1] if place >= 26 else "") + alphabet[place % 26] for place in range(count)]
