"""The door to MLflow: whatever answers at the address, the portal is told in plain words and soon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.errors import Invalid, Unavailable
from core.tracking import client as tracking
from core.tracking.client import Client, shown
from tests.conftest import free_port


@contextmanager
def answering(body: bytes, *, status: int = 200, kind: str = "application/json") -> Iterator[str]:
    """A program that answers everything with ``body``."""

    class Answer(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


NONSENSE = {
    "a web page": (b"<!doctype html><html><body>Hello</body></html>", 200, "text/html"),
    "a web page that was not found": (b"<html>404</html>", 404, "text/html"),
    "an empty object": (b"{}", 200, "application/json"),
    "a list": (b"[]", 200, "application/json"),
    "half an object": (b'{"run": {"info": ', 200, "application/json"),
    "numbers where names belong": (b'{"run": {"info": {"run_id": 7, "start_time": "x"}}}', 200, "application/json"),
    "nothing at all": (b"", 200, "application/json"),
    "bytes that are no text": (b"\xff\xfe\x00", 200, "application/json"),
    "a refusal": (b'{"error_code": "PERMISSION_DENIED", "message": "no"}', 403, "application/json"),
    "its own failure": (b"Internal Server Error", 500, "text/plain"),
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE.keys())
def test_another_program_at_the_address_is_told_from_mlflow(answer: tuple[bytes, int, str]) -> None:
    body, status, kind = answer
    with answering(body, status=status, kind=kind) as uri, pytest.raises(Unavailable) as refusal:
        Client(uri).require_mlflow()
    assert uri in refusal.value.message
    assert "MLFLOW_TRACKING_URI" in refusal.value.hint
    assert len(refusal.value.message) < 300


def test_nothing_at_the_address_is_said_at_once() -> None:
    with pytest.raises(Unavailable, match="nothing answers"):
        Client(f"http://127.0.0.1:{free_port()}").require_mlflow()


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unavailable, match="too long"):
            Client(f"http://127.0.0.1:{silent.getsockname()[1]}").require_mlflow()


def test_a_password_in_the_address_is_never_shown() -> None:
    assert shown("https://me:secret@models.example:8080/ml") == "https://models.example:8080/ml"
    with pytest.raises(Unavailable) as refusal:
        Client(f"http://me:secret@127.0.0.1:{free_port()}").require_mlflow()
    assert "secret" not in str(refusal.value)


@pytest.mark.slow
def test_a_real_server_answers(mlflow_server: str) -> None:
    client = Client(mlflow_server)
    client.require_mlflow()
    assert client.model("there-is-no-such-model") is None


@pytest.mark.slow
def test_names_with_quotes_and_backslashes_are_found(mlflow_server: str) -> None:
    names = ["client plain", "client's", 'client "both" it\'s', "client \\n", "client, (x) OR 1=1", "clíent ünï"]
    writer = tracking._import("mlflow").MlflowClient(mlflow_server)
    for name in names:
        writer.create_registered_model(name)
        writer.create_model_version(name, "s3://bucket/path", await_creation_for=None)
    found = list(Client(mlflow_server).versions_of(names))
    assert sorted(one.model for one in found) == sorted(names)
    assert {one.version for one in found} == {"1"}


@pytest.mark.slow
def test_every_page_is_read(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "RUNS_PER_PAGE", 3)
    monkeypatch.setattr(tracking, "VERSIONS_PER_PAGE", 3)
    writer = tracking._import("mlflow").MlflowClient(mlflow_server)
    experiment = writer.create_experiment("client-paging")
    writer.create_registered_model("client-paging")
    for _ in range(8):
        run = writer.create_run(experiment)
        writer.log_metric(run.info.run_id, "loss", float("nan"))
        writer.log_metric(run.info.run_id, "accuracy", 0.5)
        writer.set_terminated(run.info.run_id)
        writer.create_model_version("client-paging", "s3://bucket/path", await_creation_for=None)
    client = Client(mlflow_server)
    runs = [run for page in client.runs([experiment]) for run in page]
    assert len({run.run_id for run in runs}) == 8
    assert [run.metrics for run in runs] == [{"accuracy": 0.5}] * 8
    assert len(list(client.versions_of(["client-paging"]))) == 8
    assert [len(page) for page in client.runs_by_id([experiment], [run.run_id for run in runs[:4]])] == [3, 1]
    with pytest.raises(Invalid):
        client.models(token="no token")
