"""CI says where a version came from; whoever committed to it is known by every name they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.activity import queries as activity
from core.errors import Invalid, NotAllowed
from core.evidence import ci
from core.evidence.tables import CiFact, EvidenceSnapshot

Make = Callable[..., Actor]
TOKEN = Actor("token", "7", "pipeline", scopes=frozenset({"metrics:write"}))
SAID: dict[str, Any] = {
    "model": "retail churn", "version": "3", "repository": "https://git.example/churn", "commit": "4F2D9C1b",
    "workflow": "train.yml", "committers": ["Ada <ada@example.org>", "bob"],
}  # fmt: skip


def tell(actor: Actor = TOKEN, **changes: Any) -> CiFact:
    with db.writing() as session:
        return ci.tell(session, actor=actor, **SAID | changes)


def behind(*people: str, version: str = "3") -> frozenset[str]:
    snapshot = EvidenceSnapshot(
        model="retail churn",
        version=version,
        subject_digest="",
        digest="",
        taken_by="x",
        content={"people": list(people)},
    )
    with db.reading() as session:
        return ci.people_behind(session, snapshot)


def test_what_was_told_is_kept_once(store: str) -> None:
    first = tell()
    assert (first.commit, first.committers, first.told_by) == ("4f2d9c1b", ["Ada <ada@example.org>", "bob"], "token:7")
    assert tell(committers=["bob", "Ada <ada@example.org>", "bob"]).id == first.id
    assert tell(committers=["cleo"]).id != first.id
    with db.reading() as session:
        events = [one for one in activity.since(session, 0) if one.event == "ci-fact-told"]
        assert len(session.exec(select(CiFact)).all()) == 2
    assert len(events) == 2
    assert "ada" not in str(events[0].data).lower()  # the log holds no names


def test_everybody_who_had_a_hand_in_a_version_is_known_by_every_spelling(store: str) -> None:
    tell()
    tell(commit="0" * 40, committers=["Dan Example <123+dan@users.noreply.github.com>"])
    tell(version="4", committers=["of another version"])
    assert behind("root", "eve@example.org", "") == {
        "root", "eve@example.org", "Ada <ada@example.org>", "Ada", "ada@example.org", "bob", "dan", "Dan Example",
        "Dan Example <123+dan@users.noreply.github.com>", "123+dan@users.noreply.github.com",
    }  # fmt: skip


def test_without_facts_there_are_the_people_that_mlflow_names(store: str) -> None:
    assert behind("root", version="9") == {"root"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", ""), ("model", "x" * 257), ("model", "a\nb"), ("version", "latest"), ("version", "-1"), ("version", ""),
        ("repository", " "), ("repository", "x" * 301), ("commit", "main"), ("commit", "abc"), ("commit", "g" * 40),
        ("commit", "a" * 65), ("workflow", ""), ("workflow", "a\x00b"), ("committers", [""]), ("committers", ["x" * 201]),
        ("committers", ["a\nb"]), ("committers", [f"person {number}" for number in range(201)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_cannot_be_meant_is_refused(store: str, field: str, value: Any) -> None:
    with pytest.raises(Invalid):
        tell(**{field: value})


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_it_takes_the_scope_or_a_role_that_answers(store: str, person: Make) -> None:
    tell(person("data scientist", team="risk"))
    for actor in (Actor("token", "8", "reader", scopes=frozenset({"catalog:read"})), person("reviewer")):
        with pytest.raises(NotAllowed):
            tell(actor)
