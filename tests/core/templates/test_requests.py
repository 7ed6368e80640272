"""Requests: who asks and who decides, what a crash and a failure leave, and what a delivery brings with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import update
from sqlmodel import col, select

from core import db
from core.access.policy import MATRIX, ROLES
from core.access.tables import Token
from core.activity import queries as activity
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import notices
from core.projects import actions as projects
from core.projects.tables import Adoption, ProjectTracking
from core.templates import delivery, queries, requests, states, work
from core.templates.requests import Wish
from core.templates.tables import TemplateRequest, TemplateStand
from tests.conftest import SYSTEM, forget_settings
from tests.core.templates.house import House, entry, project, stand_on_pattern, start


def decide(house: House, verb: Any, request_id: int, actor: Any = None, **more: Any) -> None:
    with db.writing() as session:
        verb(session, actor=actor or house.mel, request_id=request_id, **more)


def change(request_id: int, **values: Any) -> None:
    with db.writing() as session:
        session.execute(update(TemplateRequest).where(col(TemplateRequest.id) == request_id).values(**values))


# --- asking and deciding ---------------------------------------------------------------------------------------------


def test_a_request_goes_from_its_answers_to_a_repository_that_says_where_it_came_from(house: House) -> None:
    request_id = house.delivered({"colour": "green", "shade": 7})
    made = house.result(request_id)
    assert made.files["README.md"].content == b"# churn\n\nIt is green, shade 7.\n"
    manifest = yaml.safe_load(made.files["FACTORY.yaml"].content)
    assert (manifest["template"], manifest["version"], manifest["request"]) == (
        "template:default/painter",
        "1.0.0",
        request_id,
    )
    assert manifest["project"] == "churn"
    page = house.page(request_id)
    assert manifest["answers_hash"] == page.request.answers_hash
    assert len(page.request.commit) == 40


def test_the_same_answers_are_the_same_bytes(house: House) -> None:
    request_id = house.delivered({"colour": "green"})
    before = house.result(request_id).to_zip()
    change(request_id, state="approved", next_attempt_at=None)
    work.work(SYSTEM)
    assert house.result(request_id).to_zip() == before


@pytest.mark.parametrize("role", ROLES)
def test_who_asks_and_who_decides_follows_the_matrix(house: House, role: str) -> None:
    somebody = house.person(role, team="cards")
    if role in MATRIX["template.request"]:
        house.send(actor=somebody)
    else:
        with pytest.raises(NotAllowed):
            house.send(actor=somebody)
    request_id = house.send()
    verbs: list[tuple[Any, dict[str, str]]] = [
        (requests.ask_for_changes, {"reason": "Greener."}), (requests.reject, {"reason": "No."}), (requests.approve, {}),
    ]  # fmt: skip
    for verb, more in verbs:
        change(request_id, state="submitted")
        if role in MATRIX["template.approve"]:
            decide(house, verb, request_id, somebody, **more)
            continue
        with pytest.raises(NotAllowed):
            decide(house, verb, request_id, somebody, **more)


def test_nobody_decides_on_their_own_request(house: House) -> None:
    request_id = house.send(actor=house.mel)
    for verb, more in (
        (requests.approve, {}),
        (requests.reject, {"reason": "x"}),
        (requests.ask_for_changes, {"reason": "x"}),
    ):
        with pytest.raises(NotAllowed, match="their own"):
            decide(house, verb, request_id, house.mel, **more)
    house.approve(request_id, house.max)


def test_a_project_on_an_approved_pattern_that_covers_the_template_does_not_wait(house: House) -> None:
    key = stand_on_pattern(house.person)
    covered = entry(patterns=[key])
    assert covered == house.entry_id
    request_id = house.send()
    page = house.page(request_id)
    assert (page.request.state, page.request.decided_by) == ("approved", "system:templates")
    assert "IT-1" in page.request.reason
    with db.reading() as session:
        [line] = [
            one for one in activity.object_history(session, SYSTEM, "project:churn") if one.event == "template-approved"
        ]
    assert "keeps every condition" in line.data["by_rule"]


def test_a_project_that_deviates_waits_for_a_person(house: House) -> None:
    entry(patterns=[stand_on_pattern(house.person, region="us-east")])
    assert house.state(house.send()) == "submitted"


def test_the_reuse_review_comes_before_the_request(house: House) -> None:
    start("new", reviewed=False)
    with pytest.raises(Conflict, match="reuse review"):
        house.send(project="new")


def test_a_request_that_was_sent_back_keeps_its_answers_and_the_clock_stood_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)  # a Friday
    monkeypatch.setattr(requests, "now", lambda: moment)
    request_id = house.send({"colour": "green"})
    assert house.page(request_id).request.due_at == moment + timedelta(days=4), "two working days, past a weekend"
    decide(house, requests.ask_for_changes, request_id, reason="Darker, please.")
    assert [one.text for one in house.page(request_id).comments] == ["Darker, please."]
    moment += timedelta(days=10)
    page = house.page(request_id)
    with pytest.raises(NotAllowed, match="whoever made"):
        decide(house, requests.change, request_id, house.mel, revision=page.request.revision, wish=Wish({}))
    with pytest.raises(Conflict, match="meanwhile"):
        decide(house, requests.change, request_id, house.ada, revision=99, wish=Wish({}))
    decide(house, requests.change, request_id, house.ada, revision=page.request.revision, wish=Wish(dict(page.request.answers) | {"shade": 9}))  # fmt: skip
    decide(house, requests.submit, request_id, house.ada)
    page = house.page(request_id)
    assert (page.request.state, page.request.answers["colour"], page.request.answers["shade"]) == (
        "submitted",
        "green",
        9,
    )
    left = "two working days were left, and the Monday on which it came back was one of them"
    assert page.request.due_at == datetime(2026, 3, 18, 9, 0, tzinfo=UTC), left


def test_people_are_told_what_waits_and_what_was_decided(house: House) -> None:
    request_id = house.send()
    house.approve(request_id, house.max)
    work.work(SYSTEM)
    with db.reading() as session:
        approver = [one.text for one in notices.unread(session, house.mel)]
        requester = [one.text for one in notices.unread(session, house.ada)]
    assert any("asks for the template" in one for one in approver)
    assert any("is approved" in one for one in requester)
    assert any("is delivered" in one for one in requester)


@pytest.mark.parametrize(
    "answers",
    [{"nothing": 1}, {"colour": "blue"}, {"project_id": "../etc"}, {"project_id": "{{ 7 * 7 }}"}, {"shade": "dark"},
     {"project_id": "a\x00b"}, {"project_id": "x" * 20_000}],
)  # fmt: skip
def test_answers_that_the_template_does_not_take_are_refused_before_anything_is_kept(
    house: House, answers: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        house.send(answers)
    with db.reading() as session:
        assert session.exec(select(TemplateRequest)).first() is None


def test_a_secret_answer_is_kept_nowhere(house: House) -> None:
    request_id = house.delivered({"key": "hunter2", "colour": "green"})
    assert "key" not in house.page(request_id).request.answers
    assert b"hunter2" not in house.result(request_id).to_zip()
    assert not any(b"hunter2" in one.content for one in house.result(request_id).files.values())


def test_a_confidential_project_is_nobody_elses_business(house: House) -> None:
    start("secret", classification="confidential")
    request_id = house.send(project="secret")
    outsider = house.person("data scientist", team="platform")
    with db.reading() as session:
        assert queries.requests(session, outsider).total == 0
        with pytest.raises(NotFound):
            queries.request(session, outsider, request_id)
    with pytest.raises(NotFound):
        decide(house, requests.comment, request_id, outsider, words="Hm.")


def test_a_stopped_project_starts_no_repository(house: House) -> None:
    with db.writing() as session:
        projects.move(
            session, actor=SYSTEM, project_id="churn", stage="stopped", finding="Not feasible with these data."
        )
    with pytest.raises(Conflict, match="stopped"):
        house.send()


# --- making and delivering -------------------------------------------------------------------------------------------


def test_a_delivery_adopts_the_template_attaches_checklists_and_names_the_experiment(house: House) -> None:
    request_id = house.delivered()
    with db.reading() as session:
        used = session.exec(select(Adoption).where(Adoption.project_id == "churn")).all()
        stand = session.exec(select(TemplateStand)).one()
        owned = session.get(ProjectTracking, ("experiment", "retail/churn/experiment"))
        history = [one.event for one in activity.object_history(session, SYSTEM, "project:churn")]
    assert [one.entry_id for one in used] == [house.entry_id]
    assert (stand.version_id, stand.request_id) == (house.version_id, request_id)
    assert owned is not None
    assert history[:6] == [
        "template-delivered", "tracking-claimed", "template-rendered", "template-approved", "template-requested", "project-created",
    ]  # fmt: skip


def test_checklists_of_the_tier_are_attached(shipped: str, person: Any) -> None:
    with db.writing() as session:
        projects.create(session, actor=SYSTEM, project_id="churn", title="Churn", team_id="ml-engineering")
    made = project()
    made.tier = "high"
    with db.reading() as session:
        keys = [key for _, key in delivery._checklists(session, made)]
    assert keys == ["checklist:default/model-release", "checklist:default/project-intake"]


def test_the_gate_token_is_issued_once_to_the_requester_and_kept_as_a_digest(house: House) -> None:
    request_id = house.send()
    with pytest.raises(Conflict, match="comes with the delivery"):
        decide(house, requests.issue_gate_token, request_id, house.ada)
    house.approve(request_id)
    work.work(SYSTEM)
    with pytest.raises(NotAllowed):
        decide(house, requests.issue_gate_token, request_id, house.mel)
    with db.writing() as session:
        secret = requests.issue_gate_token(session, actor=house.ada, request_id=request_id)
    with db.reading() as session:
        token = session.exec(select(Token)).one()
        assert token.scopes == ["gate:ask"]
        assert secret not in str(token.model_dump())
    with pytest.raises(Conflict, match="already"):
        decide(house, requests.issue_gate_token, request_id, house.ada)


def test_rendering_that_fails_keeps_the_answers_and_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = house.send({"colour": "green"})
    house.approve(request_id)
    with monkeypatch.context() as patch:
        patch.setattr(work.rendering, "render", lambda *_, **__: (_ for _ in ()).throw(Invalid("The template broke.")))
        work.work(SYSTEM)
    page = house.page(request_id)
    assert (page.request.state, page.request.failure) == ("failed", "The template broke.")
    assert page.request.answers["colour"] == "green"
    decide(house, requests.retry, request_id, house.ada)
    work.work(SYSTEM)
    assert house.state(request_id) == "delivered"


def test_a_piece_of_work_that_a_crash_cut_short_is_taken_up_again_and_not_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = house.send()
    house.approve(request_id)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(work.rendering, "render", die)
        with pytest.raises(KeyboardInterrupt):
            work.work(SYSTEM)
    assert house.state(request_id) == "approved"
    work.work(SYSTEM)
    assert house.state(request_id) == "approved", "it is left to whoever claimed it for a while"
    change(request_id, next_attempt_at=db.now() - timedelta(seconds=1))
    work.work(SYSTEM)
    assert house.state(request_id) == "delivered"
    other = house.send()
    house.approve(other)
    change(other, attempts=work.ATTEMPTS)
    work.work(SYSTEM)
    assert house.state(other) == "failed"


def test_a_push_brings_one_clean_commit_and_a_second_one_is_refused(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    remote = tmp_path / "remotes" / "churn.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    monkeypatch.setenv("PORTAL_GIT_REMOTES", f"file://{tmp_path}/remotes/")
    forget_settings()
    address = f"file://{remote}"
    request_id = house.delivered({"colour": "green"}, delivery="push", remote=address)
    log = subprocess.run(["git", "-C", str(remote), "log", "--format=%H %an %s", "main"], capture_output=True, text=True, check=True)  # fmt: skip
    assert log.stdout.splitlines() == [
        f"{house.page(request_id).request.commit} AI factory portal Churn: start from Painter 1.0.0"
    ]
    second = house.send({"colour": "red"}, delivery="push", remote=address)
    house.approve(second)
    work.work(SYSTEM)
    page = house.page(second)
    assert page.request.state == "rendered", "what was made is kept"
    assert "not empty" in page.request.failure
    decide(house, requests.deliver_otherwise, second, house.ada, delivery="zip")
    work.work(SYSTEM)
    assert house.state(second) == "delivered"


@pytest.mark.parametrize(
    "address",
    ["https://user:secret@git.example.org/teams/a.git", "https://git.example.org/teams/../other/a.git", "https://elsewhere.org/a.git",
     "ssh://-oProxyCommand=x/a", "https://git.example.org/teams/%2e%2e/a", "file:///etc", "x"],
)  # fmt: skip
def test_only_allowed_addresses_are_pushed_to_and_none_with_credentials(
    house: House, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with pytest.raises(Invalid):
        house.send(delivery="push", remote="https://git.example.org/teams/a.git")  # nothing is allowed by default
    monkeypatch.setenv("PORTAL_GIT_REMOTES", "https://git.example.org/teams/")
    forget_settings()
    with pytest.raises(Invalid):
        house.send(delivery="push", remote=address)


def test_a_remote_that_hangs_is_given_up_and_the_result_stays(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from core.templates import remotes

    with socket.create_server(("127.0.0.1", 0)) as listening:  # accepts and never answers
        prefix = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        monkeypatch.setenv("PORTAL_GIT_REMOTES", prefix)
        monkeypatch.setattr(remotes, "SECONDS", 1.5)
        forget_settings()
        request_id = house.send(delivery="push", remote=f"{prefix}a.git")
        house.approve(request_id)
        work.work(SYSTEM)
    page = house.page(request_id)
    assert (page.request.state, page.request.digest is not None) == ("rendered", True)
    assert "did not answer in time" in page.request.failure


def test_every_state_has_its_way_out_but_the_final_ones() -> None:
    assert {state for state, following in states.NEXT.items() if not following} == {"closed", "rejected", "withdrawn"}
    assert {after for following in states.NEXT.values() for after in following.values()} | {"draft"} == set(states.NEXT)


SLOW = """
import time
from core.access import policy
from core.templates import rendering, work
render = rendering.render
def slow(*arguments, **more):
    print("rendering", flush=True)
    time.sleep(60)
    return render(*arguments, **more)
work.rendering.render = slow
work.work(policy.system("templates"))
"""


def test_a_kill_during_rendering_leaves_a_request_that_the_next_worker_finishes(house: House) -> None:
    import subprocess
    import sys

    request_id = house.send({"colour": "green"})
    house.approve(request_id)
    worker = subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "rendering\n"
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert house.state(request_id) == "approved"
    change(request_id, next_attempt_at=db.now() - timedelta(seconds=1))  # the claim of the killed one has run out
    work.work(SYSTEM)
    assert house.state(request_id) == "delivered"
    assert house.page(request_id).request.answers["colour"] == "green"
