"""Pushing definitions: what is created, updated, left and refused, and why."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from core.api.imports import MAX_BYTES
from tests.api.conftest import mounted
from tests.api.test_entries import entry

Token = Callable[..., dict[str, str]]
Push = Callable[..., "dict[str, object]"]


@pytest.fixture
def headers(token: Token, team: str) -> dict[str, str]:
    """Headers of an importer."""
    return token("catalog:import") | {"Content-Type": "application/yaml"}


def test_a_dry_run_tells_what_the_import_then_does(client: TestClient, headers: dict[str, str]) -> None:
    def push(query: str = "", text: str = entry()) -> dict[str, int]:
        answer = client.post(f"/api/v1/imports{query}", content=text, headers=headers)
        assert answer.status_code == 200, answer.text
        return {name: count for name, count in answer.json()["counts"].items() if count}

    assert push("?dry_run=true") == {"create": 1}
    assert client.get("/api/v1/entries", headers=headers).json()["total"] == 0
    assert push() == {"create": 1}
    assert push() == push("?dry_run=true") == {"unchanged": 1}
    assert push("?dry_run=1", entry(title="Drift, measured")) == {"update": 1}
    assert push("", entry(title="Drift, measured")) == {"update": 1}
    assert push("", entry("another")) == {"create": 1}, (
        "an upload is not all there is of its source: nothing gets stale"
    )


def test_what_is_refused_says_why_and_the_rest_goes_on(client: TestClient, headers: dict[str, str]) -> None:
    text = "---\n".join([entry("good"), entry("orphan").replace("platform", "platfrom"), entry("odd") + "  sizes: 3\n"])
    report = client.post("/api/v1/imports", content=text, headers=headers).json()
    assert report["counts"] == {"create": 1, "update": 0, "unchanged": 0, "stale": 0, "refused": 2}
    refused = [one["problems"][0] for one in report["changes"] if one["action"] == "refused"]
    assert any("document 2" in one and "Did you mean 'platform'" in one for one in refused)
    assert any("document 3" in one and "spec.sizes" in one for one in refused)


def test_a_foreign_document_finds_its_owner_in_the_query(client: TestClient, headers: dict[str, str]) -> None:
    text = "$schema: https://azuremlschemas.azureedge.net/latest/data.schema.json\nname: prices\nversion: 1\ntype: uri_file\npath: prices.csv\n"
    report = client.post("/api/v1/imports?owner=platform&source=azure", content=text, headers=headers).json()
    assert (report["source"], report["counts"]["create"]) == ("import:azure", 1)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "# nothing", "just text", "[1, 2]", "a: [unclosed", "a: &x [1]\nb: *x", "a: 1\na: 2", "a: \x00", "a: \x1b",
        '"\\ud800": 1', "!!python/object:os.system {}", "? [a, b]\n: 1", "{{ value }}", "<<: 1", "- " * 5000 + "a", "a: .nan",
        entry().replace("asset", "assset"), entry("-wrong-"), entry(title="'a\\tb\x07'"),
        entry().replace("1.10", "1\\n2"), "kind: Component\napiVersion: backstage.io/v1alpha1\n",
    ],
)  # fmt: skip
def test_text_that_cannot_be_used_is_refused_with_a_reason(
    client: TestClient, headers: dict[str, str], text: str
) -> None:
    answer = client.post("/api/v1/imports", content=text.encode("utf-8", "surrogatepass"), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["hint"].startswith("upload, document")


def test_bytes_that_are_no_text_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/imports", content=b"a: \xff\xfe", headers=headers)
    assert answer.status_code == 422
    assert "UTF-8" in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_another_content_type_is_refused(client: TestClient, headers: dict[str, str], kind: str) -> None:
    answer = client.post("/api/v1/imports", content=entry(), headers=headers | {"Content-Type": kind})
    assert answer.status_code == 415
    assert "application/yaml" in answer.json()["error"]["hint"]


def test_a_body_that_is_too_large_is_refused_while_it_comes(client: TestClient, headers: dict[str, str]) -> None:
    sent = 0

    def endless() -> object:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b"#" * (MAX_BYTES // 4)

    answer = client.post("/api/v1/imports", content=endless(), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 413


def test_the_description_names_the_limit_that_holds(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()["paths"]["/v1/imports"]["post"]["requestBody"]
    assert f"(at most {MAX_BYTES // 1024} KiB)" in described["description"]


def test_markup_in_every_field_comes_back_as_it_was_sent(client: TestClient, headers: dict[str, str]) -> None:
    title = "<script>alert(1)</script> & 'quotes'"
    client.post("/api/v1/imports", content=entry(title=f'"{title}"'), headers=headers)
    answer = client.get("/api/v1/entries/asset/default/drift-statistics", headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["title"] == title


def test_imports_at_the_same_time_double_nothing_and_break_nothing(client: TestClient, headers: dict[str, str]) -> None:
    text = "---\n".join(entry(f"entry-{number}") for number in range(20))
    clients = [mounted() for _ in range(6)]
    # FastAPI builds its routes at the first request and silences warnings for the whole process meanwhile: one at a time.
    assert all(one.get("/api/v1/health").status_code == 200 for one in clients)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: one.post("/api/v1/imports", content=text, headers=headers), clients))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert client.get("/api/v1/entries", headers=headers).json()["total"] == 20
