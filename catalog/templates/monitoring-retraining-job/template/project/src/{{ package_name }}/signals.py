"""What is watched: a few numbers per case that people can read, not every column.

Choose the handful that your model leans on and that somebody would recognise in an alarm.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .data import Contract

CONFIDENCE, PREDICTION = "confidence", "prediction"


def of_inputs(frame: pd.DataFrame, contract: Contract) -> dict[str, NDArray[np.float64]]:
    """How much ink there is, where its centre lies and how far it spreads; blank rows are NaN."""
    pixels = frame[contract.features].to_numpy(dtype=float)
    images = pixels.reshape(-1, contract.height, contract.width)
    ink = images.sum(axis=(1, 2))
    measured = {"ink": ink / (contract.height * contract.width)}
    total = np.where(ink > 0, ink, np.nan)
    for axis, name in ((1, "x"), (0, "y")):
        profile = images.sum(axis=2 - axis) / total[:, None]
        places = np.arange(profile.shape[1])
        centre = profile @ places
        measured[f"centre_{name}"] = centre
        measured[f"spread_{name}"] = np.sqrt(
            (profile * (places - centre[:, None]) ** 2).sum(axis=1)
        )
    return measured


def of_answers(predictions: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """The classes that were answered, and how sure the model was."""
    return {name: predictions[name].to_numpy(dtype=float) for name in (CONFIDENCE, PREDICTION)}
