import json
import time

import mlflow
import numpy as np
import pandas as pd
import pytest
import responsible_ai_evidence as rai
from mlflow import MlflowClient
from responsible_ai_evidence import Measure

FEW = 60
"""Resamples in tests: the ends of intervals are rough, and the tests ask for no more."""


def outcomes(counts):
    """Actual, predicted and group from {group: (true positives, positives, false positives, negatives)}."""
    actual, predicted, group = [], [], []
    for name, (hits, positives, alarms, negatives) in counts.items():
        actual += [1] * positives + [0] * negatives
        predicted += [1] * hits + [0] * (positives - hits) + [1] * alarms + [0] * (negatives - alarms)
        group += [name] * (positives + negatives)
    return actual, predicted, {"sex": group}


UNEQUAL = outcomes({"f": (40, 100, 10, 100), "m": (80, 100, 20, 100)})


def model(inputs):
    """Says yes where ``x`` is above zero; ``y`` is nothing to it."""
    return (inputs["x"] > 0).astype(int).to_numpy()


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    return pd.DataFrame({"x": rng.normal(size=400), "y": rng.normal(size=400)})


def test_rates_of_groups_are_compared_as_the_definitions_say():
    found = rai.group_rates(*UNEQUAL, draws=FEW)
    assert found["rai.demographic_parity_ratio.sex"].value == pytest.approx(0.5)
    assert found["rai.equal_opportunity_difference.sex"].value == pytest.approx(0.4)
    assert found["rai.equalized_odds_difference.sex"].value == pytest.approx(0.4)
    for one in found.values():
        if one.lower is not None:
            assert one.lower < one.value < one.upper
            assert one.rows == 400
    assert found["rai.selection_rate.sex.f"] == Measure(0.25, rows=200)
    assert found["rai.true_positive_rate.sex.m"].value == pytest.approx(0.8)


def test_the_larger_gap_is_the_one_of_equalized_odds():
    alarms = rai.group_rates(*outcomes({"f": (50, 100, 60, 100), "m": (60, 100, 10, 100)}), draws=FEW)
    assert alarms["rai.equal_opportunity_difference.sex"].value == pytest.approx(0.1)
    assert alarms["rai.equalized_odds_difference.sex"].value == pytest.approx(0.5)


