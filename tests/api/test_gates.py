"""The gate over HTTP: a token with its scope, an answer in one shape, and no for whatever is not known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

Token = Callable[..., dict[str, str]]


def test_an_unknown_version_is_denied_with_a_reason(client: TestClient, token: Token) -> None:
    answer = client.get("/api/v1/gates/retail.churn.leaves/3?environment=production", headers=token("gate:ask"))
    assert answer.status_code == 200
    said = answer.json()
    assert (said["allowed"], said["verdict"], said["case"], said["signatures"]) == (False, "unknown", "", [])
    assert [one["code"] for one in said["reasons"]] == ["unknown-version"]
    assert said["decided_at"]


def test_it_takes_a_token_with_the_scope(client: TestClient, token: Token) -> None:
    assert client.get("/api/v1/gates/a/1").status_code == 401
    assert client.get("/api/v1/gates/a/1", headers=token("catalog:read")).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/api/v1/gates/a/1?environment=moon", "/api/v1/gates/a%00b/1", "/api/v1/gates/a/1%20", "/api/v1/gates/a%3Ab/1"],
)
def test_what_names_no_version_or_environment_is_refused(client: TestClient, token: Token, path: str) -> None:
    assert client.get(path, headers=token("gate:ask")).status_code == 422


@pytest.mark.parametrize("name", ["a model", "Größe", "a-b.c_d"])
def test_any_name_that_mlflow_takes_can_be_asked_about(client: TestClient, token: Token, name: str) -> None:
    assert client.get(f"/api/v1/gates/{name}/1", headers=token("gate:ask")).json()["verdict"] == "unknown"
