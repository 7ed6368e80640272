"""Which items apply to a project, and the sentence that says why."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from core.catalog.kinds import AppliesWhen, RiskFact
from core.projects.tier import QUESTIONS
from core.reviews.applicability import applies, freeze

FACTS: dict[str, Any] = {
    "tier": "high", "modality": "tabular", "personal_data": "direct", "autonomy": "advice", "region": "eu-central",
    "stage": "operate", "pattern": "pattern:default/batch-scoring", "areas": ["credit"], "profiling": False,
    "vulnerable": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "expected", "why"),
    [
        ({}, True, "It applies to every case."),
        ({"tier": ["high"]}, True, "the tier is high"),
        ({"tier": ["minimal", "limited"]}, False, "the tier is high, not minimal or limited"),
        ({"modality": ["image"], "tier": ["high"]}, False, "the modality is tabular, not image"),
        ({"personalData": ["direct"]}, True, "its personal data is direct"),
        ({"anyOf": ["areas"]}, True, "influence decisions about people"),
        ({"anyOf": ["profiling", "vulnerable"]}, False, "none of its risk facts is stated (profiling, vulnerable)"),
        ({"anyOf": ["talks_to_people"]}, True, "this is not known"),
    ],
)
def test_a_condition_says_whether_it_holds_and_why(condition: dict[str, Any], expected: bool, why: str) -> None:
    does, because = applies(condition, FACTS)
    assert does is expected
    assert why in because


def test_what_is_not_known_is_asked() -> None:
    assert applies({"region": ["eu-central"]}, {"region": ""}) == (
        True,
        "It applies: the region is not known, and it is asked for eu-central.",
    )


def test_every_condition_a_checklist_can_name_is_decided() -> None:
    for name in AppliesWhen.model_json_schema(by_alias=True)["properties"]:
        does, because = applies({name: ["never"]}, dict.fromkeys(FACTS, "something else") | {"never": False})
        assert not does, because


def test_risk_facts_are_those_of_the_decision_table() -> None:
    asked = {one.key for one in QUESTIONS if one.kind != "level"} - {"practices"}
    assert set(get_args(RiskFact)) == asked


def test_an_item_is_blocking_in_the_tiers_it_names_and_only_where_it_applies() -> None:
    item = {"id": "A-1", "summary": "s", "question": "q", "blockingFor": ["high"]}
    content = {
        "sections": [{"title": "T", "items": [item, item | {"id": "A-2", "appliesWhen": {"tier": ["minimal"]}}]}]
    }
    assert [(one.id, one.applies, one.blocking) for one in freeze(content, FACTS, "high")] == [
        ("A-1", True, True), ("A-2", False, False),
    ]  # fmt: skip
    assert not freeze(content, FACTS, "limited")[0].blocking
