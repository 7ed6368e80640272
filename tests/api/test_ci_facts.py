"""Pipelines tell over HTTP where a version came from: with a scope, in one shape, and no more than they may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

Token = Callable[..., dict[str, str]]
PATH = "/api/v1/evidence/retail churn/3/ci"
SAID: dict[str, Any] = {
    "repository": "https://git.example/churn", "commit": "4f2d9c1b", "workflow": "train.yml", "committers": ["ada"],
}  # fmt: skip


def test_a_pipeline_tells_where_a_version_came_from(client: TestClient, token: Token) -> None:
    headers = token("metrics:write")
    answer = client.post(PATH, json=SAID, headers=headers)
    assert answer.status_code == 200
    said = answer.json()
    assert said["told_at"]
    assert {name: said[name] for name in ("model", "version", *SAID)} == {
        "model": "retail churn",
        "version": "3",
        **SAID,
    }
    assert client.post(PATH, json=SAID, headers=headers).json()["id"] == said["id"]


def test_it_takes_a_token_with_the_scope(client: TestClient, token: Token) -> None:
    assert client.post(PATH, json=SAID).status_code == 401
    assert client.post(PATH, json=SAID, headers=token("gate:ask", "catalog:import")).status_code == 403
    assert client.get(PATH, headers=token("metrics:write")).status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", json.dumps({}), json.dumps(SAID | {"commit": "main"}),
        json.dumps(SAID | {"committers": "ada"}), json.dumps(SAID | {"committers": [""]}), json.dumps(SAID | {"more": 1}),
        json.dumps(SAID | {"committers": ["x"] * 201}), json.dumps(SAID | {"workflow": "a\x00b"}), b"[" * 50_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_cannot_be_read_is_refused_with_the_field(client: TestClient, token: Token, body: Any) -> None:
    answer = client.post(PATH, content=body, headers=token("metrics:write"))
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_long_body_is_not_read_to_its_end(client: TestClient, token: Token) -> None:
    long = json.dumps(SAID | {"workflow": "x" * 100_000})
    assert client.post(PATH, content=long, headers=token("metrics:write")).status_code == 413


@pytest.mark.parametrize("place", ["a%2Fb/1", "a%00b/1", "a/x%20y", f"{'x' * 257}/1", "a/latest"])
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_names_no_version_is_refused(client: TestClient, token: Token, place: str) -> None:
    answer = client.post(f"/api/v1/evidence/{place}/ci", json=SAID, headers=token("metrics:write"))
    assert answer.status_code in (404, 422)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_its_body_is_documented(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()["paths"]["/v1/evidence/{model}/{version}/ci"]["post"]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == set(SAID)
    assert set(described["responses"]) >= {"200", "401", "403", "413", "422"}
