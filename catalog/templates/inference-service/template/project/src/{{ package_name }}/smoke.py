"""A smoke test of a running service: does it answer, refuse nonsense, and keep its time?"""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from . import data
from .settings import Settings

REQUESTS = 20


def example(contract: data.Contract) -> dict[str, float]:
    """An instance in the middle of every range that the contract allows."""
    middle = {name: (one.min + one.max) / 2 for name, one in contract.columns.items()}
    return {
        name: int(middle[name]) if one.whole else middle[name]
        for name, one in contract.columns.items()
    }


def check(settings: Settings, url: str, token: str) -> list[str]:
    """Everything that is not as it should be; an empty list means that the service may go on."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is no address of a service")
    good = {"instances": [example(data.load_contract())]}
    found = []
    status, answer = _post(url, token, good)
    if status != 200 or not answer.get("predictions") or not answer.get("version"):
        found.append(f"a good request got status {status}")
    status, _ = _post(url, token, {"instances": [{"nonsense": 1}]})
    if status != 422:
        found.append(f"nonsense got status {status}, not 422")
    if settings.authentication == "token" and (status := _post(url, "", good)[0]) != 401:
        found.append(f"a request without a token got status {status}, not 401")
    start = time.perf_counter()
    for _ in range(REQUESTS):
        _post(url, token, good)
    spent = (time.perf_counter() - start) * 1000 / REQUESTS
    if spent > settings.latency_budget_ms:
        found.append(f"{spent:.0f} ms a request, {settings.latency_budget_ms:.0f} are allowed")
    return found


def _post(url: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = Request(  # noqa: S310
        f"{url.rstrip('/')}/v1/predict", data=json.dumps(body).encode(), headers=headers
    )
    try:
        with urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, {}
