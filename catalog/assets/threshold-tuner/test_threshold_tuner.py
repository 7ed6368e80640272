import math

import numpy as np
import pytest
from threshold_tuner import curve, positives_needed, tune_for_cost, tune_for_recall, wilson_low


def calibrated(rows, seed=0):
    rng = np.random.default_rng(seed)
    score = rng.beta(1, 4, rows)
    return (rng.random(rows) < score).astype(int), score


def test_the_curve_runs_from_nobody_to_everybody_flagged():
    points = curve([0, 1, 1, 0], [0.1, 0.4, 0.35, 0.8])
    assert points["threshold"].tolist() == [math.inf, 0.8, 0.4, 0.35, 0.1]
    assert points["flagged"].tolist() == [0, 1, 2, 3, 4]
    assert points["recall"].tolist() == [0, 0, 0.5, 1, 1]
    assert math.isnan(points["precision"].iloc[0])


def test_the_four_cells_add_up_and_agree_with_applying_the_threshold():
    actual, score = calibrated(300)
    score = score.round(2)  # ties
    for _, point in curve(actual, score).iterrows():
        flagged = score >= point["threshold"]
        assert point["true_positive"] == np.sum(flagged & (actual == 1))
        assert point["false_positive"] == np.sum(flagged & (actual == 0))
        cells = ["true_positive", "false_positive", "false_negative", "true_negative"]
        assert point[cells].sum() == 300


def test_equal_scores_are_flagged_together():
    assert curve([0, 1, 1], [0.5, 0.5, 0.9])["flagged"].tolist() == [0, 1, 3]


def test_the_tuned_threshold_costs_no_more_than_any_other():
    actual, score = calibrated(400)
    best = tune_for_cost(actual, score, cost_fp=1, cost_fn=5)
    for threshold in np.append(np.linspace(0, 1, 101), np.inf):
        flagged = score >= threshold
        cost = np.sum(flagged & (actual == 0)) + 5 * np.sum(~flagged & (actual == 1))
        assert best.cost_per_row <= cost / 400 + 1e-12


def test_on_calibrated_scores_the_tuned_threshold_lies_near_the_theoretical_one():
    best = tune_for_cost(*calibrated(20_000), cost_fp=1, cost_fn=3)
    assert best.calibrated_threshold == 0.25
    assert best.threshold == pytest.approx(0.25, abs=0.06)


def test_dearer_misses_never_raise_the_threshold():
    data = calibrated(500)
    thresholds = [tune_for_cost(*data, cost_fp=1, cost_fn=cost).threshold for cost in (0.1, 1, 3, 10, 100)]
    assert thresholds == sorted(thresholds, reverse=True)


def test_flagging_nobody_is_chosen_when_false_alarms_are_too_dear():
    choice = tune_for_cost([0, 1, 0], [0.9, 0.5, 0.1], cost_fp=100, cost_fn=1)
    assert (choice.threshold, choice.flagged_share, choice.recall) == (math.inf, 0, 0)


def test_the_recall_floor_is_held_by_the_lower_bound_and_by_no_higher_threshold():
    data = calibrated(3000)
    choice = tune_for_recall(*data, floor=0.8)
    assert choice.recall_low >= 0.8
    assert choice.recall > choice.recall_low
    higher = curve(*data).query("threshold > @choice.threshold")
    assert (higher["recall_low"] < 0.8).all()


def test_a_threshold_tuned_for_recall_keeps_its_floor_on_new_rows():
    kept = 0
    fresh_actual, fresh_score = calibrated(20_000, seed=1000)
    for seed in range(40):
        threshold = tune_for_recall(*calibrated(1500, seed), floor=0.8).threshold
        kept += np.mean(fresh_score[fresh_actual == 1] >= threshold) >= 0.8
    assert kept >= 34  # 38 expected; half of them without the bound


def test_too_few_positives_are_refused_with_how_many_are_needed():
    actual, score = np.array([1] * 10 + [0] * 90), np.linspace(1, 0, 100)
    assert positives_needed(0.9) == 25
    with pytest.raises(ValueError, match="use at least 25"):
        tune_for_recall(actual, score, floor=0.9)
    enough = np.array([1] * 25 + [0] * 75)
    assert tune_for_recall(enough, score, floor=0.9).recall == 1


def test_wilsons_bound_agrees_with_a_published_value_and_rises_with_the_hits():
    assert wilson_low(81, 263, 0.975) == pytest.approx(0.2553, abs=5e-5)  # Newcombe 1998, table I
    bounds = wilson_low(np.arange(51), 50)
    assert (np.diff(bounds) > 0).all()
    assert bounds[0] == 0


@pytest.mark.parametrize(
    ("actual", "score", "message"),
    [
        ([0, 0], [0.1, 0.2], "each at least once"),
        ([0, 1], [0.1, float("nan")], "missing or infinite"),
        ([0, 1], [0.1], "one score per row"),
        ([1, 2], [0.1, 0.2], "must hold 0 and 1"),
    ],
)
def test_unusable_rows_are_refused_with_what_to_do(actual, score, message):
    with pytest.raises(ValueError, match=message):
        curve(actual, score)


def test_costs_and_floors_out_of_range_are_refused():
    with pytest.raises(ValueError, match="above 0"):
        tune_for_cost([0, 1], [0.1, 0.2], cost_fp=0, cost_fn=1)
    with pytest.raises(ValueError, match="never be shown"):
        tune_for_recall([0, 1], [0.1, 0.2], floor=1)
