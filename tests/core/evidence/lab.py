"""A laboratory in a real MLflow: runs with metrics, files and models, and a network between it and the portal that fails."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from core.tracking import client as tracking

_numbers = itertools.count(1)

MLMODEL = """\
flavors:
  sklearn: {serialization_format: skops}
saved_input_example_info: {artifact_path: input_example.json, type: dataframe}
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}]'
  outputs: '[{"type": "long", "required": true}]'
  params: null
"""
FILES = {"MLmodel": MLMODEL, "requirements.txt": "scikit-learn==1.9.1\n", "model.skops": "weights"}


@dataclass(frozen=True)
class Trained:
    """A version with what it came from."""

    model: str
    version: str
    run_id: str
    model_id: str


class Lab:
    """What a team does in MLflow, under names that no other test uses."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self.folder = uri, folder
        self.mlflow: Any = tracking._import("mlflow").MlflowClient(uri)
        self.experiment = self.mlflow.create_experiment(f"evidence/{folder.name}/{next(_numbers)}")

    def run(self, tags: Mapping[str, str] | None = None, **metrics: float) -> str:
        """A finished run; its tags say who started it, as a training script's do."""
        made = self.mlflow.create_run(self.experiment, tags={"mlflow.user": "ada", **(tags or {})})
        run_id = str(made.info.run_id)
        for name, value in metrics.items():
            self.mlflow.log_metric(run_id, name.replace("__", "."), value)
        self.mlflow.log_param(run_id, "depth", 3)
        self.mlflow.set_terminated(run_id)
        return run_id

    def model(self, run_id: str, files: Mapping[str, str | bytes] | None = None) -> str:
        """A logged model of the run, with these files."""
        made = self.mlflow.create_logged_model(self.experiment, name="model", source_run_id=run_id)
        folder = self.folder / made.model_id
        _write(folder, FILES | dict(files or {}))
        self.mlflow.log_model_artifacts(made.model_id, str(folder))
        self.mlflow.finalize_logged_model(made.model_id, "READY")
        return str(made.model_id)

    def register(self, source: str, run_id: str = "", name: str = "", tags: Mapping[str, str] | None = None) -> Trained:
        """The next version of the model ``name``."""
        name = name or f"Größe {next(_numbers)} of {self.folder.name}"
        if not self.mlflow.search_registered_models(f"name = '{name}'"):
            self.mlflow.create_registered_model(name)
        model_id = source.removeprefix("models:/") if source.startswith("models:/m-") else None
        made = self.mlflow.create_model_version(
            name, source, run_id=run_id or None, tags=dict(tags or {}), model_id=model_id, await_creation_for=None
        )
        return Trained(name, str(made.version), run_id, model_id or "")

    def trained(self, files: Mapping[str, str | bytes] | None = None, **metrics: float) -> Trained:
        """A version of a new model, from a run of its own."""
        run_id = self.run(**(metrics or {"accuracy": 0.7}))
        return self.register(f"models:/{self.model(run_id, files)}", run_id)

    def file(self, run_id: str, path: str, content: str | bytes) -> None:
        """Log or replace an artifact of a run."""
        self.upload(f"/{self.experiment}/{run_id}/artifacts/{path}", content)

    def model_file(self, model_id: str, path: str, content: str | bytes) -> None:
        """Log or replace a file of a logged model."""
        self.upload(f"/{self.experiment}/models/{model_id}/artifacts/{path}", content)

    def upload(self, place: str, content: str | bytes) -> None:
        """Put an artifact where MLflow keeps it, as its client does."""
        body = content.encode() if isinstance(content, str) else content
        answer = requests.put(f"{self.uri}/api/2.0/mlflow-artifacts/artifacts{place}", data=body, timeout=10)
        answer.raise_for_status()


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)


Fault = Callable[[BaseHTTPRequestHandler, requests.Response], None]


def cut(handler: BaseHTTPRequestHandler, answer: requests.Response) -> None:
    """The server dies before it answers."""
    handler.close_connection = True
    handler.connection.close()


def half(handler: BaseHTTPRequestHandler, answer: requests.Response) -> None:
    """The server dies while it answers."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(answer.content)))
    handler.end_headers()
    handler.wfile.write(answer.content[: len(answer.content) // 2])
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.close()


def empty(handler: BaseHTTPRequestHandler, answer: requests.Response) -> None:
    """Another program stands there now, and answers everything with an empty object."""
    _send(handler, 200, b"{}", "application/json")


def page(handler: BaseHTTPRequestHandler, answer: requests.Response) -> None:
    """A proxy in between answers with a page of its own."""
    _send(handler, 404, b"<!doctype html><html><body>Not found</body></html>", "text/html")


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Between:
    """A network between the portal and MLflow that fails from the request numbered ``after`` on."""

    def __init__(self, uri: str) -> None:
        self.uri, self.address = uri, ""
        self.fault: Fault = cut
        self.after, self.asked = 10**9, 0

    def fail(self, fault: Fault, *, after: int) -> None:
        """From now on, let so many requests pass and then fail."""
        self.fault, self.after, self.asked = fault, after, 0


@contextmanager
def between(uri: str) -> Iterator[Between]:
    """Run such a network."""
    state = Between(uri)

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]}
            state.asked += 1
            answer = requests.request(self.command, uri + self.path, data=body, headers=kept, timeout=10)
            if state.asked > state.after:
                state.fault(self, answer)
            else:
                _send(self, answer.status_code, answer.content, answer.headers.get("Content-Type", "text/plain"))

        do_GET = do_POST = _pass_on  # noqa: N815

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
