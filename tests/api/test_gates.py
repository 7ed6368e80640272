"""The gate over HTTP: a token with its scope, an answer in one shape, and no for whatever is not known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from core import db
from core.gates import attestation
from core.people import actions as people
from tests.api.conftest import mounted
from tests.conftest import SYSTEM
from tests.core.gates import house

Token = Callable[..., dict[str, str]]


def bearer(scope: str) -> dict[str, str]:
    with db.writing() as session:
        _, secret = people.create_token(session, actor=SYSTEM, name="ci", scopes=[scope])
    return {"Authorization": f"Bearer {secret}"}


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


@pytest.fixture
def approved(shipped: str) -> TestClient:
    """A caller of a portal where version 3 is approved for production."""
    house.owned(model="Größe & Preis")
    with db.writing() as session:
        house.mirrored(session, "Größe & Preis")
    house.case(model="Größe & Preis")
    return mounted()


PATH = "/api/v1/gates/Gr%C3%B6%C3%9Fe%20%26%20Preis/3"


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_an_approved_version_is_answered_with_its_case_and_its_signatures(approved: TestClient) -> None:
    said = approved.get(f"{PATH}?environment=production", headers=bearer("gate:ask")).json()
    assert (said["allowed"], said["verdict"], said["model"], said["case"]) == (True, "allowed", "Größe & Preis", "1")
    assert [(one["role"], one["case"], len(one["record"])) for one in said["signatures"]] == [
        ("model validator", "1", 16), ("reviewer", "1", 16),
    ]  # fmt: skip
    assert [one["link"] for one in said["reasons"]] == ["/review?id=1"]


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_its_attestation_can_be_checked_with_the_key_that_is_handed_out(approved: TestClient) -> None:
    headers = bearer("gate:ask")
    answer = approved.get(f"{PATH}/attestation?environment=production", headers=headers)
    key = approved.get("/api/v1/gates/key", headers=headers).json()
    statement = attestation.verify(answer.content, key["pem"].encode())
    assert (answer.headers["content-type"], statement["predicate"]["allowed"]) == ("application/json", True)
    assert [one["keyid"] for one in answer.json()["signatures"]] == [key["keyid"]]
    assert approved.get(f"{PATH}/attestation").status_code == approved.get("/api/v1/gates/key").status_code == 401
    nothing = approved.get("/api/v1/gates/other/1/attestation", headers=headers)
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize("path", ["/api/v1/gates/a%2Fb/1", "/api/v1/gates/a/b/1", "/api/v1/gates/models:/a/1"])
def test_a_slash_in_a_name_is_no_path_to_anything(client: TestClient, token: Token, path: str) -> None:
    """MLflow takes no model with one."""
    assert client.get(path, headers=token("gate:ask")).status_code == 404
