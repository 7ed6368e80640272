"""Searching and reading the catalog through the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from core import db
from core.catalog.tables import Demand

Token = Callable[..., dict[str, str]]

ENTRY = """\
apiVersion: factory/v1
kind: asset
metadata:
  name: {name}
  title: {title}
  description: Compares two samples with a test that knows their size.
  tags: [{name}, shared]
spec:
  owner: platform
  lifecycle: approved
  version: "1.10"
  classification: {classification}
"""


def entry(name: str = "drift-statistics", title: str = "Drift statistics", classification: str = "internal") -> str:
    """An entry as YAML."""
    return ENTRY.format(name=name, title=title, classification=classification)


@pytest.fixture
def reader(client: TestClient, token: Token, team: str) -> dict[str, str]:
    """Headers of a reader of a catalog with three entries."""
    text = "---\n".join(
        [entry(), entry("champion", "Champion or challenger"), entry("hidden", "Hidden statistics", "restricted")]
    )
    headers = token("catalog:import") | {"Content-Type": "application/yaml"}
    answer = client.post("/api/v1/imports", content=text, headers=headers)
    assert answer.json()["counts"]["create"] == 3, answer.text
    return token("catalog:read")


def test_a_search_tells_items_total_and_facets(client: TestClient, reader: dict[str, str]) -> None:
    found = client.get("/api/v1/entries?q=drift&kind=asset&kind=model", headers=reader).json()
    assert (found["total"], found["page"], found["size"]) == (1, 1, 20)
    assert found["items"][0]["key"] == "asset:default/drift-statistics"
    assert found["items"][0]["reason"]
    assert {"value": "asset", "count": 1} in found["facets"]["kind"]


def test_what_a_token_may_not_see_is_in_neither_result_nor_count(client: TestClient, reader: dict[str, str]) -> None:
    found = client.get("/api/v1/entries?q=statistics", headers=reader).json()
    assert found["total"] == 1
    assert "Hidden" not in str(found)
    assert client.get("/api/v1/entries/asset/default/hidden", headers=reader).status_code == 404


def test_pages_follow_each_other(client: TestClient, reader: dict[str, str]) -> None:
    pages = [client.get(f"/api/v1/entries?size=1&page={page}", headers=reader).json() for page in (1, 2, 3)]
    assert [one["total"] for one in pages] == [2, 2, 2]
    assert len({one["items"][0]["key"] for one in pages[:2]}) == 2
    assert pages[2]["items"] == []


def test_a_search_in_vain_suggests_and_is_recorded_as_demand(client: TestClient, reader: dict[str, str]) -> None:
    assert client.get("/api/v1/entries?q=statistiks", headers=reader).json()["suggestion"]
    found = client.get("/api/v1/entries?q=feature%20store", headers=reader).json()
    assert (found["total"], found["items"]) == (0, [])
    with db.reading() as session:
        wanted = {one.text: one.searches for one in session.exec(select(Demand))}
    assert wanted["feature store"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "c++",
        '"unbalanced',
        "team-a: x",
        "-",
        "*",
        "NEAR(",
        "a AND",
        "'; drop table entry; --",
        "%",
        "\\",
        "\t",
        "日本",
        "🙂",
    ],
)
def test_anything_can_be_searched_for(client: TestClient, reader: dict[str, str], text: str) -> None:
    assert client.get("/api/v1/entries", params={"q": text}, headers=reader).status_code == 200


def test_an_entry_comes_with_everything_about_it(client: TestClient, reader: dict[str, str]) -> None:
    found = client.get("/api/v1/entries/asset/default/Drift-Statistics", headers=reader).json()
    assert found["key"] == "asset:default/drift-statistics"
    assert found["document"]["spec"]["version"] == found["version"] == "1.10"
    assert found["tags"] == ["drift-statistics", "shared"]
    assert found["versions"][0]["version"] == "1.10"
    assert found["adoptions"] == 0
    assert found["source"] == "import:api"


@pytest.mark.parametrize("path", ["asset/default/nothing", "nothing/default/champion", "asset/other/champion"])
def test_an_unknown_entry_is_not_found_with_a_hint(client: TestClient, reader: dict[str, str], path: str) -> None:
    answer = client.get(f"/api/v1/entries/{path}", headers=reader)
    assert answer.status_code == 404
    assert answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    "path",
    ["asset/default/%00", "asset/default/a%0ab", "asset/default/%ff", "a b/default/x", "asset/default/" + "a" * 64],
)
def test_a_name_that_cannot_be_is_refused(client: TestClient, reader: dict[str, str], path: str) -> None:
    assert client.get(f"/api/v1/entries/{path}", headers=reader).status_code in (404, 422)
