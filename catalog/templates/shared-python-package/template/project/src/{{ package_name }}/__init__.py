"""Clips extreme values to limits that were learned from training data."""

from .clipping import QuantileClipper

__all__ = ["QuantileClipper"]
__version__ = "0.1.0"
