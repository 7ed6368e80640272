"""What the API says about itself: health, documentation, and who a token is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

import core
from core import db
from core.access import queries

Token = Callable[..., dict[str, str]]


def test_health_takes_no_token(client: TestClient) -> None:
    answer = client.get("/api/v1/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "version": core.__version__, "mirror": {"as_of": None}}


def test_a_token_learns_who_it_is_and_what_it_may_do(client: TestClient, token: Token) -> None:
    told = client.get("/api/v1/me", headers=token("catalog:read", "gate:ask")).json()
    assert told == {
        "kind": "token", "id": "1", "name": "test", "scopes": ["catalog:read", "gate:ask"],
        "may": ["catalog.browse", "gate.ask"],
    }  # fmt: skip


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(
    client: TestClient, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = token("catalog:read")

    def used() -> object:
        with db.reading() as session:
            return queries.tokens(session)[0].last_used_at

    assert used() is None
    client.get("/api/v1/me", headers=headers)
    first = used()
    assert first is not None
    client.get("/api/v1/me", headers=headers)
    assert used() == first
    monkeypatch.setattr("core.api.auth.monotonic", lambda: 10.0**9)
    client.get("/api/v1/me", headers=headers)
    assert used() == first, "another replica noted it less than a minute ago"
    later = db.now() + timedelta(seconds=61)
    monkeypatch.setattr("core.people.actions.now", lambda: later)
    monkeypatch.setattr("core.api.auth.monotonic", lambda: 2 * 10.0**9)
    client.get("/api/v1/me", headers=headers)
    assert used() == later


def test_a_use_that_cannot_be_noted_fails_nobody(
    client: TestClient, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise RuntimeError("the store is locked")

    headers = token("catalog:read")
    monkeypatch.setattr("core.people.actions.note_use", busy)
    assert client.get("/api/v1/me", headers=headers).status_code == 200


def test_openapi_names_the_path_it_is_mounted_under_and_every_operation(client: TestClient) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    assert schema["servers"] == [{"url": "/api"}]
    operations = {one["operationId"]: one for path in schema["paths"].values() for one in path.values()}
    assert operations.keys() == {
        "health", "me", "searchEntries", "readEntry", "importEntries", "askGate", "attestGate", "readGateKey",
        "tellCiFact", "getDocument",
    }  # fmt: skip
    for name, one in operations.items():
        assert one["summary"]
        assert one["description"]
        assert one["tags"]
        assert ("security" in one) == (name != "health")
        for status, answer in one["responses"].items():
            if int(status) >= 400 and name != "health":
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}


def test_the_documentation_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("httpx", "")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "favicon.png"):
        assert f"docs/{name}" in page.text
        assert client.get(f"/api/v1/docs/{name}").status_code == 200


@pytest.mark.parametrize("name", ["..%2f__init__.py", "redoc.standalone.js", "core.py"])
def test_the_documentation_hands_out_its_own_files_only(client: TestClient, name: str) -> None:
    assert client.get(f"/api/v1/docs/{name}").status_code in (404, 422)
