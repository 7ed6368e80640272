"""How sure a number is: intervals and limits that know the sample size. Every formula names its source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95
"""Of every interval here: the usual convention, and what teams log as ``NAME.lower`` and ``NAME.upper``."""
NULL_QUANTILE = 0.99
"""Of drift that chance alone makes: one alarm in a hundred on data that did not drift."""
HALF = 0.5
"""Added to hits and, twice, to rows, so that 0 of 20 does not count as certainly never (Haldane, 1956)."""
MOST_ROWS = 10**12
"""More rows than this are not asked for: the value lies on the limit."""


class Interval(NamedTuple):
    """Both ends of an interval."""

    lower: float
    upper: float


class Share(NamedTuple):
    """A share of rows, 0 to 1, and of how many."""

    value: float
    rows: int


def wilson(share: Share) -> Interval:
    """The score interval of a proportion (Wilson, "Probable inference", JASA 22, 1927); holds for few rows too."""
    z, n, p = _z(1), share.rows, share.value
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(max(middle - reach, 0.0), min(middle + reach, 1.0))


def lowest_over_highest(shares: Sequence[Share]) -> Interval:
    """The interval of the lowest share divided by the highest, from the shares of at least two groups.

    Each pair of groups has the delta interval of a log ratio with half a hit added (Walter, Biometrika 62, 1975). The
    extreme of noisy ratios is biased, so the pairs share the error between them (Bonferroni; Dunn, JASA 56, 1961).
    """
    pairs = list(permutations(shares, 2))
    z = _z(len(pairs) // 2)
    ends = [_log_ratio(one, other, z) for one, other in pairs]
    return Interval(min(end.lower for end in ends), min(1.0, *(end.upper for end in ends)))


def _log_ratio(one: Share, other: Share, z: float) -> Interval:
    hits = [share.value * share.rows + HALF for share in (one, other)]
    rows = [share.rows + 2 * HALF for share in (one, other)]
    middle = math.log(hits[0] / rows[0]) - math.log(hits[1] / rows[1])
    reach = z * math.sqrt(sum(1 / hit - 1 / row for hit, row in zip(hits, rows, strict=True)))
    return Interval(math.exp(middle - reach), math.exp(middle + reach))


def difference(one: float, of_one: Interval, other: float, of_other: Interval) -> Interval:
    """The interval of ``one - other`` from the intervals of both, as if they were independent.

    "Variance estimates recovery" (Zou and Donner, Statistics in Medicine 27, 2008). Two models on the same rows tend to
    err together, so the true interval is narrower: this one errs towards "inconclusive".
    """
    middle = one - other
    down = math.hypot(one - of_one.lower, of_other.upper - other)
    up = math.hypot(of_one.upper - one, other - of_other.lower)
    return Interval(middle - down, middle + up)


def psi_by_chance(bins: int, harmonic_rows: float) -> float:
    """The PSI that data without drift exceed once in a hundred times: (1/n + 1/m) · χ²(0.99; bins − 1).

    ``harmonic_rows`` is the harmonic mean of the sizes n and m of both samples. Yurdakul and Naranjo, "Statistical
    properties of the population stability index", Journal of Risk Model Validation, 2020.
    """
    return 2 / harmonic_rows * chi_square_quantile(max(bins - 1, 1))


def chi_square_quantile(freedom: int) -> float:
    """The 0.99 quantile of χ² by the cube-root approximation (Wilson and Hilferty, PNAS 17, 1931), within 1 %."""
    spread = 2 / (9 * freedom)
    cube_root: float = 1 - spread + NormalDist().inv_cdf(NULL_QUANTILE) * math.sqrt(spread)
    return freedom * cube_root * cube_root * cube_root


def rows_needed(value: float, bound: float, limit: float, rows: int | None) -> int | None:
    """About how many more rows bring ``bound`` to the side of ``limit`` on which ``value`` lies.

    Half the width of an interval shrinks with the root of the rows (the central limit theorem), so it takes
    rows · (reach / gap)². ``None`` where the rows are not known, or no number of rows would settle it.
    """
    gap, reach = abs(value - limit), abs(value - bound)
    if not rows or gap == 0 or not math.isfinite(reach / gap):
        return None
    more = rows * (reach / gap) * (reach / gap) - rows
    return max(math.ceil(more), 1) if more < MOST_ROWS else None


def _z(comparisons: int) -> float:
    """How many standard errors an interval reaches when so many comparisons share the error."""
    return NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / comparisons)
