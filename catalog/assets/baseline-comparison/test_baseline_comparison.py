import numpy as np
import pytest
from baseline_comparison import absolute, compare, constant_baselines, seasonal_baseline, squared, wrong

RNG = np.random.default_rng(21)
TRAIN = RNG.normal(10, 2, 500)
ACTUAL = RNG.normal(10, 2, 300)


def test_a_model_that_knows_something_beats_the_baseline():
    result = compare(ACTUAL, ACTUAL + RNG.normal(0, 1, 300), constant_baselines(TRAIN, 300), squared)
    assert result.verdict == "beats the baseline"
    assert 0 < result.low < result.gain < result.high
    assert result.skill == pytest.approx(1 - result.model_loss / result.baseline_loss)


def test_a_model_of_pure_noise_loses():
    assert compare(ACTUAL, RNG.normal(10, 4, 300), constant_baselines(TRAIN, 300), squared).verdict.startswith("loses")


def test_the_baseline_does_not_beat_itself():
    result = compare(ACTUAL, np.full(300, TRAIN.mean()), {"mean": np.full(300, TRAIN.mean())}, squared)
    assert (result.gain, result.skill, result.verdict) == (0, 0, "undecided")


def test_high_accuracy_on_a_rare_class_is_not_mistaken_for_skill():
    actual = np.array(["no"] * 970 + ["yes"] * 30)
    predicted = np.array(["no"] * 960 + ["yes"] * 15 + ["no"] * 25)
    result = compare(actual, predicted, constant_baselines(actual, 1000), wrong)
    assert result.baseline == "commonest value"
    assert 1 - result.model_loss > 0.96
    assert result.verdict != "beats the baseline"


def test_the_hardest_baseline_is_the_one_that_counts():
    skewed = np.array([0.0] * 60 + [100.0] * 40)
    baselines = constant_baselines(skewed, 100)
    assert compare(skewed, skewed, baselines, squared).baseline == "mean"
    assert compare(skewed, skewed, baselines, absolute).baseline in ("median", "commonest value")


def test_no_constant_beats_the_mean_on_squared_nor_the_median_on_absolute_loss():
    baselines = constant_baselines(ACTUAL, 300)
    for constant in np.linspace(5, 15, 21):
        assert squared(ACTUAL, np.full(300, constant)).mean() >= squared(ACTUAL, baselines["mean"]).mean()
        assert absolute(ACTUAL, np.full(300, constant)).mean() >= absolute(ACTUAL, baselines["median"]).mean()


def test_a_seasonal_baseline_repeats_the_last_season():
    assert seasonal_baseline([9, 1, 2, 3], 5, season=3)["season of 3"].tolist() == [1, 2, 3, 1, 2]
    assert seasonal_baseline([9, 1], 2)["season of 1"].tolist() == [1, 1]


def test_texts_have_no_mean_and_truth_values_have():
    assert set(constant_baselines(["a", "b", "b"], 2)) == {"commonest value"}
    assert constant_baselines([True, True, False, False], 1)["mean"].tolist() == [0.5]


def test_blocks_widen_the_interval_of_a_series_whose_errors_last():
    errors = np.repeat(RNG.normal(0, 1, 60), 20)
    actual = np.zeros(1200)
    baseline = {"zero": np.ones(1200)}
    rows, blocks = (compare(actual, errors, baseline, squared, block=size, resamples=500) for size in (1, 20))
    assert blocks.high - blocks.low > 2.5 * (rows.high - rows.low)
    assert blocks.gain == rows.gain


def test_too_few_blocks_give_no_verdict():
    result = compare(ACTUAL, ACTUAL, constant_baselines(TRAIN, 300), squared, block=20)
    assert result.verdict == "undecided"
    assert "only 15" in result.reason


def test_equal_predictions_rarely_win_by_chance():
    decided = 0
    for trial in range(60):
        rng = np.random.default_rng(trial)
        actual, model, baseline = rng.normal(size=(3, 200))
        decided += compare(actual, model, {"noise": baseline}, squared, resamples=200).verdict != "undecided"
    assert decided <= 8  # 3 expected


def test_skill_is_undefined_where_the_baseline_makes_no_error():
    assert np.isnan(compare([1.0] * 50, [1.1] * 50, {"mean": [1.0] * 50}, squared).skill)


@pytest.mark.parametrize(
    ("predicted", "baselines", "options", "message"),
    [
        ([1.0], {"mean": [1.0, 1.0]}, {}, "one per row"),
        ([1.0, float("nan")], {"mean": [1.0, 1.0]}, {}, "missing values"),
        ([1.0, 2.0], {}, {}, "at least one baseline"),
        ([1.0, 2.0], {"mean": [1.0, 1.0]}, {"block": 3}, "use a block from 1"),
    ],
)
def test_unusable_input_is_refused_with_what_to_do(predicted, baselines, options, message):
    with pytest.raises(ValueError, match=message):
        compare([1.0, 2.0], predicted, baselines, squared, **options)


def test_a_season_longer_than_the_training_series_is_refused():
    with pytest.raises(ValueError, match="not 5"):
        seasonal_baseline([1, 2], 3, season=5)
