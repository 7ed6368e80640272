"""Data: do they keep their contract, are they what they are said to be, and are training and evaluation apart?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.checks import measuring
from core.checks.findings import Finding
from core.checks.judging import LIMIT, METRIC, at_most, reported
from core.checks.registry import check
from core.checks.snapshot import DatasetUse
from core.checks.task import Parameter, Task
from core.checks.words import brief, counted, figure, is_filled, listed, plain

_OWN = "convention of this factory"
COUNTED = (LIMIT, METRIC)
FIELDS = Parameter("fields", "words", "The fields that should be filled in", required=True)
CHECKS = Parameter("minimum_checks", "number", "Checks that the contract should at least hold", required=True)
EXPIRING = Parameter("expiring", "flag", "Whether access should end by itself")
LEFT = Parameter("left", "text", "The context of one dataset: training where none is given")
RIGHT = Parameter("right", "text", "The context of the other: evaluation where none is given")


@check(
    "data_schema_errors", id="DATA-1", principle="data", title="Schema is valid", needs=("dataset", "contract"),
    takes=COUNTED, source=_OWN, advice="Mend the source or the contract; do not train around the error.",
)  # fmt: skip
def data_schema_errors(task: Task) -> Finding:
    """How often the data break their schema."""
    return at_most(task, "rai.data.schema_errors")


@check(
    "data_missing_share", id="DATA-2", principle="data", title="Missing share", needs=("dataset",), takes=COUNTED,
    source=_OWN, advice="Find out why values are missing before filling them in.",
)  # fmt: skip
def data_missing_share(task: Task) -> Finding:
    """The share of missing values in a required column."""
    return at_most(task, "rai.data.missing_share")


@check(
    "data_duplicate_share", id="DATA-3", principle="data", title="Duplicates", needs=("dataset",), takes=COUNTED,
    source=_OWN, advice="Drop exact duplicates before splitting, or say why a row may occur twice.",
)  # fmt: skip
def data_duplicate_share(task: Task) -> Finding:
    """The share of rows that are exact duplicates."""
    return at_most(task, "rai.data.duplicate_share")


@check(
    "data_label_balance", id="DATA-4", principle="data", title="Label balance", needs=("y_true",), takes=(METRIC,),
    source="none; context for the other metrics", advice="Log the share of the rarest label.",
)  # fmt: skip
def data_label_balance(task: Task) -> Finding:
    """The share of the rarest label is reported; it has no limit."""
    return reported(task, "rai.data.label_balance")


@check(
    "data_overlap", id="DATA-5", principle="data", title="No leakage between splits",
    needs=("training set", "evaluation set"), takes=COUNTED, source=_OWN,
    advice="Split again, by entity where entities repeat; then train and evaluate anew.",
)  # fmt: skip
def data_overlap(task: Task) -> Finding:
    """How many rows of the evaluation set occur in the training set."""
    return at_most(task, "rai.data.overlap")


@check(
    "dataset_digest_differs", id="DATA-6", principle="data", title="Lineage of evaluation",
    needs=("dataset inputs of the run",), takes=(LEFT, RIGHT), source=_OWN,
    advice="Log both datasets with mlflow.log_input and their contexts; evaluate on rows that were not trained on.",
)  # fmt: skip
def dataset_digest_differs(task: Task) -> Finding:
    """The run was trained on one dataset and evaluated on another, by their digests."""
    left, right = task.text("left", "training"), task.text("right", "evaluation")
    one, other = _of_context(task, left), _of_context(task, right)
    lacks = [what for what, digests in ((left, one), (right, other)) if not digests]
    if lacks:
        return task.finding("missing", f"The run has no dataset with a digest for {listed(lacks)}.")
    if shared := one & other:
        return task.finding("fail", f"{brief(left).capitalize()} and {brief(right)} data are the same: "
                                    f"digest {listed(sorted(shared))}.")  # fmt: skip
    return task.finding("pass", f"{brief(left).capitalize()} data ({listed(sorted(one))}) and {brief(right)} data "
                                f"({listed(sorted(other))}) differ.")  # fmt: skip


def _of_context(task: Task, context: str) -> set[str]:
    datasets = task.snapshot.datasets
    known = {"training": measuring.training_data, "evaluation": measuring.evaluation_data}.get(context)
    uses: list[DatasetUse] = known(datasets) if known else [one for one in datasets if one.context == context]
    return {one.digest for one in uses if one.digest}


@check(
    "dataset_digest_present", id="DATA-6", principle="data", title="Versions and fingerprint", needs=("dataset",),
    source=_OWN, advice="Give each version a digest, and log it with mlflow.log_input.",
)  # fmt: skip
def dataset_digest_present(task: Task) -> Finding:
    """Each dataset carries a digest that runs can name."""
    without = [one.name or "a dataset without name" for one in task.snapshot.datasets if not one.digest]
    if without or not task.snapshot.datasets:
        return task.finding("missing", f"No digest is known of {listed(without) or 'any dataset'}.")
    return task.finding("pass", f"A digest is known of {listed(one.name for one in task.snapshot.datasets)}.")


@check(
    "dataset_field_present",
    id="DATA-7",
    principle="data",
    title="Fields of the dataset's card",
    needs=("dataset card",),
    takes=(FIELDS,),
    source=_OWN,
    advice="Complete the dataset's entry in the catalog.",
)
def dataset_field_present(task: Task) -> Finding:
    """Fields of the dataset's entry, or of each dataset that the project uses, are filled in."""
    cards = _cards(task)
    if not cards:
        return task.finding("missing", "No dataset of the catalog belongs to it.",
                            advice="Register the data in the catalog, and let the project use the entry.")  # fmt: skip
    lacks = [f"{field} of {_title(card)}" for card in cards for field in task.words("fields")
             if not is_filled({plain(name): value for name, value in card.items()}.get(plain(field)))]  # fmt: skip
    if lacks:
        return task.finding("missing", f"The catalog lacks {listed(lacks)}.")
    return task.finding("pass", f"The catalog has {listed(task.words('fields'))} of {listed(map(_title, cards))}.")


