import re
from pathlib import Path

import pytest
import yaml
from training_run_checker import MODEL_RULES, RULES, Rule, check

POLICIES = Path(__file__).parents[2] / "policies"
COMMIT = "9fceb02d0ae598e95dc970b74767f19372d61af8"


@pytest.fixture
def run():
    return {
        "experiment": "retention/churn-call-list/retrain",
        "run": "hgb_24-months",
        "tags": {"project_id": "churn-call-list", "purpose": "retrain", "mlflow.source.git.commit": COMMIT},
    }


@pytest.fixture
def model():
    return {
        "model": "retention.churn-call-list.leaves",
        "tags": {
            "project_id": "churn-call-list",
            "owner": "retention",
            "key_metric": "roc_auc",
            "metric_direction": "higher",
            "risk_tier": "limited",
        },
        "aliases": ["champion", "challenger"],
    }


def found(record, rules=RULES):
    return [(one.rule, one.correct) for one in check(record, rules)]


def agreed(policy, *targets):
    """The policy's rules about these targets, as the module writes them."""
    entry = yaml.safe_load((POLICIES / policy / "entry.yaml").read_text("utf-8"))
    return [one for one in entry["spec"]["rules"] if one["target"] in targets]


def field(rule):
    names = {"registered model": "model", "alias": "aliases"}
    return f"tag:{rule['key']}" if "key" in rule else names.get(rule["target"], rule["target"])


@pytest.mark.parametrize(
    ("rules", "policies"),
    [
        (RULES, [*agreed("experiment-naming", "experiment", "run"), *agreed("run-tags", "tag")]),
        (MODEL_RULES, agreed("model-naming-and-aliases", "registered model", "alias")),
    ],
    ids=["runs", "registered models"],
)
def test_the_default_rules_are_those_of_the_policies(rules, policies):
    assert [(one.id, one.field, one.message, one.pattern, one.values, one.required) for one in rules] == [
        (
            one["id"],
            field(one),
            one["message"],
            one.get("pattern", ".+"),
            tuple(one.get("values", [])),
            one.get("required", False),
        )
        for one in policies
    ]
    for rule, policy in zip(rules, policies, strict=True):
        said = policy["example"]
        assert check({"tags": {policy["key"]: said}} if "key" in policy else {rule.field: said}, [rule]) == []


def test_exploring_asks_for_no_more_than_the_policy_says():
    entry = yaml.safe_load((POLICIES / "run-tags" / "entry.yaml").read_text("utf-8"))
    assert "for explore only purpose and project_id are asked" in entry["spec"]["appliesTo"]
    explored = {"experiment": "a/b/explore", "tags": {"purpose": "explore", "project_id": "b"}}
    assert check(explored) == []
    assert found(explored | {"experiment": "a/b/experiment", "tags": {"purpose": "experiment", "project_id": "b"}}) == [
        ("TAG-3", "")
    ]


def test_a_run_and_a_model_that_follow_the_policies_have_no_findings(run, model):
    assert check(run) == []
    assert check(model, MODEL_RULES) == []


@pytest.mark.parametrize("rules", [RULES, MODEL_RULES], ids=["runs", "registered models"])
def test_an_empty_record_breaks_every_required_rule(rules):
    assert [(one.rule, one.value) for one in check({}, rules)] == [(rule.id, "") for rule in rules if rule.required]


def test_a_tag_without_a_value_is_as_good_as_missing(run):
    run["tags"]["project_id"] = ""
    assert [(one.rule, one.message[:8]) for one in check(run)] == [("TAG-2", "Missing.")]


@pytest.mark.parametrize(
    ("written", "correct"),
    [
        ("Retraining", "retrain"),
        (" retrain ", "retrain"),
        ("RETRAIN", "retrain"),
        ("misc", ""),
        ("baseline", ""),
    ],
)
def test_the_purpose_is_corrected_where_it_can_be_told_and_not_guessed_otherwise(run, written, correct):
    run["tags"]["purpose"] = written
    assert found(run) == [("TAG-1", correct)]


def test_the_experiment_name_takes_project_and_purpose_from_the_corrected_tags(run):
    run["experiment"] = "Retention/Churn/Monthly"
    run["tags"] |= {"project_id": "Churn Call List", "purpose": "Retraining"}
    assert found(run) == [
        ("EXP-1", "retention/churn-call-list/retrain"),
        ("TAG-1", "retrain"),
        ("TAG-2", "churn-call-list"),
    ]


