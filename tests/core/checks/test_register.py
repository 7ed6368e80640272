"""The register: every check is known by its name, tells what it takes, can pass and can refuse, and never raises."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.checks import limits, registry
from core.checks.findings import Finding, Verdict
from core.checks.snapshot import DatasetUse, File, Measure, Snapshot
from core.checks.task import CheckInfo, Parameter, Task
from tests.core.checks.evidence import AT, TEST, TRAIN, policy, run, snapshot

NAMES = [one.name for one in registry.all_checks()]
RULES = {
    "FAIR-1",
    "FAIR-2",
    "FAIR-3",
    "FAIR-4",
    "FAIR-5",
    "FAIR-6",
    "REL-1",
    "REL-2",
    "REL-3",
    "REL-4",
    "REL-5",
    "REL-6",
    "REL-7",
    "DRIFT-1",
    "PRIV-1",
    "PRIV-2",
    "PRIV-3",
    "SEC-1",
    "SEC-2",
    "TRAN-1",
    "TRAN-2",
    "TRAN-3",
    "INCL-1",
    "INCL-2",
    "ACC-1",
    "ACC-2",
    "ACC-3",
    "DATA-1",
    "DATA-2",
    "DATA-3",
    "DATA-4",
    "DATA-5",
    "DATA-6",
    "OPS-1",
}
COMMIT = "9fceb02d0ae598e95dc970b74767f19372d61af8"
FILE = File(10, "0" * 64)


def sure(value: float, *, by: float = 0.0) -> Measure:
    return Measure(value, lower=value - by, upper=value + by, rows=1000)


def metric(name: str, value: float) -> dict[str, Any]:
    return {"metrics": {name: sure(value)}}


Parts = dict[str, Any]
MEASURED: dict[str, tuple[str, float, float]] = {
    # check: metric, value that passes, value that fails
    "demographic_parity_ratio": ("rai.demographic_parity_ratio.a", 0.9, 0.7),
    "equalized_odds_difference": ("equalized_odds_difference", 0.05, 0.2),
    "equal_opportunity_difference": ("rai.equal_opportunity_difference.a", 0.05, 0.2),
    "worst_group_ratio": ("rai.worst_group_ratio.f1", 0.95, 0.8),
    "group_mae_ratio": ("rai.group_mae_ratio.a", 1.1, 1.5),
    "proxy_auc": ("rai.proxy_auc.a", 0.6, 0.9),
    "baseline_gain": ("rai.baseline_gain", 0.1, 0),
    "ece": ("rai.ece", 0.01, 0.2),
    "noise_drop": ("rai.noise_drop.sd0_10", 0.01, 0.2),
    "flip_rate": ("rai.flip_rate.sd0_05", 0.01, 0.2),
    "worst_slice": ("rai.worst_slice.recall", 0.9, 0.7),
    "psi": ("rai.psi.age", 0.05, 0.3),
    "drift_share": ("drift_share", 0.1, 0.9),
    "pii_hits": ("rai.pii_hits", 0, 1),
    "k_anonymity": ("rai.k_anonymity", 5, 4),
    "mia_auc": ("rai.mia_auc", 0.55, 0.8),
    "unsafe_types": ("rai.unsafe_types", 0, 1),
    "cve_high": ("rai.cve_high", 0, 2),
    "importance_rank_corr": ("rai.importance_rank_corr", 0.9, 0.5),
    "a11y_serious": ("rai.a11y_serious", 0, 1),
    "coverage": ("rai.coverage.language", 0.95, 0.5),
    "seeded_catch_rate": ("rai.seeded_catch_rate", 0.9, 0.5),
    "data_schema_errors": ("rai.data.schema_errors", 0, 1),
    "data_missing_share": ("rai.data.missing_share", 0.01, 0.1),
    "data_duplicate_share": ("rai.data.duplicate_share", 0.001, 0.1),
    "data_overlap": ("rai.data.overlap", 0, 1),
    "footprint_growth_at_most": ("rai.footprint_growth", -0.1, 0.5),
    "queue_load": ("rai.queue_load", 0.5, 1.5),
    "cost_ratio": ("rai.cost_ratio", 1.1, 1.5),
    "wasted_run_share": ("rai.wasted_run_share", 0.1, 0.5),
}
OTHERS: dict[str, tuple[Parts, Parts, Parts, str]] = {
    # check: parameters, evidence that passes, evidence that does not, its verdict
    "group_count": ({}, metric("rai.group_count.a.b", 400), metric("rai.group_count.a.b", 40), "inconclusive"),
    "key_metric_target": (
        {},
        {**metric("f1", 0.9), "facts": {"key_metric": "f1", "target": 0.8}},
        {"facts": {"key_metric": "f1", "target": 0.8}},
        "missing",
    ),
    "metric_not_worse_than_champion": (
        {},
        {**metric("f1", 0.9), "champion": {"f1": sure(0.8)}, "facts": {"key_metric": "f1"}},
        {**metric("f1", 0.7), "champion": {"f1": sure(0.8)}, "facts": {"key_metric": "f1"}},
        "fail",
    ),
    "adv_accuracy": ({}, metric("rai.adv_accuracy.fgm.0_1", 0.1), {}, "missing"),
    "signature_present": ({}, {"has_signature": True, "has_example": True}, {"has_signature": True}, "missing"),
    "latency_p95_ms": ({"limit": 100}, metric("rai.latency_p95_ms", 80), metric("rai.latency_p95_ms", 120), "fail"),
    "scan_clean": ({"scanner": "artefact"}, metric("rai.unsafe_types", 0), {}, "missing"),
    "token_scope_at_most": (
        {"allow": ["read", "gate"]},
        {"facts": {"token_scopes": ["read"]}},
        {"facts": {"token_scopes": ["admin"]}},
        "fail",
    ),
    "importance_logged": (
        {},
        {"files": {"rai/importance.json": File(9, "", {"a": 0.5, "b": -0.5})}},
        {"files": {"rai/importance.json": File(9, "", {"a": 9, "b": 1})}},
        "fail",
    ),
    "model_card_section_present": (
        {"sections": ["out of scope"]},
        {"facts": {"model_card": {"out_of_scope": "Loans to firms."}}},
        {"facts": {"model_card": {"out_of_scope": "TODO: write"}}},
        "missing",
    ),
    "link_present": (
        {"field": "notice"},
        {"tags": {"rai.link.notice": "https://example.org/notice"}},
        {"tags": {"rai.link.notice": "javascript:alert(1)"}},
        "missing",
    ),
    "reproducible_run": (
        {},
        {
            "tags": {"mlflow.source.git.commit": COMMIT},
            "params": {"depth": "3"},
            "files": {"model/requirements.txt": FILE},
            "datasets": (TRAIN,),
        },
        {
            "tags": {"mlflow.source.git.commit": "main"},
            "params": {"depth": "3"},
            "files": {"model/requirements.txt": FILE},
            "datasets": (TRAIN,),
        },
        "missing",
    ),
    "run_has_tag": ({"keys": ["purpose"]}, {"tags": {"purpose": "retrain"}}, {"tags": {"purpose": " "}}, "missing"),
    "override_rate": ({}, metric("rai.override_rate", 0.1), {}, "missing"),
    "human_oversight": (
        {"minimum_words": 2},
        {**metric("rai.override_rate", 0.1), "facts": {"model_card": {"human oversight": "The clerk decides."}}},
        metric("rai.override_rate", 0.1),
        "missing",
    ),
    "review_seconds_median": (
        {"limit": 30},
        metric("rai.review_seconds_median", 40),
        metric("rai.review_seconds_median", 4),
        "fail",
    ),
    "alias_has_rollback": (
        {},
        {"champion": {"f1": sure(1)}, "tags": {"rai.rollback_rehearsed_on": "2026-01-05"}},
        {"champion": {"f1": sure(1)}, "tags": {"rai.rollback_rehearsed_on": "2025-01-05"}},
        "fail",
    ),
    "dated_record": (
        {"record": "drill_on"},
        {"facts": {"drill_on": "2026-02-01"}},
        {"facts": {"drill_on": "2020-02-01"}},
        "fail",
    ),
    "roles_assigned": (
        {"roles": ["domain expert"]},
        {"facts": {"roles": {"domain expert": ["p-1"]}}},
        {"facts": {"roles": {"domain expert": []}}},
        "missing",
    ),
    "catalog_field_present": (
        {"fields": ["owner"]},
        {"facts": {"entry": {"owner": "cards"}}},
        {"facts": {"entry": {"owner": ""}}},
        "missing",
    ),
    "repository_setting": (
        {"setting": "protected_branch"},
        {"facts": {"repository": {"protected_branch": True}}},
        {"facts": {"repository": {"protected_branch": False}}},
        "fail",
    ),
    "risk_tier_computed": ({}, {"facts": {"tier": "high"}}, {"facts": {"tier": "prohibited"}}, "fail"),
    "reuse_review_recorded": (
        {"minimum_searches": 3},
        {"facts": {"reuse_reviewed": True, "reuse_searches": 3}},
        {"facts": {"reuse_reviewed": True, "reuse_searches": 1}},
        "missing",
    ),
    "adoption_recorded": (
        {"kind": "pattern"},
        {"facts": {"catalog": ["pattern"]}},
        {"facts": {"catalog": ["asset"]}},
        "missing",
    ),
    "run_exists": (
        {"stage": "explore"},
        {"facts": {"runs": {"explore": 2}}},
        {"facts": {"runs": {"explore": 0}}},
        "missing",
    ),
    "data_label_balance": ({}, metric("rai.data.label_balance", 0.001), {}, "missing"),
    "dataset_digest_differs": (
        {},
        {"datasets": (TRAIN, TEST)},
        {"datasets": (TRAIN, DatasetUse("loans", "aaa111", "test"))},
        "fail",
    ),
    "dataset_digest_present": ({}, {"datasets": (TRAIN,)}, {"datasets": (TRAIN, DatasetUse("x", ""))}, "missing"),
    "dataset_field_present": (
        {"fields": ["licence"]},
        {"facts": {"datasets": [{"title": "Loans", "licence": "MIT"}]}},
        {"facts": {"entry": {"licence": "tbd"}}},
        "missing",
    ),
    "contract_present": (
        {"minimum_checks": 2},
        {"facts": {"entry": {"expectations": [{}], "freshness": {"updates": "daily"}}}},
        {"facts": {"entry": {"expectations": [{}]}}},
        "missing",
    ),
    "access_route_present": (
        {},
        {"facts": {"access": {"route": "Request in the portal", "expires": True}}},
        {"facts": {"access": {"route": "Request in the portal"}}},
        "fail",
    ),
    "monitor_declared": (
        {"kinds": ["data", "quality"]},
        {"facts": {"monitoring": "Data and quality: grafana", "on_call": "p-1"}},
        {"facts": {"monitoring": "Data: grafana", "on_call": "p-1"}},
        "missing",
    ),
    "retraining_trigger_declared": (
        {"minimum_words": 3},
        {"facts": {"retraining": "Monthly, or on drift."}},
        {"facts": {"retraining": "Monthly"}},
        "missing",
    ),
    "appeal_days_p90": ({"limit": 14}, metric("rai.appeal_days_p90", 10), metric("rai.appeal_days_p90", 20), "fail"),
    "energy_kwh": ({}, metric("rai.energy_kwh", 3), {}, "missing"),
    "metric_present": ({"metric": "f1"}, metric("f1", 0.1), {}, "missing"),
    "metric_at_least": ({"metric": "f1", "value": 0.5}, metric("f1", 0.6), metric("f1", 0.4), "fail"),
    "metric_at_most": ({"metric": "loss", "value": 0.5}, metric("loss", 0.4), metric("loss", 0.6), "fail"),
    "metric_interval_at_least": (
        {"metric": "f1", "value": 0.5},
        metric("f1", 0.6),
        {"metrics": {"f1": Measure(0.6)}},
        "inconclusive",
    ),
    "metric_interval_at_most": (
        {"metric": "loss", "value": 0.5},
        metric("loss", 0.4),
        {"metrics": {"loss": sure(0.5, by=0.1)}},
        "inconclusive",
    ),
    "file_present": (
        {"path": "docs/charter.md"},
        {"files": {"upload/charter.md": FILE}},
        {"files": {"docs/charter.md": File(0, "")}},
        "missing",
    ),
    "file_has_section": (
        {"path": "a.md", "sections": ["Stop rule"]},
        {"files": {"a.md": File(9, "", "# Stop rule\nAt 0.6.")}},
        {"files": {"a.md": File(9, "", "# Stop rule\n\n# Next\nWords.")}},
        "missing",
    ),
    "answer_present": (
        {"minimum_words": 3},
        {"answers": {"X-1": "Nobody was harmed."}},
        {"answers": {"X-1": "Nobody."}},
        "missing",
    ),
}
GOOD_AND_BAD = OTHERS | {
    name: ({}, metric(stem, good), metric(stem, bad), "fail") for name, (stem, good, bad) in MEASURED.items()
}


def test_every_rule_of_the_catalogue_of_rules_has_a_check() -> None:
    assert {one.id for one in registry.all_checks()} >= RULES


@pytest.mark.parametrize("info", registry.all_checks(), ids=NAMES)
def test_every_check_says_what_it_judges_why_and_what_to_do(info: CheckInfo) -> None:
    assert info.text.endswith(".")
    assert info.advice.endswith(".")
    assert info.source
    assert info.title
    assert info.principle


@pytest.mark.parametrize("name", NAMES)
def test_every_check_can_pass_and_can_refuse(name: str) -> None:
    parameters, good, bad, verdict = GOOD_AND_BAD[name]
    passed = run(name, snapshot(**good), item="X-1", **parameters)
    assert passed.verdict == "pass", passed.text
    refused = run(name, snapshot(**bad), item="X-1", **parameters)
    assert refused.verdict == verdict, refused.text
    for found in (passed, refused):
        assert found.check == name
        assert found.source
        assert found.text.endswith((".", "notice"))
    assert refused.advice


@pytest.mark.parametrize("name", NAMES)
def test_no_check_passes_on_nothing_but_the_one_that_needs_a_champion(name: str) -> None:
    found = run(name, snapshot(), item="X-1", **GOOD_AND_BAD[name][0])
    assert found.verdict == ("pass" if name == "metric_not_worse_than_champion" else "missing")


def test_an_unknown_check_is_missing_and_says_so() -> None:
    found = run("moon_phase", snapshot())
    assert (found.verdict, found.text) == ("missing", "There is no check 'moon_phase'.")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "no 'limit' is set for the tier high"),
        ({"limit": "0.8"}, "'limit' is '0.8', which is no finite number"),
        ({"limit": float("nan")}, "no finite number"),
        ({"limit": True}, "no finite number"),
        ({"limit": {"minimal": 0.1}}, "not set for the tier high"),
        ({"limit": {"huge": 0.1, "high": 0.1}}, "is given for 'huge'"),
        ({"limit": 0.05, "limits": 3}, "does not take 'limits'"),
        ({"limit": 0.05, "interval": "yes"}, "no true or false"),
        ({"limit": 0.05, "metric": ["a"]}, "no text"),
    ],
)
def test_parameters_that_cannot_be_used_are_missing_and_say_which(parameters: dict[str, Any], words: str) -> None:
    found = registry.run("ece", snapshot({"rai.ece": sure(0.01)}), parameters, tier="high")
    assert found.verdict == "missing"
    assert words in found.text
    assert registry.against("ece", parameters, tier="high") == found.text


def test_a_parameter_may_differ_by_tier() -> None:
    limit = {"limit": {"minimal": 0.3, "high": 0.1}}
    evidence = snapshot({"rai.ece": sure(0.2)})
    assert registry.run("ece", evidence, limit, tier="minimal").verdict == "pass"
    assert registry.run("ece", evidence, limit, tier="high").verdict == "fail"


def test_two_checks_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="two checks"):
        registry.check("ece", id="X-1", principle="none", title="Again")(lambda task: task.finding("pass", "Well."))


def test_a_check_that_breaks_says_so_instead_of_raising(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(task: Task) -> Finding:
        raise RuntimeError(task.tier)

    monkeypatch.setitem(registry._checks, "broken", (CheckInfo("broken", "X-1", "none", "Broken"), broken))
    found = registry.run("broken", snapshot(), {}, tier="high")
    assert (found.verdict, "broke on this evidence" in found.text) == ("missing", True)
    assert "the check broken broke" in caplog.text


def test_a_finding_survives_json() -> None:
    found = run("ece", snapshot({"rai.ece": sure(0.2, by=0.01)}))
    assert Finding.from_data(json.loads(json.dumps(found.as_data()))) == found


# --- whatever comes ---

awkward_text = st.sampled_from(
    [
        "",
        " ",
        "TODO",
        "2026-02-30",
        "2026-02-01",
        "https://[broken",
        "bbb222",
        "none",
        "unavailable",
        "sex,age",
        "\x00é\u2028" * 50,
    ]
)
number = st.floats() | st.integers(-(10**400), 10**400) | st.sampled_from([0.0, 0.8, 1.0, 1e308, -1e308, 5e-324])
scalar = st.none() | st.booleans() | number | awkward_text
anything = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(awkward_text, inner, max_size=3), max_leaves=5
)
measures = st.builds(
    Measure,
    st.none() | st.floats() | st.sampled_from([0, 0.5, 0.8, 1, 10**400]),
    awkward_text,
    st.none() | st.floats(),
    st.none() | st.floats(),
    st.none() | st.integers(-5, 10**15),
    st.integers(0, 3),
    st.booleans(),
    awkward_text,
    awkward_text,
)
FACTS = [
    "tier",
    "key_metric",
    "higher_is_better",
    "target",
    "monitoring",
    "monitors",
    "on_call",
    "retraining",
    "pattern",
    "model_card",
    "catalog",
    "roles",
    "runs",
    "reuse_reviewed",
    "reuse_searches",
    "links",
    "datasets",
    "entry",
    "access",
    "rollback_version",
    "rollback_rehearsed_on",
    "drill_on",
    "repository",
    "token_scopes",
]


METRIC_NAMES = [
    *sorted({name for case in GOOD_AND_BAD.values() for name in case[1].get("metrics", {})}), "rai.group_count.min",
    "rai.selection_rate.a.b", "rai.selection_rate.a.c", "rai.champion_gain", "rai.importance_top_share",
]  # fmt: skip
FILES = ["docs/charter.md", "rai/importance.json", "a.md", "model/requirements.txt"]
TAGS = [
    "rai.sensitive_features",
    "rai.cannot_measure.ece",
    "rai.cannot_measure.psi",
    "rai.link.notice",
    "rai.rollback_rehearsed_on",
    "mlflow.source.git.commit",
]


def spread(names: list[str], drawn: list[Any]) -> dict[str, Any]:
    """Each name gets one of the few things that were drawn, some get none."""
    return {name: drawn[place % len(drawn)] for place, name in enumerate(names) if place % (len(drawn) + 1)}


def some(names: list[str], of: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(spread, st.permutations(names), st.lists(of, min_size=1, max_size=6))


whatever = st.builds(
    Snapshot,
    st.just(AT),
    some(METRIC_NAMES, measures),
    some(METRIC_NAMES, measures) | st.just({}),
    some(TAGS, awkward_text),
    st.just({}),
    st.lists(
        st.builds(DatasetUse, awkward_text, awkward_text, st.sampled_from(["", "training", "test"])), max_size=2
    ).map(tuple),
    st.booleans(),
    st.booleans(),
    some(FILES, st.builds(File, st.integers(-1, 9), st.just(""), anything)),
    st.builds(lambda facts, name: facts | {"key_metric": name}, some(FACTS, anything), st.just("f1") | scalar),
    some(["X-1"], anything),
)


def asked(info: CheckInfo, strange: list[Any]) -> dict[str, Any]:
    """The usual parameters, with some of them replaced."""
    usual = limits.merged(info.name, GOOD_AND_BAD[info.name][0], policy(), tier="high")
    return usual | (spread([one.name for one in info.takes], strange) if strange else {})


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(whatever, st.lists(anything | number, max_size=4), st.sampled_from(["high", "minimal", "none"]))
def test_no_evidence_and_no_parameters_make_a_check_raise(evidence: Snapshot, strange: list[Any], tier: str) -> None:
    for info in registry.all_checks():
        for parameters in (asked(info, []), asked(info, strange)):
            found = registry.run(info.name, evidence, parameters, tier=tier, item="X-1")
            assert "broke on this evidence" not in found.text
            assert found.verdict in get_args(Verdict)
            assert len(found.text) < 2000
            json.dumps(found.as_data(), allow_nan=False)


def test_parameters_are_declared_once_each() -> None:
    for info in registry.all_checks():
        names = [one.name for one in info.takes]
        assert len(names) == len(set(names))
        assert all(isinstance(one, Parameter) and one.text for one in info.takes)
