"""The commands of the job: train, watch, retrain, compare, job, audit, rehearse, promote, version.

Exit code 0: done. 1: done, and the outcome asks somebody to look. 2: not done.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import get_args

from . import compare, gate, job, ledger, promote, settings, simulate, tracking, train, watch
from .compare import Result
from .ledger import Decision, LedgerError
from .settings import Settings
from .train import Candidate

DONE, LOOK, FAILED = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """What may stand on the command line."""
    top = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("train", help="train on the reference and register as challenger")
    one.add_argument(
        "--purpose", choices=["explore", "experiment", "retrain"], default="experiment"
    )
    one.add_argument(
        "--trigger",
        choices=["person", "schedule", "drift", "labels", "performance", "incident"],
        default="person",
    )
    for name, text in (
        ("watch", "look at the windows and write a decision"),
        ("job", "watch, retrain if decided, compare, ask the gate"),
    ):
        one = commands.add_parser(name, help=text)
        one.add_argument("--date", type=date.fromisoformat, default=today())
    commands.add_parser("retrain", help="answer the newest decision, if it says retrain")
    commands.add_parser("compare", help="challenger against the version in use, on the same rows")
    commands.add_parser("audit", help="check that no decision was changed and none is missing")
    for name, text in (
        ("simulate", "write windows of a made-up production"),
        ("rehearse", "decide for every week of a made-up production"),
    ):
        one = commands.add_parser(name, help=text)
        one.add_argument("--scenario", choices=get_args(simulate.Scenario), default="moved")
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
    portal = os.environ.get("PORTAL_URL", "")
    token = os.environ.get("PORTAL_TOKEN", "")
    match given.command:
        case "train":
            _show_candidate(chosen, train.first(chosen, given.purpose, given.trigger))
        case "watch":
            decision = watch.watch(chosen, given.date)
            print(_line(decision))
            return LOOK if watch.asks_for_somebody(decision) else DONE
        case "retrain":
            _show_candidate(chosen, train.retrain(chosen, job.last_decision(chosen)))
        case "compare":
            result = compare.compare(chosen)
            _show_result(result)
            return LOOK if result is not None and result.verdict == "worse" else DONE
        case "job":
            return _job(chosen, given.date, portal, token)
        case "audit":
            decisions = ledger.read(ledger.folder(chosen))
            print(f"{len(decisions)} decisions, none changed and none missing")
        case "simulate":
            days = simulate.simulate(chosen, given.scenario)
            print(f"{len(days)} windows, {days[0]} to {days[-1]}, scenario {given.scenario}")
        case "rehearse":
            print("\n".join(_line(one) for one in simulate.rehearse(chosen, given.scenario)))
        case "promote":
            answer = promote.promote(chosen, given.version, portal=portal, token=token)
            print(gate.show(answer))
            return answer.code
        case "version":
            found = tracking.version_of(tracking.connect(chosen), chosen, given.alias)
            if found is None:
                raise LookupError(f"no version of {chosen.model_name} is {given.alias}")
            print(found.version)
    return DONE


def _job(chosen: Settings, day: date, portal: str, token: str) -> int:
    report = job.run(chosen, day, portal=portal, token=token)
    print(_line(report.decision))
    if report.candidate is None:
        return LOOK if watch.asks_for_somebody(report.decision) else DONE
    _show_candidate(chosen, report.candidate)
    _show_result(report.result)
    if report.answer is None:
        return LOOK
    print(gate.show(report.answer))
    if chosen.promotion == "job" and report.answer.allowed:
        return DONE
    print(f"a person goes on: make promote VERSION={report.candidate.version}")
    return LOOK


def _line(decision: Decision) -> str:
    return f"{decision.day}  {decision.action:<8}{decision.content['code']}: {decision.reason}"


def _show_candidate(chosen: Settings, made: Candidate) -> None:
    print(f"{chosen.model_name} version {made.version} is challenger (run {made.run_id})")
    print("\n".join(f"  {name} {one}" for name, one in made.measures.items()))


def _show_result(result: Result | None) -> None:
    if result is None:
        print("no champion yet, so nothing to compare with; the gate decides on the first version")
        return
    print(f"challenger: {result.verdict}")
    for name, one in (("recent", result.recent), ("frozen", result.frozen)):
        print(
            f"  {name} rows: {one.champion:.4f} before, {one.challenger:.4f} now, difference "
            f"{one.difference:+.4f}, 95 % {one.low:+.4f} to {one.high:+.4f} ({one.verdict})"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and the settings; a fault of either is said in one line."""
    given = parser().parse_args(arguments)
    try:
        return run(given, settings.load())
    except (ValueError, LookupError, LedgerError, train.BelowFloorError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
