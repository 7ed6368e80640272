"""The grant webhook against a real local server: signed posts, evidence, failures that are retried and visible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from core import db
from core.datasets import granting, queries
from core.datasets.granting import Called
from core.errors import NotAllowed
from core.people import notices
from tests.conftest import SYSTEM, forget_settings
from tests.core.datasets.house import START, House


class Receiver:
    """A system that gives access: it keeps what it heard and answers what it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status, self.answer = 200, b'{"reference": "ACL-42"}'
        self.headers: dict[str, str] = {}
        self.before_answering: Any = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append((dict(self.headers), body))
                if receiver.before_answering:
                    receiver.before_answering()
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/grants"


@pytest.fixture
def receiver(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    made = Receiver()
    monkeypatch.setenv("PORTAL_GRANT_WEBHOOK_URL", made.url)
    monkeypatch.setenv("PORTAL_GRANT_WEBHOOK_SECRET", "a shared secret")
    forget_settings()
    yield made
    made.server.shutdown()
    made.server.server_close()


def call() -> Called:
    return granting.call_waiting(SYSTEM)


def approved(house: House, **more: Any) -> int:
    request_id = house.ask(**more)
    house.do("approve", request_id)
    return request_id


def test_an_answer_with_a_reference_is_the_evidence_and_the_time_runs_from_the_post(
    house: House, receiver: Receiver
) -> None:
    request_id = approved(house, project_id="fraud", columns=("card",), duration=10)
    house.clock.forward(hours=1)
    assert call() == Called(granted=1)
    row = house.row(request_id)
    assert (row.state, row.evidence, row.granted_by) == ("granted", "webhook ACL-42", SYSTEM.ref)
    headers, body = receiver.heard[0]
    assert json.loads(body) == {
        "request": request_id, "dataset": house.entry, "people": [house.ada.ref], "project": "fraud",
        "columns": ["card"], "environment": "exploration", "until": (START + timedelta(days=10, hours=1)).isoformat(),
    }  # fmt: skip
    assert row.until == START + timedelta(days=10, hours=1)
    assert headers["X-Portal-Signature"] == granting.signature("a shared secret", headers["X-Portal-Timestamp"], body)
    assert headers["X-Portal-Signature"] != granting.signature("another", headers["X-Portal-Timestamp"], body)
    assert headers["Idempotency-Key"] == f"data-request-{request_id}"
    assert call() == Called(), "what was granted is not posted again"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"no"), (403, b"{}"), (200, b"not json"), (200, b"{}"), (200, b'{"reference": ""}'), (200, b'["x"]'),
        (200, b'{"reference": 7}'), (200, b'{"reference": "a\\u0000b"}'), (200, b"\xff\xfe"), (204, b""),
        (200, b'{"reference": "' + b"x" * 70_000 + b'"}'),
    ],
)  # fmt: skip
def test_an_unusable_answer_gives_nothing_is_visible_and_retried(
    house: House, receiver: Receiver, status: int, answer: bytes
) -> None:
    request_id = approved(house)
    receiver.status, receiver.answer = status, answer
    assert call() == Called(failed=1)
    row = house.row(request_id)
    assert (row.state, row.calls) == ("approved", 1)
    assert "webhook" in row.call_failure
    assert call() == Called(), "the next call waits"
    receiver.status, receiver.answer = 201, b'{"reference": "late"}'
    house.clock.forward(minutes=2)
    assert call() == Called(granted=1)
    assert house.row(request_id).call_failure == ""


def test_failures_wait_longer_and_longer_and_the_approver_is_told_once(house: House, receiver: Receiver) -> None:
    approved(house)
    receiver.status = 500
    waits = []
    for _ in range(12):
        assert call() == Called(failed=1)
        waited = 0
        while not (calls_due := bool(_waiting())):
            house.clock.forward(minutes=1)
            waited += 1
        assert calls_due
        waits.append(waited)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    with db.reading() as session:
        assert len([one for one in notices.unread(session, house.owner) if "was not given" in one.text]) == 1


def _waiting() -> list[int]:
    with db.reading() as session:
        return granting.waiting(session)


def test_a_receiver_that_is_not_there_is_a_failure_like_any_other(house: House, receiver: Receiver) -> None:
    request_id = approved(house)
    receiver.server.shutdown()
    receiver.server.server_close()
    assert call() == Called(failed=1)
    assert "does not answer" in house.row(request_id).call_failure


def test_a_redirect_is_not_followed(house: House, receiver: Receiver) -> None:
    other = Receiver()
    receiver.status, receiver.headers = 307, {"Location": other.url}
    approved(house)
    assert call() == Called(failed=1)
    assert other.heard == []
    other.server.shutdown()
    other.server.server_close()


def test_access_given_to_a_request_that_was_withdrawn_meanwhile_is_told(house: House, receiver: Receiver) -> None:
    request_id = approved(house)
    receiver.before_answering = lambda: house.do("withdraw", request_id, actor=house.ada)
    assert call() == Called(failed=1)
    row = house.row(request_id, house.ada)
    assert row.state == "withdrawn"
    assert "Take it back there" in row.call_failure
    with db.reading() as session:
        assert "ACL-42" in notices.unread(session, house.owner)[0].text
        assert queries.grants_of(session, house.ada) == []


def test_two_runs_that_overlap_never_post_the_same_request(house: House, receiver: Receiver) -> None:
    first, second = approved(house), approved(house)
    inner: list[Called] = []

    def another_run() -> None:
        receiver.before_answering = None
        inner.append(call())

    receiver.before_answering = another_run
    assert call() == Called(granted=1)
    assert inner == [Called(granted=1)], "the second run takes what the first one has not begun"
    assert [json.loads(body)["request"] for _, body in receiver.heard] == [first, second]
    assert [house.state(one) for one in (first, second)] == ["granted", "granted"]


def test_a_run_that_was_killed_while_it_posted_is_taken_up_later(house: House, receiver: Receiver) -> None:
    request_id = approved(house)
    with db.writing() as session:
        assert granting.claim(session, actor=SYSTEM, request_id=request_id) is not None
    assert call() == Called()
    house.clock.forward(minutes=11)
    assert call() == Called(granted=1)


@pytest.mark.parametrize(("answer", "told"), [("ACL-42", 0), ("ACL-43", 1)])
def test_an_answer_that_comes_after_a_later_one_counts_if_it_names_the_same_access(
    house: House, receiver: Receiver, answer: str, told: int
) -> None:
    request_id = approved(house)

    def later_run() -> None:
        receiver.before_answering = None
        house.clock.forward(minutes=11)
        assert call() == Called(granted=1)
        receiver.answer = json.dumps({"reference": answer}).encode()

    receiver.before_answering = later_run
    assert call() == (Called(failed=1) if told else Called(granted=1))
    row = house.row(request_id)
    assert (row.state, row.evidence, bool(row.call_failure)) == ("granted", "webhook ACL-42", bool(told))
    with db.reading() as session:
        news = [one.text for one in notices.unread(session, house.owner)]
    assert len([one for one in news if "ACL-43" in one]) == told
    assert not [one for one in news if "was not given" in one]


def test_without_an_address_nothing_is_called_and_people_grant(house: House) -> None:
    request_id = approved(house)
    assert call() == Called()
    house.do("grant", request_id, evidence="T-1")
    assert house.state(request_id) == "granted"


def test_only_those_who_run_jobs_call_it(house: House) -> None:
    with pytest.raises(NotAllowed):
        granting.call_waiting(house.owner)
