"""The commands of the repository: train, compare, serve, smoke, monitor, promote, version.

Exit code 0: done. 1: done, and the outcome asks somebody to look. 2: not done.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import uvicorn

from . import compare, gate, monitor, promote, service, settings, smoke, tracking, train, watch
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
    one = commands.add_parser("serve", help="answer requests with the version behind the alias")
    one.add_argument("--host", default="127.0.0.1")
    one.add_argument("--port", type=int, default=8000)
    for name, what in (
        ("smoke", "send a few requests to a running service and judge the answers"),
        ("monitor", "ask a running service what it has seen"),
    ):
        one = commands.add_parser(name, help=what)
        one.add_argument("--url", default="http://127.0.0.1:8000")
    one = commands.add_parser("promote", help="make a version the champion, after the gate")
    one.add_argument("--version", required=True)
    one = commands.add_parser("version", help="print the version behind an alias")
    one.add_argument("alias", choices=["champion", "challenger", "previous_champion"])
    return top


def run(given: argparse.Namespace, chosen: Settings) -> int:
    """Do what was asked and say what came of it."""
    match given.command:
        case "train":
            made = train.train(chosen, given.purpose, given.trigger)
            print(f"{chosen.model_name} version {made.version} is challenger (run {made.run_id})")
            print("\n".join(f"  {name} {one}" for name, one in made.measures.items()))
        case "compare":
            return _compare(chosen)
        case "serve":
            app = service.create_app(service.load(chosen), chosen, service_token())
            uvicorn.run(app, host=given.host, port=given.port)
        case "smoke":
            found = smoke.check(chosen, given.url, service_token())
            print("\n".join(found) if found else f"{given.url} answers as it should")
            return LOOK if found else DONE
        case "monitor":
            version, signals = monitor.ask(given.url, service_token())
            monitor.record(chosen, version, signals)
            for one in signals:
                print(f"{one.state:<16}{one.monitor}.{one.name} {one.value:.3f} ({one.limit:.3f})")
            return LOOK if watch.worst(signals) == "act" else DONE
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


def service_token() -> str:
    """The token that callers of the service show; a secret, so it is no setting."""
    return os.environ.get("SERVICE_TOKEN", "")


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
    except (ValueError, LookupError, OSError, train.AboveLimitError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
