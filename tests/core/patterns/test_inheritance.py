"""Inherited approval as a pure rule: what a fact reopens, and that nothing is inherited on a missing one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.patterns.inheritance import (
    FACTS,
    Approval,
    Condition,
    Facts,
    Item,
    Proposed,
    Standing,
    gaps,
    items,
    reopened,
)  # fmt: skip
from core.patterns.suggestion import unchanged

TODAY = date(2026, 11, 24)
VALUES = ("a", "b", "c")
FOREIGN = "somewhere else"
GATEWAY = Condition("Every caller comes through the gateway")
EU = Condition("The data stay in the EU", "region", ("eu-west", "eu-north"))
KNOWN = {fact: frozenset({"a"}) for fact in FACTS} | {"region": frozenset({"eu-west"})}


def approval(*conditions: Condition, item: str = "IT-1", number: int = 1, version: str = "1.0") -> Approval:
    return Approval(number, item, "IT", "Scoring", version, conditions, "Board of 3 May", TODAY + timedelta(days=30))


def facts(version: str = "1.0", attested: tuple[str, ...] = (), **changed: set[str]) -> Facts:
    return Facts(version, KNOWN | {name: frozenset(one) for name, one in changed.items()}, frozenset(attested))


def only(*approvals: Approval, given: Facts, deviations: tuple[Standing, ...] = (), today: date = TODAY) -> Item:
    (found,) = items([], approvals, given, deviations, today)
    return found


def kinds(item: Item) -> list[str]:
    return [one.kind for one in item.reasons]


condition = st.one_of(
    st.builds(
        Condition,
        st.text("xyz", min_size=1, max_size=4),
        st.sampled_from(FACTS),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Condition, st.text("pqr", min_size=1, max_size=4)),
)
conditions = st.lists(condition, max_size=4, unique_by=lambda one: one.text)
patterns = st.lists(conditions, min_size=1, max_size=5).map(
    lambda found: [approval(*one, item=f"IT-{place}", number=place) for place, one in enumerate(found, 1)]
)
known = st.fixed_dictionaries({fact: st.frozensets(st.sampled_from(VALUES), max_size=2) for fact in FACTS})


@given(patterns, known, st.sampled_from(FACTS))
def test_a_changed_fact_reopens_exactly_the_items_whose_conditions_name_it(
    approvals: list[Approval], values: dict[str, frozenset[str]], fact: str
) -> None:
    said = frozenset(one.text for each in approvals for one in each.conditions if not one.fact)
    before = items([], approvals, Facts("1.0", values, said), [], TODAY)
    after = items([], approvals, Facts("1.0", values | {fact: frozenset({FOREIGN})}, said), [], TODAY)
    naming = {each.item for each in approvals if any(one.fact == fact for one in each.conditions)}
    assert {one.item for one in reopened(before, after)} == {one.item for one in before if one.inherited} & naming


@given(patterns, known, st.sampled_from([*FACTS, "statements"]))
def test_nothing_is_inherited_on_a_fact_that_is_not_known(
    approvals: list[Approval], values: dict[str, frozenset[str]], missing: str
) -> None:
    named = "" if missing == "statements" else missing
    given_facts = Facts("1.0", values | {missing: frozenset()}, frozenset())
    accepted = [
        Standing(each.item, one.text, frozenset(), "accepted") for each in approvals for one in each.conditions if one.fact
    ]  # fmt: skip
    for one in items([], approvals, given_facts, accepted, TODAY):
        if any(each.fact == named for each in one.conditions):
            assert not one.inherited


@given(patterns, known)
def test_expiry_and_another_version_reopen_everything(
    approvals: list[Approval], values: dict[str, frozenset[str]]
) -> None:
    said = frozenset(one.text for each in approvals for one in each.conditions if not one.fact)
    last_day = approvals[0].expires_on
    assert not any(one.inherited for one in items([], approvals, Facts("1.1", values, said), [], TODAY))
    late = items([], approvals, Facts("1.0", values, said), [], last_day + timedelta(days=1))
    assert not any(one.inherited for one in late)
    on_the_day = items([], approvals, Facts("1.0", values, said), [], last_day)
    assert [one.inherited for one in on_the_day] == [
        one.inherited for one in items([], approvals, Facts("1.0", values, said), [], TODAY)
    ]


@given(patterns, known)
def test_an_approval_with_an_unknown_kind_of_fact_is_never_inherited(
    approvals: list[Approval], values: dict[str, frozenset[str]]
) -> None:
    strange = [replace(one, conditions=(*one.conditions, Condition("?", "moon phase", ("full",)))) for one in approvals]
    assert not any(one.inherited for one in items([], strange, Facts("1.0", values), [], TODAY))


def test_kept_conditions_are_inherited_with_evidence_and_last_day() -> None:
    item = only(approval(GATEWAY, EU), given=facts(attested=(GATEWAY.text,)))
    assert (item.inherited, item.evidence, item.until) == (True, "Board of 3 May", TODAY + timedelta(days=30))


def test_an_open_item_says_which_fact_its_value_and_the_allowed_ones() -> None:
    item = only(approval(EU), given=facts(region={"us-east"}))
    (reason,) = item.reasons
    assert (reason.fact, reason.values, reason.allowed) == ("region", ("us-east",), ("eu-west", "eu-north"))
    assert "region is us-east; allowed: eu-west, eu-north" in reason.words


def test_upper_and_lower_case_are_the_same_value() -> None:
    assert only(approval(EU), given=facts(region={"EU-West"})).inherited


def test_one_service_too_many_is_a_deviation() -> None:
    services = Condition("Platform services only", "services", ("kafka", "kserve"))
    item = only(approval(services), given=facts(services={"kafka", "laptop"}))
    assert [one.values for one in gaps(item)] == [("laptop",)]


def test_a_proposed_approval_binds_nobody() -> None:
    (item,) = items([Proposed("IT-1", "IT", "Scoring")], [], facts(), [], TODAY)
    assert kinds(item) == ["not approved"]


def test_of_two_approvals_of_a_version_the_later_counts_and_another_version_hides_none() -> None:
    renewed = replace(approval(number=2), expires_on=TODAY + timedelta(days=300))
    other = approval(number=3, version="1.1")
    assert only(approval(), renewed, other, given=facts()).until == renewed.expires_on
    assert kinds(only(other, given=facts())) == ["other version"]


def accepted(condition: Condition = EU, values: tuple[str, ...] = ("us-east",), **more: object) -> Standing:
    return replace(Standing("IT-1", condition.text, frozenset(values), "accepted"), **more)  # type: ignore[arg-type]


def test_an_accepted_deviation_holds_for_the_values_it_was_accepted_for() -> None:
    us, elsewhere = facts(region={"us-east"}), facts(region={"ap-south"})
    assert only(approval(EU), given=us, deviations=(accepted(),)).accepted == (EU.text,)
    assert kinds(only(approval(EU), given=elsewhere, deviations=(accepted(),))) == ["not allowed"]


def test_an_acceptance_ends_on_its_last_day_and_shortens_the_approval() -> None:
    day = TODAY + timedelta(days=3)
    deviation, us = accepted(expires_on=day), facts(region={"us-east"})
    assert only(approval(EU), given=us, deviations=(deviation,)).until == day
    assert not only(approval(EU), given=us, deviations=(deviation,), today=day + timedelta(days=1)).inherited


@pytest.mark.parametrize("state", ["open", "rejected"])
def test_a_declared_deviation_stands_against_the_approval_until_it_is_accepted(state: str) -> None:
    declared = Standing("IT-1", "", frozenset(), state, "We skip the gateway at night")
    item = only(approval(EU), given=facts(), deviations=(declared,))
    assert kinds(item) == ["deviation"]
    assert "at night" in item.reasons[0].words
    assert only(approval(EU), given=facts(), deviations=(replace(declared, state="accepted"),)).inherited


def test_a_deviation_of_one_item_leaves_the_others_alone() -> None:
    two = [approval(item="IT-1"), approval(item="SEC-1", number=2)]
    found = items([], two, facts(), [Standing("IT-1", "", frozenset(), "open")], TODAY)
    assert [(one.item, one.inherited) for one in found] == [("IT-1", False), ("SEC-1", True)]


def test_an_accepted_statement_counts_as_kept() -> None:
    item = only(approval(GATEWAY), given=facts(), deviations=(accepted(GATEWAY, ()),))
    assert item.inherited


def test_nothing_deviates_from_what_is_not_in_force() -> None:
    us = facts(region={"us-east"}, version="2.0")
    assert gaps(only(approval(EU), given=us)) == []


def test_an_approval_for_other_data_is_no_deviation_where_the_same_board_has_one_for_these() -> None:
    ordinary = approval(Condition("Not restricted", "classification", ("internal",)), item="SEC-1")
    strict = approval(Condition("Restricted", "classification", ("restricted",)), EU, item="SEC-2", number=2)
    found = items([], [ordinary, strict], facts(classification={"internal"}, region={"us-east"}), [], TODAY)
    assert [(one.inherited, one.applies) for one in found] == [(True, True), (False, False)]
    assert gaps(found[1]) == []
    found = items([], [ordinary, strict], facts(classification={"restricted"}, region={"us-east"}), [], TODAY)
    assert [(one.inherited, one.applies) for one in found] == [(False, False), (False, True)]
    assert [one.fact for one in gaps(found[1])] == ["region"]
    alone = only(ordinary, given=facts(classification={"restricted"}))
    assert [one.fact for one in gaps(alone)] == ["classification"]


def test_the_suggestion_names_the_approved_services_of_each_stage_and_a_region_of_the_variant() -> None:
    spec = {
        "services": {"train": ["A job with MLflow tracking"], "deploy": ["Model server: KServe or a FastAPI container"]},
        "variants": [{"classification": "regulated", "regions": ["on-premises"], "services": {"deploy": ["KServe inside"]}}],
    }  # fmt: skip
    asked = [Condition("Platform", "services", ("KServe", "FastAPI", "MLflow", "Serve")), EU]
    usual = unchanged(spec, asked, "internal", "eu-north")
    assert (usual.region, usual.regions) == ("eu-north", ["eu-west", "eu-north", "on-premises"])
    assert usual.services == {"train": ["MLflow"], "deploy": ["KServe", "FastAPI"]}
    strict = unchanged(spec, asked, "restricted", "eu-north")
    assert (strict.region, strict.services["deploy"]) == ("on-premises", ["KServe"])
    assert unchanged({}, [], "public").services == {}
