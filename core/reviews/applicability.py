"""Which items of a checklist apply to a project, and why: decided from its facts when a case is opened, and frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlmodel import Session, select

from core.catalog.tables import Entry
from core.patterns.tables import PatternUse
from core.projects.tables import Project
from core.projects.tier import QUESTIONS
from core.reviews.items import FrozenItem

_WORDS = {
    "tier": "the tier", "modality": "the modality", "personalData": "its personal data", "autonomy": "the autonomy",
    "region": "the region", "stage": "the stage", "pattern": "the pattern",
}  # fmt: skip
_FACT = {"personalData": "personal_data"}
_RISKS = {one.key: one.text.rstrip("?").lower() for one in QUESTIONS if one.kind != "level"}


def facts_of(session: Session, project: Project) -> dict[str, Any]:
    """The facts of a project that decide which items apply, as they stand in this transaction."""
    pattern = session.exec(
        select(Entry.key).join(PatternUse).where(PatternUse.project_id == project.id, PatternUse.entry_id == Entry.id)
    ).first()
    return {
        **project.risk_facts, "tier": project.tier, "modality": project.modality, "region": project.region,
        "stage": project.stage, "pattern": pattern or "", "classification": project.classification,
    }  # fmt: skip


def freeze(content: Mapping[str, Any], facts: Mapping[str, Any], tier: str) -> list[FrozenItem]:
    """Every item of a checklist's ``content`` (its ``spec`` by the names in YAML) as a case with these facts has it."""
    return [
        _frozen(item, section["title"], facts, tier) for section in content["sections"] for item in section["items"]
    ]


def _frozen(item: Mapping[str, Any], section: str, facts: Mapping[str, Any], tier: str) -> FrozenItem:
    evidence = item.get("evidence") or {}
    does, because = applies(item.get("appliesWhen") or {}, facts)
    return FrozenItem(
        id=item["id"], section=section, summary=item["summary"], question=item["question"],
        type=item.get("type") or ("metric" if evidence else "text"), why=item.get("why", ""),
        options=tuple(item.get("options", ())), unit=item.get("unit", ""), check=evidence.get("check", ""),
        parameters=evidence.get("parameters", {}), mappings=tuple(item.get("mappings", ())), applies=does,
        because=because, blocking=does and tier in item.get("blockingFor", ()),
    )  # fmt: skip


def applies(condition: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether an item with this condition applies under these facts, and why in a sentence.

    A fact that is not known counts as met: an item that may apply is asked, never left out for want of a fact.
    """
    reasons = list(_reasons(condition, facts))
    against = [why for holds, why in reasons if not holds]
    if against:
        return False, f"It does not apply: {'; '.join(against)}."
    if not reasons:
        return True, "It applies to every case."
    return True, f"It applies: {'; '.join(why for _, why in reasons)}."


def _reasons(condition: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    for name, words in _WORDS.items():
        if wanted := condition.get(name):
            yield _is_among(words, facts.get(_FACT.get(name, name)), wanted)
    if wanted := condition.get("anyOf"):
        present = [one for one in wanted if facts.get(one)]
        unknown = [one for one in wanted if one not in facts]
        if present or unknown:
            said = [_RISKS.get(one, one) for one in present] or ["this is not known"]
            yield True, f"the team stated a risk fact ({', '.join(said)})" if present else f"{said[0]} of its risks"
        else:
            yield False, f"none of its risk facts is stated ({', '.join(one.replace('_', ' ') for one in wanted)})"


def _is_among(words: str, value: Any, wanted: list[str]) -> tuple[bool, str]:
    options = " or ".join(wanted)
    if not value:
        return True, f"{words} is not known, and it is asked for {options}"
    return value in wanted, f"{words} is {value}" if value in wanted else f"{words} is {value}, not {options}"
