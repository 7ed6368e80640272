"""The commands of the application: train, compare, ask, serve, monitor, promote, version.

Exit code 0: done. 1: done, and the outcome asks somebody to look. 2: not done.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime

import uvicorn

from . import compare, gate, monitor, promote, service, settings, tracking, train
from .provider import ModelUnavailableError
from .release import assemble, load
from .retrieval import EVERYONE
from .settings import Settings

DONE, LOOK, FAILED = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """What may stand on the command line."""
    top = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("train", help="build a release and register it as challenger")
    one.add_argument(
        "--purpose", choices=["explore", "experiment", "retrain"], default="experiment"
    )
    one.add_argument(
        "--trigger",
        choices=["person", "schedule", "drift", "labels", "performance", "incident"],
        default="person",
    )
    commands.add_parser("compare", help="challenger against champion on the same questions")
    one = commands.add_parser("ask", help="ask the served release a question")
    one.add_argument("question")
    one.add_argument("--audience", default=EVERYONE)
    one = commands.add_parser("serve", help="answer over HTTP")
    one.add_argument("--host", default="127.0.0.1")
    one.add_argument("--port", type=int, default=8080)
    one = commands.add_parser("monitor", help="watch the served release and its answers")
    one.add_argument("--date", type=date.fromisoformat, default=today())
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
        case "ask":
            answer = assemble(load(chosen.model_name, _version(chosen, chosen.serve_alias))).answer(
                given.question, given.audience
            )
            print(answer.text)
        case "serve":
            uvicorn.run(service.from_registry(chosen), host=given.host, port=given.port, ws="none")
        case "monitor":
            signals = monitor.watch(chosen, given.date)
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
            print(_version(chosen, given.alias))
    return DONE


def _version(chosen: Settings, alias: tracking.Alias) -> str:
    found = tracking.version_of(tracking.connect(chosen), chosen, alias)
    if found is None:
        raise LookupError(f"no version of {chosen.model_name} is {alias}")
    return str(found.version)


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
    except (ValueError, LookupError, train.BelowFloorError, ModelUnavailableError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
