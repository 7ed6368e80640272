"""The starter catalog holds what an AI factory starts with: how much of each kind, and that each of it is usable."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, get_args

import pytest

from core.catalog import sources
from core.catalog.documents import Definition
from core.catalog.kinds import Role
from core.config import ROOT

CATALOG = ROOT / "catalog"
AT_LEAST = {
    "asset": 12, "pattern": 8, "dataset": 6, "principle": 6, "checklist": 4, "assessment": 4, "guide": 20, "course": 9,
    "repository": 10, "policy": 2,
}  # fmt: skip
RESPONSIBLE_AI = (
    "fairness", "reliability-and-safety", "privacy-and-security", "inclusiveness", "transparency", "accountability",
)  # fmt: skip


@cache
def shipped() -> dict[str, Definition]:
    """Every entry of the shipped catalog by its reference."""
    found = [file.read() for file in sources.read_folder(CATALOG)]
    assert [problem for _, problems in found for problem in problems] == []
    return {one.ref: one for definitions, _ in found for one in definitions}


def of_kind(kind: str) -> list[Definition]:
    return [one for one in shipped().values() if one.kind == kind]


def spec(one: Definition) -> Any:
    return one.spec


@pytest.mark.parametrize(("kind", "count"), AT_LEAST.items())
def test_there_is_enough_of_every_kind_and_each_says_what_it_is(kind: str, count: int) -> None:
    found = of_kind(kind)
    assert len(found) >= count
    for one in found:
        assert one.metadata.title, one.ref
        assert one.metadata.tags, one.ref
        assert len(one.readme) > 200, one.ref


def test_every_asset_has_code_tests_and_a_way_to_use_it() -> None:
    for one in of_kind("asset"):
        folder = (CATALOG / one.origin).parent
        tests = list(folder.glob("test_*.py"))
        assert any("\ndef test_" in path.read_text("utf-8") for path in tests), f"{one.ref} has no test"
        assert set(folder.glob("*.py")) - set(tests), f"{one.ref} has no code"
        assert spec(one).usage, f"{one.ref} does not say how to use it"


@pytest.mark.parametrize("name", RESPONSIBLE_AI)
def test_every_principle_of_responsible_ai_can_be_validated_technically(name: str) -> None:
    principle = spec(shipped()[f"principle:default/{name}"])
    technical = [one for one in principle.validations if one.asset or one.metric]
    assert technical, "nothing that code measures or checks"
    for one in technical:
        assert one.asset is None or one.asset in shipped(), f"{one.id} names {one.asset}"


def test_a_policy_rules_the_names_of_experiments_and_models_and_another_the_tags_of_runs() -> None:
    rules = [rule for policy in of_kind("policy") for rule in spec(policy).rules]
    named = {rule.target for rule in rules if rule.required and rule.pattern and not rule.key}
    assert named >= {"experiment", "registered model"}
    tagged = {rule.key for rule in spec(shipped()["policy:default/run-tags"]).rules if rule.target in ("run", "tag")}
    assert len(tagged) >= 3
    for rule in rules:
        if rule.pattern and rule.example:
            assert re.fullmatch(rule.pattern, rule.example), f"{rule.id} refuses its own example"


def test_every_course_is_for_another_role_and_ends_in_acts() -> None:
    roles = [spec(one).role for one in of_kind("course")]
    assert len(set(roles)) == len(roles) >= 9
    assert set(roles) <= set(get_args(Role))
    assert all(step.act for one in of_kind("course") for step in spec(one).steps)


def test_every_checklist_has_items_and_every_assessment_levels() -> None:
    for one in of_kind("checklist"):
        assert sum(len(section.items) for section in spec(one).sections) >= 5, one.ref
    for one in of_kind("assessment"):
        levels = {item.level for dimension in spec(one).dimensions for item in dimension.items}
        assert len(levels) >= 3, one.ref
    assert len({spec(one).scope for one in of_kind("assessment")}) >= 3


def test_every_repository_is_another_one_with_a_reason() -> None:
    found = of_kind("repository")
    assert len({spec(one).url for one in found}) == len(found)
    assert all(spec(one).url.startswith("https://") and spec(one).solves and spec(one).when_to_use for one in found)
