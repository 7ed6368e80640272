"""Ask the portal whether a model version may go to an environment. Only a clear yes is a yes.

Exit code 0: allowed. 1: denied. 2: not known, because there is no token, no connection, a redirect
or an answer that is no verdict. A pipeline goes on after 0 and after nothing else. This module
needs the standard library only, so that it also runs where the model's packages are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

ALLOWED, DENIED, UNKNOWN = 0, 1, 2
LONGEST_ANSWER = 1_000_000


@dataclass(frozen=True)
class Answer:
    """What the portal said, as an exit code, a word and reasons that people can read."""

    code: int
    verdict: str
    reasons: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the version may go."""
        return self.code == ALLOWED


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the token to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(
    model: str, version: str, environment: str, *, portal: str, token: str, timeout: float = 30
) -> Answer:
    """Ask once; whatever is not a verdict is unknown."""
    if not token:
        return Answer(UNKNOWN, "unknown", ("no token: set PORTAL_TOKEN",))
    if not portal.startswith(("http://", "https://")):
        return Answer(UNKNOWN, "unknown", ("no address: set PORTAL_URL to http(s)://...",))
    place = f"/api/v1/gates/{quote(model, safe='')}/{quote(version, safe='')}"
    url = f"{portal.rstrip('/')}{place}?{urlencode({'environment': environment})}"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    try:
        status, body = _get(Request(url, headers=headers), timeout)  # noqa: S310
    except (OSError, HTTPException, ValueError) as error:
        return Answer(UNKNOWN, "unknown", (f"the portal was not reached: {error}",))
    return read(status, body)


def _get(request: Request, timeout: float) -> tuple[int, bytes]:
    try:
        with build_opener(_NoRedirect).open(request, timeout=timeout) as response:
            return response.status, response.read(LONGEST_ANSWER)
    except HTTPError as error:
        with error:
            return error.code, error.read(LONGEST_ANSWER)


def read(status: int, body: bytes) -> Answer:
    """Read an answer: a yes needs status 200 and ``"allowed": true``, nothing less."""
    try:
        content = json.loads(body)
    except ValueError:
        return Answer(UNKNOWN, "unknown", (f"status {status} and an answer that is no JSON",))
    allowed = content.get("allowed") if isinstance(content, dict) else None
    if not isinstance(allowed, bool) or (allowed and status != 200):
        return Answer(UNKNOWN, "unknown", (f"status {status} and an answer without a verdict",))
    reasons = content.get("reasons")
    lines = tuple(_line(one) for one in reasons) if isinstance(reasons, list) else ()
    verdict = content.get("verdict")
    word = verdict if isinstance(verdict, str) else "allowed" if allowed else "denied"
    return Answer(ALLOWED if allowed else DENIED, word, lines)


def _line(reason: Any) -> str:
    if not isinstance(reason, dict):
        return str(reason)
    parts = [str(reason[name]) for name in ("code", "text", "link") if reason.get(name)]
    return " - ".join(parts)


def show(answer: Answer) -> str:
    """The answer with its reasons, one on each line."""
    return "\n".join([f"gate: {answer.verdict}", *(f"  {one}" for one in answer.reasons)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask with the token in PORTAL_TOKEN, print the reasons, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True, help="registered name")
    parser.add_argument("--version", required=True, help="version number, never an alias")
    parser.add_argument("--environment", required=True, help="where the version shall go")
    parser.add_argument("--portal", default=os.environ.get("PORTAL_URL", ""), help="PORTAL_URL")
    given = parser.parse_args(arguments)
    answer = ask(
        given.model,
        given.version,
        given.environment,
        portal=given.portal,
        token=os.environ.get("PORTAL_TOKEN", ""),
    )
    print(show(answer))
    return answer.code


if __name__ == "__main__":
    sys.exit(main())