def test_four_times_the_rows_halve_the_interval_and_the_same_rows_give_the_same():
    def width(times):
        actual, predicted, groups = UNEQUAL
        more = rai.group_rates(actual * times, predicted * times, {"sex": groups["sex"] * times}, draws=FEW)
        one = more["rai.demographic_parity_ratio.sex"]
        return one.upper - one.lower

    assert width(4) == pytest.approx(width(1) / 2, rel=0.35)
    assert rai.group_rates(*UNEQUAL, draws=FEW) == rai.group_rates(*UNEQUAL, draws=FEW)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"f": (0, 50, 0, 50), "m": (0, 50, 0, 50)}, "nobody is selected"),
        ({"f": (5, 50, 5, 50), "m": (0, 0, 5, 50)}, "no row of m has the outcome 1"),
        ({"f": (5, 50, 0, 0), "m": (5, 50, 5, 50)}, "no row of f has the outcome 0"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_reason(counts, words):
    with pytest.raises(ValueError, match=words):
        rai.group_rates(*outcomes(counts), draws=FEW)


@pytest.mark.parametrize(
    ("actual", "predicted", "group", "words"),
    [
        ([0, 1], [0.2, 0.9], ["f", "m"], "apply the decision threshold"),
        ([0, 1], [0, 1], ["f", None], "some rows have no group"),
        ([0, 1], [0, 1], ["f", float("nan")], "some rows have no group"),
        ([0, 1], [0, 1], ["f"], "1 groups for 2 rows"),
    ],
)
def test_unusable_input_is_refused_with_what_to_do(actual, predicted, group, words):
    with pytest.raises(ValueError, match=words):
        rai.group_rates(actual, predicted, {"sex": group}, draws=FEW)


def test_the_worst_group_of_any_feature_counts_and_a_better_one_does_not():
    actual, predicted = [1] * 400, [1] * 300 + [0] * 100
    groups = {"half": ["a", "b"] * 200, "tail": ["first"] * 300 + ["last"] * 100}
    found = rai.group_quality(actual, predicted, groups, {"accuracy": rai.accuracy}, draws=FEW)
    assert found["rai.worst_group_ratio.accuracy"].value == 0
    balanced = rai.group_quality(actual, predicted, {"half": groups["half"]}, {"accuracy": rai.accuracy}, draws=FEW)
    assert balanced["rai.worst_group_ratio.accuracy"].value == pytest.approx(1)


def test_the_worst_slice_is_a_share_of_all_rows_as_that_of_groups_is():
    actual = [1] * 40
    predicted = [1] * 20 + [1, 0] * 10
    slices = {"site": ["north"] * 20 + ["south"] * 20, "odd": ["a", "b"] * 20}
    found = rai.slice_quality(actual, predicted, slices, {"accuracy": rai.accuracy}, draws=FEW)
    worst = found["rai.worst_slice.accuracy"]
    assert worst.value == pytest.approx(0.5 / 0.75), "the south, and not the even rows that are right in three of four"
    assert worst.rows == 40


def test_inputs_give_a_group_away_where_they_follow_it_and_not_where_they_are_noise(rows):
    rng = np.random.default_rng(2)
    place = pd.Series(rng.choice(["harbour", "hills", "centre"], len(rows)))
    groups = {"origin": np.where(place == "hills", "one", "other"), "shoe size": rng.choice([40, 41, 42], len(rows))}
    found = rai.proxy_auc(rows.assign(place=place), groups, draws=FEW)
    assert found["rai.proxy_auc.origin"].value > 0.99, "a column of words tells it"
    assert found["rai.proxy_auc.shoe_size"].value == pytest.approx(0.5, abs=0.1)
    assert found["rai.proxy_auc.shoe_size"].lower < 0.55
    with pytest.raises(ValueError, match="merge groups"):
        rai.proxy_auc(rows, {"origin": ["one"] * 398 + ["other"] * 2}, draws=FEW)


def test_nineteen_of_twenty_predictions_of_one_row_keep_the_latency(rows):
    sizes = []

    def predict(inputs):
        sizes.append(len(inputs))
        time.sleep(0.002)
        return model(inputs)

    found = rai.latency(predict, rows, requests=30, draws=FEW)["rai.latency_p95_ms"]
    assert found.value >= 2
    assert found.lower <= found.value <= found.upper
    assert found.rows == 30
    assert sizes == [1] * 40, "ten of them warm up"


def test_errors_of_groups_are_compared_largest_over_smallest():
    rng = np.random.default_rng(2)
    predicted, group = rng.normal(size=400) * np.repeat([1, 2], 200), np.repeat(["old", "young"], 200)
    one = rai.group_errors(np.zeros(400), predicted, {"age band": group}, draws=FEW)["rai.group_mae_ratio.age_band"]
    assert 1.5 < one.lower < one.value < one.upper < 2.8


def test_groups_are_counted_with_all_rows_beside_them():
    found = rai.group_counts({"sex": ["f"] * 30 + ["m"] * 70, "site": ["a.1"] * 90 + ["b"] * 10})
    assert found["rai.group_count.min"] == Measure(10, rows=100)
    assert found["rai.group_count.sex.f"] == Measure(30, rows=100)
    assert found["rai.group_count.site.a_1"].value == 90


def test_a_declared_group_is_covered_with_a_hundred_rows_and_two_per_cent():
    languages = ["fr"] * 9700 + ["de"] * 150 + ["it"] * 60 + ["nl"] * 90
    found = rai.coverage({"language": languages}, {"language": ["fr", "de", "it", "rm"]})
    assert found["rai.coverage.language"].value == 0.25
    half = rai.coverage({"language": languages[-1000:]}, {"language": ["fr", "de", "it", "rm"]})
    assert half["rai.coverage.language"].value == 0.5


def test_numbers_name_groups_as_people_write_them():
    groups = {"sex code": np.repeat([1.0, 2.0], 150)}
    assert rai.group_counts(groups)["rai.group_count.sex_code.2"] == Measure(150, rows=300)
    assert rai.coverage(groups, {"sex code": [1, 2.0]})["rai.coverage.sex_code"].value == 1


def test_a_model_that_knows_more_than_the_baseline_gains_and_an_equal_one_does_not():
    rng = np.random.default_rng(3)
    actual = rng.integers(0, 2, 500)
    better = np.where(rng.random(500) < 0.8, actual, 1 - actual)
    baseline = np.zeros(500)
    gain = rai.baseline_gain(actual, better, baseline, rai.accuracy)["rai.baseline_gain"]
    assert gain.value == pytest.approx(rai.accuracy(actual, better) - rai.accuracy(actual, baseline))
    assert 0 < gain.lower < gain.value < gain.upper
    assert rai.champion_gain(actual, better, better, rai.accuracy)["rai.champion_gain"].upper == 0
    lost = rai.champion_gain(actual, baseline, better, rai.accuracy)["rai.champion_gain"]
    assert (lost.value, lost.lower) == (-gain.value, pytest.approx(-gain.upper))


def test_a_metric_of_ones_own_gets_its_interval():
    rng = np.random.default_rng(6)
    actual = rng.integers(0, 2, 400)
    predicted = np.where(rng.random(400) < 0.9, actual, 1 - actual)
    one = rai.scored("accuracy", actual, predicted, rai.accuracy)["accuracy"]
    assert one.value == rai.accuracy(actual, predicted)
    assert one.upper - one.lower == pytest.approx(2 * 1.96 * np.sqrt(0.9 * 0.1 / 400), rel=0.3)


def test_calibration_tells_a_believable_probability_from_one_that_claims_too_much():
    rng = np.random.default_rng(4)
    chance = rng.uniform(0, 1, 4000)
    honest = rai.calibration((rng.random(4000) < chance).astype(int), chance, draws=FEW)
    boastful = rai.calibration((rng.random(4000) < chance**2).astype(int), chance, draws=FEW)
    assert honest["rai.ece"].lower < 0.02 < honest["rai.ece"].upper < 0.05 < boastful["rai.ece"].lower
    assert honest["rai.brier"].value == pytest.approx(1 / 6, abs=0.02)
    with pytest.raises(ValueError, match="between 0 and 1"):
        rai.calibration([0, 1], [0.5, 1.5])


def test_noise_costs_a_model_that_lives_near_its_boundary(rows):
    near = rows.assign(x=rows["x"].where(rows.index % 2 == 0, rows["x"] / 1000))
    drop = rai.noise_drop(model, near, model(near), rai.accuracy, draws=FEW)["rai.noise_drop.sd0_10"]
    flips = rai.flip_rate(model, near, draws=FEW)["rai.flip_rate.sd0_05"]
    assert drop.value == pytest.approx(0.25, abs=0.05)
    assert flips.value == pytest.approx(0.25, abs=0.05)
    far = rows.assign(x=np.sign(rows["x"]) * 5)
    assert rai.flip_rate(model, far, draws=FEW)["rai.flip_rate.sd0_05"].upper == 0


def test_importance_names_the_column_that_matters_first(rows):
    found = rai.importance(model, rows, model(rows), rai.accuracy)
    assert list(found) == ["x", "y"]
    assert found["x"] == pytest.approx(0.5, abs=0.1)
    assert found["y"] == 0


def test_data_are_described_by_their_worst_column_repeats_and_rarest_label():
    frame = pd.DataFrame({"a": [1, 1, None, 4], "b": [1, 1, 2, 3], "y": [0, 0, 0, 1]})
    found = rai.data_quality(frame, "y")
    shares = {name.rpartition(".")[2]: one.value for name, one in found.items()}
    assert shares == {"missing_share": 0.25, "duplicate_share": 0.25, "label_balance": 0.25}


def test_a_column_that_is_missing_strange_or_of_another_kind_is_an_error_each(rows):
    assert rai.schema_errors(rows, rows)["rai.data.schema_errors"] == Measure(0, rows=400)
    broken = rows.drop(columns="x").assign(z=1, y="text")
    assert rai.schema_errors(broken, rows)["rai.data.schema_errors"].value == 3


def test_a_row_in_both_sets_is_found_whatever_its_index(rows):
    shared = pd.concat([rows[300:], rows[:7].set_index(pd.Index(range(9000, 9007)))])
    assert rai.overlap(shared, rows[:300])["rai.data.overlap"] == Measure(7, rows=107)
    assert rai.overlap(rows[300:], rows[:300])["rai.data.overlap"].value == 0


def test_a_moved_column_has_drifted_and_an_equal_one_not(rows):
    found = rai.drift(rows, rows.assign(x=rows["x"] + 1).head(100))
    assert found["rai.psi.x"].value > 0.25
    assert found["rai.psi.y"].value < 0.2
    assert found["rai.psi.x"].rows == 160
    assert rai.drift(rows, rows)["rai.psi.x"].value == pytest.approx(0)


def test_the_rarest_combination_is_the_anonymity():
    frame = pd.DataFrame({"age": [30, 30, 30, 40, 40, None], "town": ["a"] * 6})
    assert rai.k_anonymity(frame, ["town"])["rai.k_anonymity"].value == 6
    assert rai.k_anonymity(frame, ["age", "town"])["rai.k_anonymity"].value == 1


def test_losses_that_are_smaller_on_training_rows_give_members_away():
    rng = np.random.default_rng(5)
    members, others = rng.uniform(0, 1, 300), rng.uniform(0.5, 1.5, 200)
    told = rai.membership_inference(members, others)["rai.mia_auc"]
    assert told.value == pytest.approx(0.875, abs=0.04)
    assert told.lower > 0.8
    equal = rai.membership_inference(np.zeros(300), np.zeros(200), draws=FEW)["rai.mia_auc"]
    assert equal.value == 0.5


def test_an_interval_that_does_not_exist_is_left_out():
    lonely = rai.group_rates(*outcomes({"f": (1, 4, 9, 90), "m": (40, 100, 30, 100)}), draws=FEW)
    ratio = lonely["rai.demographic_parity_ratio.sex"]
    assert (ratio.lower, ratio.upper, ratio.rows) == (None, None, 294)
    assert set(rai.flat({"rai.x": ratio})) == {"rai.x", "rai.x.rows"}
    assert not any(name.endswith((".lower", ".upper")) for name in rai.flat(lonely))
    few = rai.baseline_gain([0, 1], [0, 1], [0, 0], lambda actual, _: np.nan if len(set(actual)) < 2 else 1.0)
    assert few["rai.baseline_gain"] == Measure(0, rows=2)


def test_a_measure_reads_as_value_and_interval():
    assert str(Measure(0.5, 0.25, 0.75, 12)) == "0.5000 (0.2500 to 0.7500)"
    assert str(Measure(2, rows=12)) == "2.0000"


def test_a_value_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="log why it cannot be measured"):
        rai.membership_inference([], [0.1, 0.2])
    with pytest.raises(ValueError, match="log why it cannot be measured"):
        rai.group_errors([1, 2], [1, 2], {"sex": ["f", "m"]}, draws=FEW)


