"""The commands of the pipeline: train, compare, score, monitor, promote, version.

Exit code 0: done. 1: done, and the outcome asks somebody to look. 2: not done.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from . import compare, gate, monitor, promote, score, settings, tracking, train
from .settings import Settings

DONE, LOOK, FAILED = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """What may stand on the command line."""
    top = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("train", help="train a candidate and register it as challenger")
    one.add_argument(
        "--purpose", choices=["explore", "experiment", "retrain"], default="experiment"
    )
    one.add_argument(
        "--trigger",
        choices=["person", "schedule", "drift", "labels", "performance", "incident"],
        default="person",
    )
    commands.add_parser("compare", help="challenger against champion on the same rows")
    one = commands.add_parser("score", help="score the population and write a dated batch")
    one.add_argument("--date", type=date.fromisoformat, default=today())
    one.add_argument("--input", type=Path, help="CSV to score instead of the population")
    one = commands.add_parser("monitor", help="watch the batch of a day")
    one.add_argument("--date", type=date.fromisoformat, default=today())
    one.add_argument("--labels", type=Path, help="CSV of outcomes that became known")
    one = commands.add_parser("promote", help="make a version the champion, after the gate")
    one.add_argument("--version", required=True)
    one = commands.add_parser("version", help="print the version behind an alias")
    one.add_argument("alias", choices=["champion", "challenger", "previous_champion"])
    return top


def today() -> date:
    """The day in UTC, which is also the scheduler's day."""
    return datetime.now(UTC).date()


def run(given: argparse.Namespace, chosen: Settings) -> int:
    """Do what was asked and say what came of it."""
    match given.command:
        case "train":
            made = train.train(chosen, given.purpose, given.trigger)
            print(f"{chosen.model_name} version {made.version} is challenger (run {made.run_id})")
            print("\n".join(f"  {name} {one}" for name, one in made.measures.items()))
        case "compare":
            return _compare(chosen)
        case "score":
            rows = pd.read_csv(given.input) if given.input else score.population(chosen)
            print(f"batch written to {score.score(chosen, rows, given.date)}")
        case "monitor":
            labels = monitor.read_labels(given.labels) if given.labels else None
            signals = monitor.watch(chosen, given.date, labels)
            for one in signals:
                print(f"{one.state:<16}{one.monitor}.{one.name} {one.value:.3f} ({one.limit:.3f})")
            return LOOK if monitor.worst(signals) == "act" else DONE
        case "promote":
            portal = os.environ.get("PORTAL_URL", "")
            token = os.environ.get("PORTAL_TOKEN", "")
            answer = promote.promote(chosen, given.version, portal=portal, token=token)
            print(gate.show(answer))
            return answer.code
        case "version":
            found = tracking.version_of(tracking.connect(chosen), chosen, given.alias)
            if found is None:
                raise LookupError(f"no version of {chosen.model_name} is {given.alias}")
            print(found.version)
    return DONE


def _compare(chosen: Settings) -> int:
    result = compare.compare(chosen)
    if result is None:
        print("no champion yet, so nothing to compare with; the gate decides on the first version")
        return DONE
    print(f"challenger: {result.verdict} ({result.reason})")
    print(f"  champion {result.champion:.4f}, challenger {result.challenger:.4f}")
    print(f"  difference {result.difference:+.4f}, 95 % {result.low:+.4f} to {result.high:+.4f}")
    return LOOK if result.verdict == "worse" else DONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and the settings; a fault of either is said in one line."""
    given = parser().parse_args(arguments)
    try:
        return run(given, settings.load())
    except (ValueError, LookupError, train.BelowFloorError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