@pytest.mark.parametrize(
    ("written", "correct"),
    [
        ("retention/churn-call-list/explore", "retention/churn-call-list/retrain"),
        ("retention/churn/retrain", "retention/churn-call-list/retrain"),
        ("retention/churn/explore-seasons", "retention/churn-call-list/retrain-seasons"),
    ],
)
def test_a_well_formed_name_that_contradicts_the_tags_is_found_and_keeps_unit_and_topic(run, written, correct):
    run["experiment"] = written
    assert found(run) == [("EXP-1", correct)]


def test_a_topic_may_follow_the_purpose(run):
    run["experiment"] += "-new-regions"
    assert check(run) == []


@pytest.mark.parametrize("name", ["John's test 3", "churn-call-list/retrain", "/churn-call-list/retrain"])
def test_a_unit_that_the_name_does_not_tell_is_not_invented(run, name):
    run["experiment"] = name
    assert found(run) == [("EXP-1", "")]


def test_an_experiment_name_is_cleaned_when_the_tags_cannot_tell_it(run):
    run |= {"experiment": "Retention/Churn Call List/Explore", "tags": {}}
    assert ("EXP-1", "retention/churn-call-list/explore") in found(run)


def test_exploring_may_go_without_a_commit_but_not_with_a_wrong_one(run):
    run["experiment"], run["tags"]["purpose"] = "retention/churn-call-list/explore", "Exploration"
    run["tags"]["mlflow.source.git.commit"] = "4f2a9c1"
    assert found(run) == [("TAG-1", "explore"), ("TAG-3", "")]
    del run["tags"]["mlflow.source.git.commit"]
    assert found(run) == [("TAG-1", "explore")]


def test_a_generated_run_name_gets_no_invented_correction(run):
    run["run"] = "gentle-fox-123"
    assert found(run) == [("EXP-2", "")]
    run["run"] = "HGB_24 months"
    assert found(run) == [("EXP-2", "hgb_24-months")]


def test_a_tag_that_is_not_required_is_checked_where_it_is_set(run):
    run["tags"] |= {"trigger": "manual", "stop_reason": "bored"}
    assert found(run) == [("TAG-4", "person"), ("TAG-8", "")]


def test_what_is_known_elsewhere_under_one_spelling_is_not_respelt(run, model):
    run["tags"] |= {"portal.retrain_request_id": "RT 417", "rai.sensitive_features": "Age, sex"}
    assert found(run) == [("TAG-5", ""), ("TAG-7", "")]
    model["tags"]["key_metric"] = " RMSE "
    assert found(model, MODEL_RULES) == [("MOD-4", "RMSE")]


def test_names_tags_and_aliases_of_a_model_are_corrected(model):
    model["model"] = "Retention.Churn Call List.Leaves"
    model["tags"] |= {"metric_direction": "Higher is better", "risk_tier": "High"}
    model["aliases"] = ["Champion", "previous-champion", "prod", "challenger"]
    assert found(model, MODEL_RULES) == [
        ("MOD-1", "retention.churn-call-list.leaves"),
        ("MOD-5", "higher"),
        ("MOD-6", "high"),
        ("ALI-1", "champion"),
        ("ALI-1", "previous_champion"),
        ("ALI-1", ""),
    ]


def test_aliases_may_come_with_the_versions_they_point_to(model):
    model["aliases"] = {"champion": "7", "Stable": "6"}
    assert [(one.rule, one.value) for one in check(model, MODEL_RULES)] == [("ALI-1", "Stable")]


def test_whatever_is_proposed_passes_its_rule_and_mends_the_run(run):
    run |= {"experiment": "Retention/x y/Trial", "run": "Ridge_Alpha 0.5"}
    run["tags"] |= {"project_id": "Churn_Call List", "purpose": "EDA", "mlflow.source.git.commit": COMMIT.upper()}
    for finding in check(run):
        assert finding.correct
        if finding.field.startswith("tag:"):
            run["tags"][finding.field.removeprefix("tag:")] = finding.correct
        else:
            run[finding.field] = finding.correct
    assert check(run) == []


def test_rules_are_data_and_can_be_replaced():
    rule = Rule("X-1", "tag:cost-centre", "Four digits.", r"\d{4}")
    assert check({}, [rule]) == []
    assert [one.rule for one in check({"tags": {"cost-centre": "12"}}, [rule])] == ["X-1"]
    assert check({"tags": {"cost-centre": 1234}}, [rule]) == []


def test_malformed_input_is_refused_with_what_to_do():
    with pytest.raises(TypeError, match="tags must be a mapping"):
        check({"tags": ["a"]})
    with pytest.raises(ValueError, match=re.escape("'tag:<key>'")):
        check({}, [Rule("X-1", "name", "?")])