@pytest.fixture
def tracking(tmp_path):
    """An empty MLflow of its own; the one that other tests use comes back afterwards."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield
    mlflow.set_tracking_uri(before)


@pytest.mark.usefixtures("tracking")
@pytest.mark.filterwarnings("ignore")  # MLflow's own store warns about what it is built on
def test_everything_lands_in_the_run_under_the_agreed_names_tied_to_the_data(tmp_path, rows):
    mlflow.set_experiment(experiment_id=MlflowClient().create_experiment("rai", artifact_location=str(tmp_path)))
    data = mlflow.data.from_pandas(rows, name="patients-evaluation", digest="abc123")
    measures = rai.group_rates(*UNEQUAL, draws=FEW) | rai.group_counts(UNEQUAL[2])
    with mlflow.start_run() as run:
        kept = mlflow.create_external_model(name="priority")
        rai.log(
            measures, split="test", sensitive=["sex", "age band"], cannot_measure={"mia_auc": "Losses are not kept."},
            importances={"x": 0.5, "y": 0.0}, dataset=data, model_id=kept.model_id,
        )  # fmt: skip
    measured = {one.key: one for one in mlflow.get_logged_model(kept.model_id).metrics}["rai.group_count.min"]
    assert (measured.value, measured.dataset_name, measured.dataset_digest) == (200, "patients-evaluation", "abc123")
    kept = MlflowClient().get_run(run.info.run_id)
    ratio = measures["rai.demographic_parity_ratio.sex"]
    told = {name.removeprefix("rai.demographic_parity_ratio.sex"): n for name, n in kept.data.metrics.items()}
    assert (told[""], told[".lower"], told[".upper"], told[".rows"]) == (ratio.value, ratio.lower, ratio.upper, 400)
    assert kept.data.tags["rai.dataset.split"] == "test"
    assert kept.data.tags["rai.sensitive_features"] == "sex,age_band"
    assert kept.data.tags["rai.cannot_measure.mia_auc"] == "Losses are not kept."
    report = json.loads(mlflow.artifacts.load_text(f"{kept.info.artifact_uri}/{rai.REPORT}"))
    assert report["measures"]["rai.group_count.min"] == {"value": 200.0, "lower": None, "upper": None, "rows": 400}
    assert json.loads(mlflow.artifacts.load_text(f"{kept.info.artifact_uri}/{rai.IMPORTANCE}")) == {"x": 0.5, "y": 0.0}
