"""The commands of the repository: train, compare, forecast, judge, monitor, promote, version.

Exit code 0: done. 1: done, and the outcome asks somebody to look. 2: not done.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from . import bootstrap, compare, forecast, gate, judge, monitor, promote, settings, tracking, train
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
    with_date = [one]
    for name, what in (
        ("compare", "challenger against champion on the same origins"),
        ("forecast", "forecast from an origin and keep it"),
        ("judge", "join forecasts with the truth that is mature"),
        ("monitor", "watch the truth, the newest verdicts and the age of the forecast"),
    ):
        with_date.append(commands.add_parser(name, help=what))
    for one in with_date:
        one.add_argument("--as-of", type=day, help="the date whose knowledge counts (the newest)")
    one = commands.add_parser("promote", help="make a version the champion, after the gate")
    one.add_argument("--version", required=True)
    one = commands.add_parser("version", help="print the version behind an alias")
    one.add_argument("alias", choices=["champion", "challenger", "previous_champion"])
    return top


def day(text: str) -> pd.Timestamp:
    """A date such as 2025-09-30."""
    return pd.Timestamp(datetime.strptime(text, "%Y-%m-%d"))


def run(given: argparse.Namespace, chosen: Settings) -> int:
    """Do what was asked and say what came of it."""
    match given.command:
        case "train":
            made = train.train(chosen, given.purpose, given.trigger, given.as_of)
            print(f"{chosen.model_name} version {made.version} is challenger (run {made.run_id})")
            print("\n".join(f"  {name} {one}" for name, one in made.measures.items()))
        case "compare":
            return _compare(compare.compare(chosen, given.as_of))
        case "forecast":
            issued = forecast.issue(chosen, given.as_of)
            print(f"forecast from {issued.origin.date()}: {issued.published}")
            known_on = issued.known_on.date()
            print(f"accuracy known after {chosen.verdict_days} days, on {known_on}")
        case "judge":
            return _judge(judge.judge(chosen, given.as_of))
        case "monitor":
            signals = monitor.watch(chosen, given.as_of)
            for one in signals:
                figures = f"{one.monitor}.{one.name} {one.value:.3f} ({one.limit:.3f})"
                print(f"{one.state:<16}{figures} {one.note}".rstrip())
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


def _judge(judged: judge.Judgement) -> int:
    print(f"as of {judged.as_of.date()}")
    for one in judged.cohorts:
        print(f"  origin {one.origin.date()} version {one.model_version:<6}{one.verdict}")
    return DONE if judged.comparison is None else _compare(judged.comparison)


def _compare(result: bootstrap.Comparison | None) -> int:
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
    except (ValueError, LookupError, train.NotFitError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
