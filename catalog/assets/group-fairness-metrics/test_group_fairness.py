import numpy as np
import pytest
from group_fairness import equalized_odds_difference, selection_rate_ratio


def decisions(counts):
    """Predicted values and groups from {group: (selected, rows)}."""
    predicted = [value for hits, rows in counts.values() for value in [1] * hits + [0] * (rows - hits)]
    return predicted, [name for name, (_, rows) in counts.items() for _ in range(rows)]


def outcomes(counts):
    """Actual, predicted and group from {group: (true positives, positives, false positives, negatives)}."""
    actual, predicted, group = [], [], []
    for name, (hits, positives, alarms, negatives) in counts.items():
        actual += [1] * positives + [0] * negatives
        predicted += [1] * hits + [0] * (positives - hits) + [1] * alarms + [0] * (negatives - alarms)
        group += [name] * (positives + negatives)
    return actual, predicted, group


def test_the_ratio_is_the_lowest_rate_over_the_highest():
    result = selection_rate_ratio(*decisions({"a": (50, 100), "b": (40, 100), "c": (30, 100)}))
    assert result.value == pytest.approx(0.6)
    assert result.low < 0.6 < result.high
    assert result.groups == {"a": 100, "b": 100, "c": 100}


@pytest.mark.parametrize(
    ("selected", "verdict"), [(1500, "pass"), (900, "fail"), (1250, "inconclusive"), (1180, "inconclusive")]
)
def test_the_verdict_follows_from_where_the_interval_lies(selected, verdict):
    result = selection_rate_ratio(*decisions({"a": (1500, 5000), "b": (selected, 5000)}))
    assert result.verdict == verdict
    assert (result.rows_needed is not None) == (verdict == "inconclusive")


def test_the_rows_needed_do_settle_the_verdict():
    small = selection_rate_ratio(*decisions({"a": (60, 200), "b": (54, 200)}))
    assert small.verdict == "inconclusive"
    factor = 1.1 * small.rows_needed / 400
    larger = {"a": (round(60 * factor), round(200 * factor)), "b": (round(54 * factor), round(200 * factor))}
    assert selection_rate_ratio(*decisions(larger)).verdict == "pass"


def test_a_small_group_gives_no_verdict_whatever_its_rate():
    result = selection_rate_ratio(*decisions({"a": (300, 1000), "b": (0, 20)}))
    assert result.verdict == "inconclusive"
    assert "20 rows" in result.reason
    assert result.rows_needed >= 5 * 1020


def test_a_group_that_is_never_selected_fails_once_it_is_large_enough():
    assert selection_rate_ratio(*decisions({"a": (300, 1000), "b": (0, 200)})).verdict == "fail"


def test_renaming_groups_and_reordering_rows_changes_no_value():
    predicted, group = decisions({"a": (60, 200), "b": (45, 180)})
    order = np.random.default_rng(0).permutation(len(group))
    mixed = selection_rate_ratio(np.array(predicted)[order], np.array(group)[order])
    assert mixed == selection_rate_ratio(predicted, group)
    assert selection_rate_ratio(predicted, [{"a": "z", "b": "y"}[one] for one in group]).value == mixed.value


def test_equal_groups_are_almost_never_failed_although_many_miss_four_fifths():
    rng = np.random.default_rng(11)
    group = np.repeat(["a", "b", "c"], 120)
    results = [selection_rate_ratio(rng.random(360) < 0.3, group) for _ in range(60)]
    assert sum(one.value < 0.8 for one in results) > 15
    assert sum(one.verdict == "fail" for one in results) <= 3


def test_the_interval_covers_the_true_ratio_about_as_often_as_it_says():
    rng = np.random.default_rng(12)
    group = np.repeat(["a", "b"], 300)
    chance = np.repeat([0.4, 0.3], 300)
    results = [selection_rate_ratio(rng.random(600) < chance, group) for _ in range(100)]
    assert sum(one.low <= 0.75 <= one.high for one in results) >= 90


def test_equalized_odds_is_the_larger_of_both_gaps():
    result = equalized_odds_difference(*outcomes({"a": (90, 100, 10, 100), "b": (80, 100, 40, 100)}))
    assert result.value == pytest.approx(0.3)
    assert equalized_odds_difference(
        *outcomes({"a": (90, 100, 10, 100), "b": (40, 100, 20, 100)})
    ).value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("hits", "rows", "verdict"), [(800, 1000, "pass"), (600, 1000, "fail"), (85, 100, "inconclusive")]
)
def test_equalized_odds_passes_fails_or_stays_open(hits, rows, verdict):
    share = {"a": (rows * 8 // 10, rows, rows // 10, rows), "b": (hits, rows, rows // 10, rows)}
    assert equalized_odds_difference(*outcomes(share)).verdict == verdict


def test_equal_groups_are_rarely_failed_on_equalized_odds():
    rng = np.random.default_rng(13)
    group = np.repeat(["a", "b", "c", "d"], 150)
    failed = 0
    for _ in range(25):
        actual = rng.integers(0, 2, 600)
        predicted = np.where(rng.random(600) < 0.75, actual, 1 - actual)
        failed += equalized_odds_difference(actual, predicted, group).verdict == "fail"
    assert failed <= 2


def test_a_perfect_model_has_no_difference():
    actual, _, group = outcomes({"a": (0, 500, 0, 500), "b": (0, 500, 0, 500)})
    result = equalized_odds_difference(actual, actual, group)
    assert (result.value, result.verdict) == (0, "pass")


def test_a_group_without_positives_is_named():
    with pytest.raises(ValueError, match=r"\['b'\] have no actually positive row"):
        equalized_odds_difference(*outcomes({"a": (5, 10, 1, 10), "b": (0, 0, 1, 10)}))


@pytest.mark.parametrize(
    ("predicted", "group", "message"),
    [
        ([0.4, 1], ["a", "b"], "apply the decision threshold"),
        ([0, 1], ["a", None], "'unknown'"),
        ([0, 1], ["a", float("nan")], "'unknown'"),
        ([0, 1], ["a", "a"], "at least two groups"),
        ([0, 1, 1], ["a", "b"], "one of each per row"),
        ([0, 0], ["a", "b"], "no row of any group is selected"),
    ],
)
def test_unusable_input_is_refused_with_what_to_do(predicted, group, message):
    with pytest.raises(ValueError, match=message):
        selection_rate_ratio(predicted, group)
