"""Every refusal has one shape, and no fault shows the inside."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from core import db
from core.catalog import search
from core.people import actions as people
from tests.conftest import SYSTEM

Token = Callable[..., dict[str, str]]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "QUERY"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v2/entries", "/api/v1/entries/", "/api/v1/no%0athing"]
)
def test_an_unknown_path_is_not_found_in_json_whatever_the_method(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, follow_redirects=False)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert method == "HEAD" or answer.json()["error"]["code"] == "not_found"


def test_a_method_that_is_not_possible_is_told_with_those_that_are(client: TestClient) -> None:
    answer = client.delete("/api/v1/entries")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Basic YTpi", "Bearer afp_unknown", "Bearer \xff\xfe", "Bearer a b"]
)
def test_without_a_token_that_counts_nothing_is_answered(client: TestClient, header: str | None) -> None:
    headers = [] if header is None else [(b"Authorization", header.encode("latin-1"))]
    for method, path in [("GET", "/api/v1/entries"), ("GET", "/api/v1/me"), ("POST", "/api/v1/imports")]:
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["error"]["code"] == "unauthenticated"


def test_a_cookie_is_no_token(client: TestClient, token: Token) -> None:
    secret = token("catalog:read")["Authorization"].removeprefix("Bearer ")
    answer = client.get("/api/v1/entries", headers={"Cookie": f"portal_session={secret}; token={secret}"})
    assert answer.status_code == 401


def test_a_revoked_token_is_refused_at_once(client: TestClient, token: Token) -> None:
    headers = token("catalog:read")
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    with db.writing() as session:
        people.revoke_token(session, actor=SYSTEM, token_id=1)
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_an_expired_token_is_refused(client: TestClient, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    headers = token("catalog:read")
    later = db.now() + timedelta(days=91)
    monkeypatch.setattr("core.access.queries.now", lambda: later)
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_a_token_without_the_scope_is_not_allowed(client: TestClient, token: Token) -> None:
    answer = client.post(
        "/api/v1/imports", content="a: 1", headers=token("catalog:read") | {"Content-Type": "application/yaml"}
    )
    assert answer.status_code == 403
    assert "catalog:import" in answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    "query",
    ["size=0", "size=101", "page=x", "page=0", "kinds=asset", "lifecycle=old", "q=%00", "kind=%0a", "q=" + "a" * 401],
)
def test_a_wrong_parameter_is_named(client: TestClient, token: Token, query: str) -> None:
    answer = client.get(f"/api/v1/entries?{query}", headers=token("catalog:read"))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert f"query.{query.partition('=')[0]}" in error["message"]


def test_a_fault_is_answered_with_a_reference_that_the_log_knows(
    client: TestClient, token: Token, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(search, "search", fail)
    with caplog.at_level(logging.ERROR, "portal.api"):
        answer = client.get("/api/v1/entries", headers=token("catalog:read"))
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    reference = answer.json()["error"]["message"].split("reference ")[1].removesuffix(").")
    assert reference in caplog.text
    assert "the secret inside" in caplog.text


def test_a_store_that_does_not_answer_is_unavailable(
    client: TestClient, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = token("catalog:read")

    def down() -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    with monkeypatch.context() as patch:
        patch.setattr(db, "engine", down)
        answer = client.get("/api/v1/entries", headers=headers)
        health = client.get("/api/v1/health")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert health.status_code == 503
    assert health.json() == {
        "status": "unavailable",
        "database": "unavailable",
        "version": "0.1.0",
        "mirror": {"as_of": None},
    }


def test_no_answer_is_kept_or_framed_or_shared_with_another_origin(client: TestClient, token: Token) -> None:
    for path, headers in [("health", {}), ("nothing", {}), ("me", {}), ("me", token("gate:ask"))]:
        answer = client.get(f"/api/v1/{path}", headers=headers | {"Origin": "https://elsewhere.example"})
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]
