"""The steps for pipelines, run for real: yes from the portal about this very version, and no in every other case."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import uvicorn
import yaml
from starlette.applications import Starlette

from core import api, db
from core.config import ROOT
from core.gates import steps
from core.people import actions as people
from tests.conftest import SYSTEM, free_port
from tests.core.gates import house

MODEL = 'Größe\'s $(id) "A" & B'
GUIDE = ROOT / "catalog" / "guides" / "deploy-through-a-gate" / "README.md"
IN_GUIDE = steps.steps("unit.project.model", portal="https://portal.example")
YES = {
    "allowed": True,
    "verdict": "allowed",
    "reasons": [],
    "model": MODEL,
    "version": "3",
    "environment": "production",
}


def run(title: str, portal: str, *, token: str = "none", version: str = "3", **given: str) -> tuple[int, str]:
    """Run the step as the kind of pipeline would; returns its exit code and what it said."""
    [step] = [one for one in steps.steps(MODEL, portal=portal) if one.title == title]
    code, variables = _read(step)
    environment = {"PATH": os.environ["PATH"], **variables, "PORTAL_TOKEN": token, "VERSION": version, **given}
    done = subprocess.run(["sh", "-c", code], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def _read(step: steps.Step) -> tuple[str, dict[str, str]]:
    if step.language == "sh":
        return step.code, {}
    [read] = yaml.safe_load(step.code)
    return read.get("run") or read["bash"], {name: str(value) for name, value in read["env"].items()}


@pytest.fixture
def portal(shipped: str) -> Iterator[str]:
    """The API of a portal where version 3 is approved for production."""
    house.owned(model=MODEL)
    with db.writing() as session:
        house.mirrored(session, MODEL)
    house.case(model=MODEL)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=api.routes()), port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def token(scope: str = "gate:ask") -> str:
    with db.writing() as session:
        return people.create_token(session, actor=SYSTEM, name="ci", scopes=[scope])[1]


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_the_portals_yes_is_a_yes_and_its_no_a_no(portal: str) -> None:
    secret = token()
    for title in ("Shell", "GitHub Actions", "Azure Pipelines"):
        code, said = run(title, portal, token=secret)
        assert (code, said.splitlines()[0]) == (0, "gate: allowed"), (title, said)
    assert run("Shell", f"{portal}/", token=secret)[0] == 0
    code, said = run("Shell", portal, token=secret, version="4")
    assert (code != 0, "(unknown-version)" in said) == (True, True)
    assert run("Shell", portal, token="wrong")[0] == run("Shell", portal, token=token("catalog:read"))[0] == 2
    house.change(1, state="suspended")
    code, said = run("GitHub Actions", portal, token=secret)
    assert (code != 0, "(suspended)" in said) == (True, True)


class _Fake(BaseHTTPRequestHandler):
    """Answers as whatever stands where the portal should."""

    said: tuple[int, dict[str, str], bytes] = (200, {}, b"")

    def do_GET(self) -> None:
        status, headers, body = self.said
        if self.path.startswith("/elsewhere"):
            status, headers, body = 200, {}, json.dumps(YES).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def fake() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Fake)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _json(**changes: Any) -> bytes:
    return json.dumps({**YES, **changes}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "passes"),
    [
        (200, {}, _json(), True),
        (200, {}, b"<!doctype html><html><body>\"allowed\": true</body></html>", False),
        (200, {}, b"", False),
        (200, {}, b"null", False),
        (200, {}, b"[]", False),
        (200, {}, _json()[:-1], False),
        (200, {}, _json(allowed="true"), False),
        (200, {}, _json(allowed=1), False),
        (200, {}, _json(allowed=False), False),
        (200, {}, _json(version="30"), False),
        (200, {}, _json(model="other"), False),
        (200, {}, _json(environment="test"), False),
        (302, {"Location": "/elsewhere"}, _json(), False),
        (302, {"Location": "/elsewhere"}, b"", False),
        (204, {}, b"", False),
        (401, {}, _json(), False),
        (500, {}, _json(), False),
    ],
)  # fmt: skip
def test_only_an_explicit_yes_about_this_version_passes(
    fake: str, status: int, headers: dict[str, str], body: bytes, passes: bool
) -> None:
    _Fake.said = (status, headers, body)
    assert (run("Shell", fake)[0] == 0) is passes


def test_where_nothing_answers_and_where_something_is_not_set_the_step_fails() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert run("Shell", nowhere)[0] != 0
    for name in ("PORTAL_TOKEN", "VERSION"):
        code, said = run("Shell", nowhere, **{name: ""})
        assert (code != 0, name in said) == (True, True)


def test_a_name_that_reads_like_an_expression_is_not_evaluated() -> None:
    """GitHub reads ``${{ '${{' }}`` as the three signs themselves."""
    [step] = [one for one in steps.steps("a${{ secrets.X }}", portal="p") if one.title == "GitHub Actions"]
    [read] = yaml.safe_load(step.code)
    assert read["env"]["MODEL"] == "a${{ '${{' }} secrets.X }}"


def test_the_guide_shows_the_steps_as_they_are() -> None:
    shown = "\n".join(f"**{one.title}.** {one.note}\n\n```{one.language}\n{one.code}```\n" for one in IN_GUIDE)
    assert f"<!-- STEPS -->\n{shown}<!-- /STEPS -->" in GUIDE.read_text("utf-8")
