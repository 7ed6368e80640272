"""Verdicts: the whole interval decides, doubt is called doubt, and what cannot be trusted does not pass."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks.findings import Finding
from core.checks.snapshot import DatasetUse, Measure
from tests.core.checks.evidence import TEST, TRAIN, on, run, snapshot

RATIO = "rai.demographic_parity_ratio.sex"
ORDER = ("fail", "inconclusive", "pass")
shares = st.floats(0, 1)
widths = st.floats(0, 0.5)


def ratio(value: float, lower: float | None = None, upper: float | None = None, rows: int | None = None) -> Finding:
    return on("demographic_parity_ratio", RATIO, value, lower=lower, upper=upper, rows=rows)


@pytest.mark.parametrize(
    ("value", "lower", "upper", "verdict"),
    [
        (0.90, 0.80, 0.97, "pass"), (0.90, 0.799, 0.97, "inconclusive"), (0.70, 0.60, 0.799, "fail"),
        (0.70, 0.60, 0.80, "inconclusive"), (0.90, 0.85, None, "pass"), (0.90, None, 0.95, "inconclusive"),
        (0.70, None, 0.75, "fail"), (0.95, None, None, "inconclusive"), (0.20, None, None, "inconclusive"),
    ],
)  # fmt: skip
def test_the_whole_interval_decides(value: float, lower: float | None, upper: float | None, verdict: str) -> None:
    assert ratio(value, lower, upper).verdict == verdict


def test_an_inconclusive_finding_says_about_how_many_more_rows_would_settle_it() -> None:
    found = ratio(0.85, 0.75, 0.95, rows=415)
    assert (found.verdict, found.rows_needed) == ("inconclusive", pytest.approx(1245, abs=1))
    assert "about 1,300 more would" in found.text
    assert found.advice == "Evaluate on about 1,300 more rows of the same kind."


def test_so_many_more_rows_do_settle_it() -> None:
    more = ratio(0.85, 0.75, 0.95, rows=415).rows_needed or 0
    half = 0.1 * (415 / (415 + more + 1)) ** 0.5
    assert ratio(0.85, 0.85 - half, 0.85 + half).verdict == "pass"


def test_the_tier_says_whether_a_bare_number_is_enough_and_the_text_says_that_it_is_one() -> None:
    assert on("ece", "rai.ece", 0.01, tier="high").verdict == "inconclusive"
    found = on("ece", "rai.ece", 0.01, tier="minimal")
    assert found.verdict == "pass"
    assert "it has no interval" in found.text
    assert on("ece", "rai.ece", 0.2, tier="minimal").verdict == "fail"


def test_a_proportion_with_its_rows_is_judged_by_wilsons_interval() -> None:
    assert on("seeded_catch_rate", "rai.seeded_catch_rate", 1.0, rows=50).verdict == "pass"
    found = on("seeded_catch_rate", "rai.seeded_catch_rate", 0.9, rows=50)
    assert found.verdict == "inconclusive"
    assert "Wilson from 50 rows" in found.text
    assert on("seeded_catch_rate", "rai.seeded_catch_rate", 0.9).verdict == "inconclusive"


def test_a_value_outside_of_its_own_interval_does_not_pass_by_the_interval() -> None:
    assert ratio(0.5, 0.85, 0.95).verdict == "inconclusive"


@given(shares, shares, widths, widths, st.integers(1, 10**6))
def test_a_better_value_never_gets_a_worse_verdict(a: float, b: float, down: float, up: float, rows: int) -> None:
    low, high = sorted((a, b))
    worse, better = (ratio(one, one - down, one + up, rows) for one in (low, high))
    assert ORDER.index(worse.verdict) <= ORDER.index(better.verdict)
    worse, better = (on("ece", "rai.ece", one, lower=one - down, upper=one + up) for one in (high, low))
    assert ORDER.index(worse.verdict) <= ORDER.index(better.verdict)
    worse, better = (on("seeded_catch_rate", "rai.seeded_catch_rate", one, rows=rows) for one in (low, high))
    assert ORDER.index(worse.verdict) <= ORDER.index(better.verdict)


@given(shares, widths, widths, st.integers(10, 10**5), st.integers(1, 1000))
def test_more_rows_settle_doubt_and_never_turn_a_verdict(
    value: float, down: float, up: float, rows: int, times: int
) -> None:
    before = ratio(value, value - down, value + up, rows).verdict
    shrunk = times**-0.5
    after = ratio(value, value - down * shrunk, value + up * shrunk, rows * times).verdict
    assert after == before or before == "inconclusive"
    before = on("seeded_catch_rate", "rai.seeded_catch_rate", value, rows=rows).verdict
    after = on("seeded_catch_rate", "rai.seeded_catch_rate", value, rows=rows * times).verdict
    assert (before, after) not in (("pass", "fail"), ("fail", "pass"))


@pytest.mark.parametrize(
    ("measure", "verdict", "words"),
    [
        (Measure(None, text="NaN"), "missing", "'NaN', which is no number"),
        (Measure(float("nan")), "missing", "no number"),
        (Measure(float("inf")), "missing", "no number"),
        (Measure(0.95, lower=0.9, upper=1, history=3, overwritten=True), "fail", "written 3 times"),
        (Measure(1.4, lower=1.2, upper=1.6), "missing", "can only be 0 to 1"),
        (Measure(0.9, lower=0.95, upper=0.85), "missing", "no interval"),
        (Measure(0.9, lower=float("nan"), upper=1), "missing", "no interval"),
        (Measure(0.95, lower=0.9, upper=1, digest="ccc333", dataset="easy"), "missing", "the dataset easy"),
        (Measure(0.95, lower=0.9, upper=1, digest="aaa111"), "missing", "the training data"),
        (Measure(0.95, lower=0.9, upper=1, digest="bbb222"), "pass", ""),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_trusted_does_not_pass(measure: Measure, verdict: str, words: str) -> None:
    found = run("demographic_parity_ratio", snapshot({RATIO: measure}, datasets=(TRAIN, TEST)))
    assert found.verdict == verdict
    assert words in found.text
    assert bool(found.advice) == (verdict != "pass")


@pytest.mark.parametrize("name", ["metric_at_least", "metric_present", "metric_interval_at_least", "key_metric_target"])
def test_an_overwritten_metric_passes_no_check(name: str) -> None:
    evidence = snapshot(
        {"f1": Measure(0.95, lower=0.9, upper=1, history=2, overwritten=True)},
        facts={"key_metric": "f1", "target": 0.5},
    )
    parameters = {"metric_present": {"metric": "f1"}, "key_metric_target": {}}
    assert run(name, evidence, **parameters.get(name, {"metric": "f1", "value": 0.5})).verdict == "fail"


def test_without_contexts_whatever_was_not_trained_on_is_evaluation_data() -> None:
    measure = {RATIO: Measure(0.95, lower=0.9, upper=1, digest="bbb222")}
    assert (
        run("demographic_parity_ratio", snapshot(measure, datasets=(TRAIN, DatasetUse("d", "bbb222")))).verdict
        == "pass"
    )
    named = snapshot(measure, datasets=(TRAIN, DatasetUse("d", "bbb222"), DatasetUse("d", "ddd444", "evaluation")))
    assert run("demographic_parity_ratio", named).verdict == "missing"
    other = snapshot(measure, datasets=(TRAIN, DatasetUse("d", "ddd444")))
    assert run("demographic_parity_ratio", other).verdict == "missing"


def test_the_worst_of_several_features_counts_and_the_others_are_told() -> None:
    good, bad = Measure(0.95, lower=0.9, upper=1), Measure(0.5, lower=0.4, upper=0.6)
    age, near = "rai.demographic_parity_ratio.age", Measure(0.9, lower=0.85, upper=0.95)
    found = run("demographic_parity_ratio", snapshot({age: good, RATIO: bad}))
    assert (found.verdict, found.metric, found.observed) == ("fail", RATIO, 0.5)
    assert "The other value is better." in found.text
    assert run("demographic_parity_ratio", snapshot({age: good, RATIO: near})).metric == RATIO
    assert run("demographic_parity_ratio", snapshot({age: near, RATIO: good})).metric == age


@pytest.mark.parametrize("part", [".lower", ".upper", ".rows"])
def test_an_end_of_an_interval_without_its_value_is_not_taken_for_the_value(part: str) -> None:
    assert on("ece", f"rai.ece{part}", 0.01, tier="minimal").verdict == "missing"


def test_an_overwritten_selection_rate_gives_no_interval() -> None:
    metrics = {
        RATIO: Measure(0.98),
        "rai.selection_rate.sex.f": Measure(0.49, rows=50_000),
        "rai.selection_rate.sex.m": Measure(0.5, rows=50_000),
    }
    assert run("demographic_parity_ratio", snapshot(metrics)).verdict == "pass"
    metrics["rai.selection_rate.sex.f"] = Measure(0.49, rows=50_000, overwritten=True)
    assert run("demographic_parity_ratio", snapshot(metrics)).verdict == "inconclusive"


def test_what_cannot_be_measured_calls_for_a_compensating_control() -> None:
    reason = {"rai.cannot_measure.demographic_parity_ratio": "The law forbids us to hold the attribute."}
    found = run("demographic_parity_ratio", snapshot(tags=reason))
    assert (found.verdict, found.compensating) == ("missing", True)
    assert "The law forbids us to hold the attribute." in found.text
    assert "compensating control" in found.advice


@pytest.mark.parametrize(
    ("tags", "compensating"),
    [
        ({"rai.sensitive_features": "unavailable"}, True),
        ({"rai.sensitive_features": "none"}, False),
        ({"rai.cannot_measure.demographic_parity_ratio": " "}, False),
        ({"rai.cannot_measure.demographic_parity_ratio.age": "Nobody tells us."}, True),
        ({"rai.cannot_measure.ece": "Another check."}, False),
    ],
)
def test_only_a_reason_for_this_check_stands_for_its_metric(tags: dict[str, str], compensating: bool) -> None:
    found = run("demographic_parity_ratio", snapshot(tags=tags))
    assert (found.verdict, found.compensating) == ("missing", compensating)


def test_a_reason_does_not_silence_what_was_measured_and_fails() -> None:
    tags = {"rai.cannot_measure.demographic_parity_ratio": "We would rather not."}
    bad, good = Measure(0.5, lower=0.4, upper=0.6), Measure(0.95, lower=0.9, upper=1)
    assert run("demographic_parity_ratio", snapshot({RATIO: bad}, tags=tags)).verdict == "fail"
    assert run("demographic_parity_ratio", snapshot({RATIO: good}, tags=tags)).compensating


def test_a_sensitive_feature_that_the_run_names_and_did_not_measure_is_missing() -> None:
    tags = {"rai.sensitive_features": "sex,age_band"}
    found = run("demographic_parity_ratio", snapshot({RATIO: Measure(0.95, lower=0.9, upper=1)}, tags=tags))
    assert found.verdict == "missing"
    assert "age_band" in found.text


def test_nothing_passes_on_a_group_below_the_floor() -> None:
    metrics = {RATIO: Measure(0.95, lower=0.9, upper=1), "rai.group_count.sex.f": Measure(60, rows=1000)}
    found = run("demographic_parity_ratio", snapshot(metrics))
    assert found.verdict == "inconclusive"
    assert "60 rows, too few to judge: it should have at least 100." in found.text
    metrics["rai.group_count.sex.f"] = Measure(100, rows=1000)
    assert run("demographic_parity_ratio", snapshot(metrics)).verdict == "pass"


def test_the_worst_group_is_not_judged_on_few_rows_whichever_way_they_were_counted() -> None:
    metrics = {"rai.worst_group_ratio.f1": Measure(0.99, lower=0.95, upper=1)}
    assert run("worst_group_ratio", snapshot(metrics)).verdict == "pass"
    metrics["rai.group_count.sex.f"] = Measure(30, rows=1000)
    assert run("worst_group_ratio", snapshot(metrics)).verdict == "inconclusive"


def test_the_contract_of_each_dataset_counts_not_of_the_first_alone() -> None:
    full, empty = {"title": "Loans", "expectations": [{}] * 5}, {"title": "Regions", "expectations": []}
    assert run("contract_present", snapshot(facts={"datasets": [full]})).verdict == "pass"
    found = run("contract_present", snapshot(facts={"datasets": [full, empty]}))
    assert (found.verdict, "Regions holds 0 checks" in found.text) == ("missing", True)


def test_searches_that_nobody_counted_are_not_taken_for_enough() -> None:
    facts = {"reuse_reviewed": True}
    assert run("reuse_review_recorded", snapshot(facts=facts)).verdict == "pass"
    assert run("reuse_review_recorded", snapshot(facts=facts), minimum_searches=3).verdict == "missing"


@pytest.mark.parametrize(
    ("count", "rows", "verdict", "needed"),
    [(100, 1000, "pass", None), (50, 1000, "inconclusive", 1000), (120, 10_000, "inconclusive", None),
     (100, None, "inconclusive", None), (0, 1000, "inconclusive", None)],
)  # fmt: skip
def test_a_group_needs_rows_and_a_share_of_all(count: int, rows: int | None, verdict: str, needed: int | None) -> None:
    found = on("group_count", "rai.group_count.min", count, rows=rows)
    assert (found.verdict, found.rows_needed) == (verdict, needed)


@pytest.mark.parametrize(
    ("value", "rows", "verdict"),
    [(0.15, 200, "pass"), (0.15, 1000, "fail"), (0.25, 200, "fail"), (0.05, 1000, "pass"), (0.05, 40, "inconclusive"),
     (0.05, None, "pass"), (0.15, None, "inconclusive")],
)  # fmt: skip
def test_the_limit_of_drift_knows_the_sample_size(value: float, rows: int | None, verdict: str) -> None:
    assert on("psi", "rai.psi.age", value, rows=rows).verdict == verdict


def champion(value: float, mine: Measure, theirs: Measure, **facts: object) -> Finding:
    evidence = snapshot({"f1": mine}, champion={"f1": theirs}, facts={"key_metric": "f1", **facts})
    return run("metric_not_worse_than_champion", evidence, tolerance=value)


def test_a_loss_within_the_tolerance_passes_by_the_interval_of_the_difference() -> None:
    sure = {"lower": 0.799, "upper": 0.801}
    assert champion(0.01, Measure(0.8, **sure), Measure(0.8, **sure)).verdict == "pass"
    assert champion(0.0, Measure(0.8, **sure), Measure(0.8, **sure)).verdict == "inconclusive"
    assert champion(0.01, Measure(0.7, lower=0.699, upper=0.701), Measure(0.8, **sure)).verdict == "fail"
    assert champion(0.01, Measure(0.8), Measure(0.8)).verdict == "inconclusive"


def test_for_an_error_less_is_better_than_the_champion() -> None:
    low, high = Measure(0.5, lower=0.49, upper=0.51), Measure(0.8, lower=0.79, upper=0.81)
    assert champion(0.01, low, high, higher_is_better=False).verdict == "pass"
    assert champion(0.01, high, low, higher_is_better=False).verdict == "fail"


def test_versions_on_different_data_are_not_compared_and_without_champion_there_is_none_to_lose_to() -> None:
    one, other = (Measure(0.8, lower=0.79, upper=0.81, digest=digest) for digest in ("aaa", "bbb"))
    assert champion(0.01, one, other).verdict == "missing"
    assert run("metric_not_worse_than_champion", snapshot({"f1": one}, facts={"key_metric": "f1"})).verdict == "pass"


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [({"target": 0.75}, "pass"), ({"target": 0.85}, "fail"), ({"target": 0.8}, "inconclusive"), ({}, "missing"),
     ({"target": "good"}, "missing"), ({"target": 0.85, "higher_is_better": False}, "pass"),
     ({"target": 0.75, "key_metric": ""}, "missing")],
)  # fmt: skip
def test_the_key_metric_meets_the_target_of_the_charter(facts: dict[str, object], verdict: str) -> None:
    evidence = snapshot({"f1": Measure(0.8, lower=0.78, upper=0.82)}, facts={"key_metric": "f1", **facts})
    assert run("key_metric_target", evidence).verdict == verdict
    assert run("metric_interval_at_least", evidence, metric="key_metric", target_from="charter").verdict == verdict


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ("2026-01-01", "pass"),
        ("2025-01-01", "fail"),
        ("2026-12-01", "missing"),
        ("last week", "missing"),
        ("", "missing"),
        (datetime(2026, 2, 28, tzinfo=UTC), "pass"),
        ({"date": "2026-02-28"}, "pass"),
    ],
)
def test_a_record_is_dated_and_not_too_old(given: object, verdict: str) -> None:
    assert run("dated_record", snapshot(answers={"OPS-2": given}), item="OPS-2").verdict == verdict


def test_figures_are_rounded_but_never_onto_the_limit() -> None:
    found = ratio(0.79996, 0.79993, 0.79999)
    assert found.verdict == "fail"
    assert "0.79996" in found.text
    assert "at least 0.8." in found.text
    assert "0.123 (" in ratio(0.1234567, 0.1, 0.2).text
