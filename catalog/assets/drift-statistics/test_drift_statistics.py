import math

import numpy as np
import pytest
from drift_statistics import (
    assess,
    count,
    count_categories,
    jensen_shannon_distance,
    population_stability_index,
    quantile_edges,
    warn_limit,
)

RNG = np.random.default_rng(7)
REFERENCE = RNG.normal(size=5000)
EDGES = quantile_edges(REFERENCE)
REFERENCE_COUNTS = count(REFERENCE, EDGES)


def windows(rows, shift=0.0, times=200):
    return [assess(REFERENCE_COUNTS, count(RNG.normal(shift, size=rows), EDGES)) for _ in range(times)]


def test_psi_agrees_with_a_hand_calculation():
    expected = (0.6 - 0.5) * math.log(0.6 / 0.5) + (0.4 - 0.5) * math.log(0.4 / 0.5)
    assert population_stability_index([50, 50], [60, 40]) == pytest.approx(expected)


def test_equal_shares_have_no_distance_whatever_the_sample_sizes():
    assert population_stability_index([200, 100], [20, 10]) == pytest.approx(0)
    assert jensen_shannon_distance([200, 100], [20, 10]) == pytest.approx(0)


def test_both_distances_are_symmetric_and_never_negative():
    for _ in range(50):
        one, other = RNG.integers(0, 40, size=(2, 8)) + np.eye(1, 8, dtype=int)  # never quite empty
        for distance in (population_stability_index, jensen_shannon_distance):
            assert distance(one, other) == pytest.approx(distance(other, one))
            assert distance(one, other) >= 0


def test_jensen_shannon_is_one_for_disjoint_histograms_and_psi_stays_finite():
    assert jensen_shannon_distance([9, 0], [0, 5]) == pytest.approx(1)
    assert math.isfinite(population_stability_index([9, 0], [0, 5]))


def test_the_limit_is_the_policy_for_large_samples_and_the_noise_for_small_ones():
    assert warn_limit(5000, 5000, 10) == 0.1
    assert warn_limit(200, 200, 10) == pytest.approx(21.666 * 2 / 200, rel=1e-3)  # chi-square table, 9 degrees, 0.99


def test_clean_small_windows_rarely_ring_where_a_fixed_limit_often_does():
    found = windows(rows=120)
    alarms = sum(one.state != "stable" for one in found)
    fixed_alarms = sum(one.psi > 0.1 for one in found)
    assert alarms <= 8  # 2 expected of 200
    assert fixed_alarms > 30


def test_a_shift_of_half_a_standard_deviation_is_found_in_200_rows():
    assert sum(one.state in ("warn", "act") for one in windows(rows=200, shift=0.5)) >= 190


def test_a_large_shift_asks_for_action():
    assert windows(rows=500, shift=1.5, times=1)[0].state == "act"


@pytest.mark.parametrize(("rows", "state"), [(99, "not enough data"), (100, "act")])
def test_below_100_rows_no_state_is_claimed(rows, state):
    assert assess([500, 500], [rows, 0]).state == state
    assert assess([rows, 0], [500, 500]).state == state


def test_bins_that_are_empty_in_both_change_nothing():
    assert assess([60, 40, 0, 0], [50, 50, 0, 0]) == assess([60, 40], [50, 50])


def test_a_constant_feature_that_stays_constant_is_stable():
    edges = quantile_edges([5.0] * 300)
    assert assess(count([5.0] * 300, edges), count([5.0] * 150, edges)).state == "stable"
    assert assess(count([5.0] * 300, edges), count([4.0] * 150, edges)).state == "act"


def test_values_outside_the_reference_range_are_counted_and_missing_ones_are_not():
    assert count([-1e9, 1e9, float("nan")], [0.0]).tolist() == [1, 1]


def test_a_value_on_an_edge_falls_into_the_upper_bin():
    assert count([1.0], [1.0]).tolist() == [0, 1]


def test_an_unknown_category_is_counted_in_the_last_bin():
    assert count_categories(["a", "b", "z", "a"], ["a", "b"]).tolist() == [2, 1, 1]
    assert count_categories([], ["a"]).tolist() == [0, 0]


@pytest.mark.parametrize("current", [[1, 2, 3], [0, 0], [-1, 2], [float("nan"), 1]])
def test_histograms_that_cannot_be_compared_are_refused(current):
    with pytest.raises(ValueError, match="histogram"):
        assess([10, 10], current)


def test_edges_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match="rise strictly"):
        count([1.0], [2.0, 2.0])
    with pytest.raises(ValueError, match="at least one value"):
        quantile_edges([float("nan")])
