import numpy as np
import pytest
from champion_challenger import Evaluation, compare

ROWS = 400


def accuracy(actual, predicted):
    return float(np.mean(actual == predicted))


def mean_absolute_error(actual, predicted):
    return float(np.mean(np.abs(actual - predicted)))


def area_under_the_curve(actual, score):
    return float(np.mean(score[actual == 1][:, None] > score[actual == 0]))


def labels_and_model(hit_rate, seed=1, rows=ROWS):
    actual = np.random.default_rng(99).integers(0, 2, rows)
    hit = np.random.default_rng(seed).random(rows) < hit_rate
    return actual, np.where(hit, actual, 1 - actual)


def evaluations(champion_rate, challenger_rate, rows=ROWS):
    actual, old = labels_and_model(champion_rate, seed=1, rows=rows)
    _, new = labels_and_model(challenger_rate, seed=2, rows=rows)
    return Evaluation("d1", actual, old), Evaluation("d1", actual, new)


def test_a_clearly_better_challenger_is_better():
    result = compare(*evaluations(0.7, 0.9), accuracy)
    assert result.verdict == "better"
    assert 0 < result.low < result.difference < result.high


def test_a_clearly_worse_challenger_is_worse():
    assert compare(*evaluations(0.9, 0.7), accuracy).verdict == "worse"


def test_the_same_predictions_differ_by_exactly_nothing():
    champion, _ = evaluations(0.8, 0.8)
    result = compare(champion, champion, accuracy)
    assert (result.verdict, result.difference, result.low, result.high) == ("undecided", 0, 0, 0)


def test_exchanging_the_models_mirrors_the_difference_and_its_interval():
    champion, challenger = evaluations(0.75, 0.8)
    there, back = compare(champion, challenger, accuracy), compare(challenger, champion, accuracy)
    assert back.difference == -there.difference
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


def test_a_smaller_error_counts_as_better_when_lower_is_better():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=ROWS)
    champion = Evaluation("d1", actual, actual + rng.normal(0, 1.0, ROWS))
    challenger = Evaluation("d1", actual, actual + rng.normal(0, 0.3, ROWS))
    result = compare(champion, challenger, mean_absolute_error, higher_is_better=False)
    assert result.verdict == "better"
    assert result.challenger < result.champion
    assert result.difference > 0


@pytest.mark.parametrize(
    ("digest", "reverse", "reason"),
    [("d2", False, "different data"), ("", False, "no dataset digest"), ("d1", True, "the rows differ")],
)
def test_models_judged_on_other_data_are_not_comparable(digest, reverse, reason):
    champion, challenger = evaluations(0.7, 0.9)
    step = -1 if reverse else 1
    other = Evaluation(digest, challenger.actual[::step], challenger.predicted[::step])
    result = compare(champion, other, accuracy)
    assert result.verdict == "not comparable"
    assert reason in result.reason
    assert result.difference is None


def test_pairing_cancels_the_noise_both_models_share():
    rng = np.random.default_rng(3)
    actual = rng.normal(size=ROWS)
    hard = rng.normal(0, 2, ROWS)
    champion, challenger = Evaluation("d1", actual, actual + hard + 0.2), Evaluation("d1", actual, actual + hard)
    paired = compare(champion, challenger, mean_absolute_error, higher_is_better=False)
    errors = [np.abs(one.predicted - actual) for one in (champion, challenger)]
    unpaired_width = 2 * 1.96 * np.sqrt(sum(np.var(one) / ROWS for one in errors))
    assert paired.high - paired.low < unpaired_width / 3


def test_rows_that_repeat_within_a_group_do_not_narrow_the_interval():
    champion, challenger = evaluations(0.75, 0.8)
    copies = [Evaluation("d1", np.repeat(one.actual, 9), np.repeat(one.predicted, 9)) for one in (champion, challenger)]
    once = compare(champion, challenger, accuracy)
    naive = compare(*copies, accuracy)
    grouped = compare(*copies, accuracy, groups=np.repeat(np.arange(ROWS), 9))
    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.01)
    assert naive.high - naive.low < 0.5 * (grouped.high - grouped.low)


def test_a_real_gain_below_the_minimum_lift_stays_undecided():
    result = compare(*evaluations(0.7, 0.9), accuracy, minimum_lift=0.5)
    assert result.verdict == "undecided"
    assert "smaller than the 0.5" in result.reason


def test_few_rows_give_no_verdict_even_for_a_large_difference():
    result = compare(*evaluations(0.5, 1.0, rows=40), accuracy)
    assert result.verdict == "undecided"
    assert "only 40" in result.reason


def test_equal_models_are_rarely_called_better_or_worse():
    decided = 0
    for trial in range(60):
        rng = np.random.default_rng(trial)
        actual = np.zeros(200)
        old, new = (rng.random(200) < 0.2 for _ in range(2))
        result = compare(Evaluation("d", actual, old), Evaluation("d", actual, new), accuracy, resamples=200)
        decided += result.verdict != "undecided"
    assert decided <= 8  # 3 expected


def test_auc_works_as_a_metric_and_the_seed_makes_it_repeatable():
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 2, 200)
    champion, challenger = (Evaluation("d", actual, actual * lift + rng.normal(size=200)) for lift in (0.2, 2.0))
    first, second = (compare(champion, challenger, area_under_the_curve, resamples=100) for _ in range(2))
    assert first == second
    assert first.verdict == "better"


def test_a_metric_that_is_often_undefined_is_refused():
    actual = np.array([1.0] + [0.0] * 199)
    evaluation = Evaluation("d", actual, actual)

    def recall(actual, predicted):
        return float(np.mean(predicted[actual == 1])) if actual.any() else float("nan")

    with pytest.raises(ValueError, match="more rows or another metric"):
        compare(evaluation, evaluation, recall)


def test_wrong_lengths_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match="one per row"):
        compare(Evaluation("d", [1, 0], [1]), Evaluation("d", [1, 0], [1, 0]), accuracy)
    champion, challenger = evaluations(0.7, 0.9)
    with pytest.raises(ValueError, match="one label per row"):
        compare(champion, challenger, accuracy, groups=[1, 2])