@check(
    "contract_present",
    id="DATA-8",
    principle="data",
    title="Contract as code",
    needs=("dataset card",),
    takes=(CHECKS,),
    source=_OWN,
    advice="Write the promises as expectations in the dataset's entry.",
)
def contract_present(task: Task) -> Finding:
    """The contract of each dataset holds checks that a program can run: its expectations and its freshness."""
    cards, asked = _cards(task), task.number("minimum_checks")
    if not cards:
        return task.finding("missing", "No dataset of the catalog belongs to it.")
    count, title = min((_promises(card), _title(card)) for card in cards)
    text = f"The contract of {title} holds {counted(count, 'check')}"
    if count < asked:
        return task.finding(
            "missing", f"{text}; it should be at least {figure(asked)}.", observed=float(count), limit=asked
        )
    return task.finding("pass", f"{text}.", observed=float(count), limit=asked, better="above")


def _promises(card: Mapping[str, Any]) -> int:
    expectations = card.get("expectations")
    return (len(expectations) if isinstance(expectations, list | tuple) else 0) + bool(card.get("freshness"))


@check(
    "access_route_present", id="DATA-9", principle="data", title="Access is narrow and logged", needs=("dataset",),
    takes=(EXPIRING,), source=_OWN, advice="Let access be asked for in the portal, with an end.",
)  # fmt: skip
def access_route_present(task: Task) -> Finding:
    """There is a route to the data, and access ends by itself where asked (fact ``access``: route, expires)."""
    access = task.snapshot.facts.get("access")
    route = access.get("route") if isinstance(access, Mapping) else None
    if not isinstance(access, Mapping) or not is_filled(route):
        return task.finding("missing", "No route of access to the data is recorded.")
    if task.flag("expiring", False) and not access.get("expires"):
        return task.finding("fail", "Access to the data does not end by itself.")
    return task.finding("pass", f"Access to the data: {brief(route)}.")


def _cards(task: Task) -> list[Mapping[str, Any]]:
    """The entry of the dataset that is judged, else those of the datasets that the project uses."""
    entry, used = task.snapshot.facts.get("entry"), task.snapshot.facts.get("datasets")
    if isinstance(used, list | tuple) and used:
        return [one for one in used if isinstance(one, Mapping)]
    return [entry] if isinstance(entry, Mapping) and entry else []


def _title(card: Mapping[str, Any]) -> str:
    return brief(card.get("title") or card.get("name") or "the dataset")
