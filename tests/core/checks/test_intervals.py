"""Intervals and sample sizes: the formulas give what their sources say, and errors stay as rare as they promise."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from core.checks import statistics
from core.checks.snapshot import Measure, Snapshot
from core.checks.statistics import Interval, Share
from tests.core.checks.evidence import run, snapshot

ROWS, RATE, DRAWS = 50, 0.3, 20_000
NAIVE = 0.8


@pytest.mark.parametrize(("hits", "rows"), [(0, 1), (0, 20), (20, 20), (3, 10), (450, 500), (1, 100_000)])
def test_the_interval_of_a_proportion_is_wilsons(hits: int, rows: int) -> None:
    expected = binomtest(hits, rows).proportion_ci(method="wilson")
    assert statistics.wilson(Share(hits / rows, rows)) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 9, 19, 99])
def test_the_quantile_of_chance_is_within_one_percent(freedom: int) -> None:
    assert statistics.chi_square_quantile(freedom) == pytest.approx(chi2.ppf(0.99, freedom), rel=0.01)


def test_drift_by_chance_is_exceeded_about_once_in_a_hundred_times_on_equal_data() -> None:
    rng, rows = np.random.default_rng(0), 500
    one, other = (rng.multinomial(rows, [0.1] * 10, size=DRAWS) / rows for _ in range(2))
    psi = ((one - other) * np.log(one / other)).sum(axis=1)
    assert 0.005 < np.mean(psi > statistics.psi_by_chance(10, rows)) < 0.015


def test_the_interval_of_a_difference_combines_both() -> None:
    found = statistics.difference(0.8, Interval(0.77, 0.84), 0.7, Interval(0.66, 0.73))
    assert found == pytest.approx((0.1 - np.hypot(0.03, 0.03), 0.1 + np.hypot(0.04, 0.04)))


def test_rows_needed_follow_the_root_of_the_rows() -> None:
    assert statistics.rows_needed(0.75, 0.5, 0.875, 100) == 300
    assert statistics.rows_needed(0.80, 0.75, 0.80, 100) is None
    assert statistics.rows_needed(0.85, 0.75, 0.80, None) is None


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40))
def test_the_ratio_of_groups_lies_within_its_interval_whichever_group_is_lower(a: int, b: int, more: int) -> None:
    shares = [Share(a / (a + more), a + more), Share(b / (b + more), b + more)]
    found = statistics.lowest_over_highest(shares)
    assert 0 < found.lower <= found.upper <= 1
    assert statistics.lowest_over_highest(shares[::-1]) == found


def test_more_groups_share_the_error_between_them() -> None:
    two = [Share(0.3, 200), Share(0.4, 200)]
    assert statistics.lowest_over_highest([*two, Share(0.35, 10**9)]).lower < statistics.lowest_over_highest(two).lower


def groups(hits: tuple[int, ...]) -> Snapshot:
    """A run that logged selection rates and no interval."""
    rates = [hit / ROWS for hit in hits]
    metrics = {"rai.demographic_parity_ratio.sex": Measure(min(rates) / max(rates), rows=ROWS * len(hits))}
    metrics |= {f"rai.selection_rate.sex.{place}": Measure(rate, rows=ROWS) for place, rate in enumerate(rates)}
    return snapshot(metrics)


def shares_of(verdict: str, rates: tuple[float, ...]) -> tuple[float, float]:
    """How often the check says so, and how often the bare ratio falls below the limit, over many draws."""
    drawn = np.random.default_rng(1).binomial(ROWS, rates, size=(DRAWS, len(rates)))
    counts = Counter(tuple(sorted(map(int, row))) for row in drawn if row.max() > 0)
    said = sum(times for hits, times in counts.items() if _verdict(hits) == verdict)
    naive = sum(times for hits, times in counts.items() if min(hits) < NAIVE * max(hits))
    return said / counts.total(), naive / counts.total()


def _verdict(hits: tuple[int, ...]) -> str:
    return run("demographic_parity_ratio", groups(hits), interval=True, minimum_group_rows=0).verdict


def test_equal_groups_of_fifty_fail_in_fewer_than_one_of_twenty_where_the_bare_ratio_flags_nearly_half() -> None:
    failed, flagged = shares_of("fail", (RATE, RATE))
    assert failed < 0.05
    assert 0.4 < flagged < 0.52


def test_three_equal_groups_fail_as_rarely_although_the_extremes_of_three_lie_further_apart() -> None:
    failed, flagged = shares_of("fail", (RATE, RATE, RATE))
    assert failed < 0.05
    assert flagged > 0.6


def test_groups_that_really_differ_fail_most_of_the_time() -> None:
    assert shares_of("fail", (0.15, 0.6))[0] > 0.9
