"""Clip each column to quantiles learned from training data, as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted, validate_data


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Values below the lower or above the upper quantile of the training data become that limit.

    A single mistyped amount then no longer decides where a linear model or a distance looks.
    Missing values stay missing. A column without any value has no limits and stays as it is.

    Parameters
    ----------
    lower, upper
        The quantiles of each column that become its limits; ``0 <= lower < upper <= 1``.

    Attributes
    ----------
    lower_, upper_
        The limits, one per column.
    n_features_in_, feature_names_in_
        What was seen in ``fit``, as in every transformer of scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> amounts = np.array([[1.0], [2.0], [3.0], [4.0], [900.0]])
    >>> QuantileClipper(lower=0.0, upper=0.75).fit_transform(amounts).ravel().tolist()
    [1.0, 2.0, 3.0, 4.0, 4.0]
    """

    def __init__(self, lower: float = 0.01, upper: float = 0.99) -> None:
        self.lower = lower
        self.upper = upper

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn the limits of each column from its values, without those that are missing."""
        if not 0 <= self.lower < self.upper <= 1:
            raise ValueError(
                f"lower={self.lower!r} and upper={self.upper!r} must hold 0 <= lower < upper <= 1"
            )
        values = self._validate(X, reset=True)
        limits = np.array([_limits(column, self.lower, self.upper) for column in values.T])
        self.lower_, self.upper_ = limits.T
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """The values, with those outside moved to the nearest limit of their column."""
        check_is_fitted(self)
        values = self._validate(X, reset=False)
        clipped: NDArray[np.floating] = np.clip(values, self.lower_, self.upper_)
        return clipped.astype(values.dtype, copy=False)

    def outside(self, X: ArrayLike) -> NDArray[np.float64]:
        """The share of each column's values that ``transform`` would move; missing ones are not.

        On data like the training data it is about ``lower + 1 - upper``; far more than that means
        that the tails have changed and the limits should be learned again.
        """
        check_is_fitted(self)
        values = self._validate(X, reset=False)
        beyond = (values < self.lower_) | (values > self.upper_)
        present = np.count_nonzero(~np.isnan(values), axis=0)
        return np.asarray(beyond.sum(axis=0) / np.maximum(present, 1), dtype=float)

    def _validate(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        values: NDArray[Any] = validate_data(
            self, X, reset=reset, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan"
        )
        return values

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _limits(column: NDArray[Any], lower: float, upper: float) -> tuple[float, float]:
    present = column[~np.isnan(column)]
    if len(present) == 0:
        return -np.inf, np.inf
    low, high = np.quantile(present, [lower, upper])
    return float(low), float(high)
