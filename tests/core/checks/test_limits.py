"""Limits are data: the shipped policy fits the checks, an item's values win, and the source follows the value."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from core.catalog import sources
from core.catalog.documents import Definition
from core.checks import limits, measuring, registry
from core.checks.task import TIERS
from core.config import ROOT
from core.reviews.states import TIER_DAYS
from tests.core.checks.evidence import policy

CHECKS = {one.name: one for one in registry.all_checks()}
STANDS_IN_THE_CHECKLIST = {
    "latency_p95_ms", "appeal_days_p90", "metric_at_least", "metric_at_most", "metric_interval_at_most",
}  # fmt: skip
"""Checks whose limit is a promise to somebody, or that may be about anything."""
DATA: limits.Limits = {
    "ece": {
        "values": {"limit": {"minimal": 0.1, "high": 0.05}, "interval": {"minimal": False, "high": True}},
        "source": "A policy",
    }
}


def read(folder: str) -> list[Definition]:
    files = sources.read_folder(ROOT / "catalog" / folder)
    return [one for file in files for one in file.read()[0]]


def asked() -> list[tuple[str, str, dict[str, Any], list[str]]]:
    """Item, check, parameters and tiers of everything in the shipped checklists that is judged by a check."""
    found = []
    for checklist in read("checklists"):
        spec: Any = checklist.spec
        items = [item for section in spec.sections for item in section.items if item.evidence]
        found += [(item.id, item.evidence.check, dict(item.evidence.parameters), spec.tiers) for item in items]
    return found


@pytest.mark.parametrize(("item", "check", "parameters", "tiers"), asked())
def test_every_check_of_a_shipped_checklist_exists_and_takes_its_parameters(
    item: str, check: str, parameters: dict[str, Any], tiers: list[str]
) -> None:
    for tier in tiers:
        merged = limits.merged(check, parameters, policy(), tier=tier)
        assert registry.against(check, merged, tier=tier) == "", item


def test_every_metric_and_rule_of_a_principle_that_a_run_measures_is_known_to_the_checks() -> None:
    principles: list[Any] = [one.spec for one in read("principles")]
    validations = [one for spec in principles for one in spec.validations]
    for one in validations:
        if one.metric.startswith("rai."):
            assert measuring.known(one.metric).stem in measuring.METRICS or any(
                one.metric.startswith(f"{stem}.") for stem in measuring.METRICS
            ), one.id


@pytest.mark.parametrize("name", sorted(policy()))
def test_every_limit_of_the_policy_is_a_parameter_that_its_check_takes_in_every_tier(name: str) -> None:
    info = CHECKS[name]
    declared = {one.name: one for one in info.takes}
    for parameter, values in policy()[name]["values"].items():
        kind = declared[parameter].type
        for tier in ("minimal", "limited", "high"):
            assert isinstance(values[tier], bool) == (kind == "flag"), f"{parameter} is a {kind}"
    assert policy()[name]["source"]


@pytest.mark.parametrize("name", sorted(set(CHECKS) - STANDS_IN_THE_CHECKLIST))
def test_every_limit_that_a_check_needs_stands_in_the_policy(name: str) -> None:
    needed = [one.name for one in CHECKS[name].takes if one.required and one.type == "number"]
    assert set(needed) <= set(policy().get(name, {"values": {}})["values"])


def test_a_higher_tier_never_asks_for_less_certainty() -> None:
    for name, given in policy().items():
        interval = given["values"].get("interval", {})
        asks = [interval.get(tier, True) for tier in ("minimal", "limited", "high")]
        assert asks == sorted(asks), name


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "core" / "checks").glob("*.py")))
def test_no_check_holds_a_limit_of_its_own(name: str) -> None:
    constants = [one for one in ast.walk(ast.parse((ROOT / "core" / "checks" / name).read_text("utf-8")))
                 if isinstance(one, ast.Constant) and isinstance(one.value, float)]  # fmt: skip
    found = {one.value for one in constants} - {0.0, 1.0}
    assert not found or name in ("statistics.py", "words.py"), "a number such as 0.8 belongs into the policy of limits"


def test_the_policys_values_and_source_hold_where_an_item_says_nothing() -> None:
    merged = limits.merged("ece", {"metric": "my_ece"}, DATA, tier="high")
    assert merged == {"metric": "my_ece", "limit": 0.05, "interval": True, "source": "A policy"}


@pytest.mark.parametrize(
    ("parameters", "limit", "source"),
    [
        ({"limit": 0.01}, 0.01, "the checklist"),
        ({"limit": 0.05}, 0.05, "A policy"),
        ({"limit": 0.01, "source": "Contract 12"}, 0.01, "Contract 12"),
        ({"limit": {"high": 0.02}}, 0.02, "the checklist"),
        ({"limit": {"minimal": 0.02}}, 0.05, "A policy"),
    ],
)
def test_an_items_own_value_wins_and_no_longer_speaks_in_the_policys_name(
    parameters: dict[str, Any], limit: float, source: str
) -> None:
    merged = limits.merged("ece", parameters, DATA, tier="high")
    assert (merged["limit"], merged["source"]) == (limit, source)


def test_a_tier_without_value_leaves_the_check_without_limit_and_it_says_so() -> None:
    merged = limits.merged("ece", {}, DATA, tier="prohibited")
    assert "limit" not in merged
    assert "no 'limit' is set for the tier prohibited" in registry.against("ece", merged, tier="prohibited")


def test_a_check_without_policy_keeps_the_items_parameters_and_its_own_source() -> None:
    assert limits.merged("file_present", {"path": "a"}, {}, tier="high") == {"path": "a"}


def test_the_tiers_are_those_of_the_portal() -> None:
    assert set(TIERS) == set(TIER_DAYS)
