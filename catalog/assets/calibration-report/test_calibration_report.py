import numpy as np
import pytest
from calibration_report import report


def sample(rows, distort=lambda chance: chance, seed=0):
    """Outcomes drawn from the distorted probability, and the probability the model states."""
    rng = np.random.default_rng(seed)
    stated = rng.uniform(0.02, 0.98, rows)
    return (rng.random(rows) < distort(stated)).astype(int), stated


def shifted(chance):
    return np.clip(chance - 0.2, 0, 1)


def test_a_calibrated_model_passes_with_enough_rows():
    result = report(*sample(8000), resamples=200)
    assert result.verdict == "pass"
    assert result.ece_low <= result.ece <= result.ece_high <= 0.05


def test_a_model_that_claims_too_much_fails():
    result = report(*sample(2000, shifted), resamples=200)
    assert result.verdict == "fail"
    assert result.ece_low > 0.05
    assert result.ece > result.ece_by_chance


def test_a_calibrated_model_on_few_rows_is_inconclusive_although_its_ece_exceeds_the_limit():
    result = report(*sample(150, seed=4), resamples=200)
    assert result.ece > 0.05
    assert result.verdict == "inconclusive"
    assert "no more than chance" in result.reason


def test_calibrated_models_are_rarely_failed():
    verdicts = [report(*sample(300, seed=seed), resamples=100).verdict for seed in range(30)]
    assert verdicts.count("fail") <= 2


def test_below_100_rows_there_is_no_verdict():
    assert report([0, 1] * 49, [0.0, 1.0] * 49).verdict == "inconclusive"


def test_ece_and_brier_agree_with_a_hand_calculation():
    result = report([0, 0, 0, 1, 1, 1, 1, 0], [0.2] * 4 + [0.9] * 4, bins=2, resamples=100)
    assert result.ece == pytest.approx((abs(4 * 0.2 - 1) + abs(4 * 0.9 - 3)) / 8)
    assert result.brier == pytest.approx((3 * 0.04 + 0.64 + 3 * 0.01 + 0.81) / 8)
    assert [(one.rows, one.observed) for one in result.bins] == [(4, 0.25), (4, 0.75)]


def test_bins_hold_every_row_once_and_about_equally_many():
    result = report(*sample(1003), resamples=100)
    sizes = [one.rows for one in result.bins]
    assert sum(sizes) == 1003
    assert max(sizes) - min(sizes) <= 1


def test_the_order_of_the_rows_does_not_change_the_scores():
    actual, stated = sample(500)
    order = np.random.default_rng(1).permutation(500)
    one, other = report(actual, stated, resamples=100), report(actual[order], stated[order], resamples=100)
    assert (one.ece, one.brier) == pytest.approx((other.ece, other.brier))


def test_a_perfect_and_certain_model_has_no_error():
    actual = [0, 1] * 200
    result = report(actual, np.array(actual, dtype=float), resamples=100)
    assert (result.ece, result.brier, result.verdict) == (0, 0, "pass")


def test_one_constant_prediction_is_one_bin_whose_interval_is_wilsons():
    result = report([0] * 100, [0.01] * 100, resamples=100)
    (only,) = result.bins
    assert only.low == pytest.approx(0, abs=1e-12)
    assert only.high == pytest.approx(1.96**2 / (100 + 1.96**2), rel=1e-3)


def test_more_rows_narrow_the_intervals():
    few, many = report(*sample(400, shifted), resamples=200), report(*sample(6400, shifted), resamples=200)
    assert many.ece_high - many.ece_low < 0.5 * (few.ece_high - few.ece_low)
    assert many.brier_high - many.brier_low == pytest.approx((few.brier_high - few.brier_low) / 4, rel=0.3)


@pytest.mark.parametrize(
    ("actual", "probability", "message"),
    [
        ([0, 1], [0.5, 1.5], "not a decision score"),
        ([0, 1], [0.5, float("nan")], "between 0 and 1"),
        ([0, 2], [0.5, 0.5], "one class against the rest"),
        ([0, 1], [0.5], "one probability per row"),
    ],
)
def test_unusable_input_is_refused_with_what_to_do(actual, probability, message):
    with pytest.raises(ValueError, match=message):
        report(actual, probability)
