"""Privacy: do the data or the model tell more of people than they should?"""

from __future__ import annotations

from core.checks.findings import Finding
from core.checks.judging import BY_LIMIT, LIMIT, METRIC, at_least, at_most
from core.checks.registry import check
from core.checks.task import Task

_OWN = "convention of this factory"


@check(
    "pii_hits", id="PRIV-1", principle="privacy", title="Personal data where none is expected",
    needs=("sample of the data",), takes=(LIMIT, METRIC), source=_OWN,
    advice="Remove the personal data, or declare the type in the dataset's card with its legal basis.",
)  # fmt: skip
def pii_hits(task: Task) -> Finding:
    """How many values look like personal data of a type that the dataset's card does not declare."""
    return at_most(task, "rai.pii_hits")


@check(
    "k_anonymity", id="PRIV-2", principle="privacy", title="Smallest group in published data",
    needs=("quasi-identifiers",), takes=(LIMIT, METRIC),
    source="Common practice in statistical disclosure control; value: convention of this factory",
    advice="Coarsen or drop quasi-identifiers, or suppress the rare combinations.",
)  # fmt: skip
def k_anonymity(task: Task) -> Finding:
    """How many people share the rarest combination of what they can be told apart by."""
    return at_least(task, "rai.k_anonymity")


@check(
    "mia_auc", id="PRIV-3", principle="privacy", title="Membership inference",
    needs=("training losses", "held-out losses"), takes=BY_LIMIT, source=_OWN,
    advice="Regularise or stop training earlier: the model remembers single rows.",
)  # fmt: skip
def mia_auc(task: Task) -> Finding:
    """How well the loss of a row tells whether it was trained on: an AUC, 0.5 is not at all."""
    return at_most(task, "rai.mia_auc")
