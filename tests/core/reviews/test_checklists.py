"""Versions of checklists: proposed and published by two people, shipped once, never changed, ended with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlmodel import col, select

from core import db
from core.access import policy
from core.access.policy import MATRIX, Actor
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog import loader, sources
from core.catalog.tables import Entry
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import notices
from core.reviews import checklists, shipping
from core.reviews.tables import ChecklistVersion
from tests.conftest import SYSTEM, forget_settings

Make = Callable[..., Actor]
ITEM = {"id": "A-1", "summary": "Told", "question": "Who is told?"}
LOADER = policy.system("loader")


def spec(*items: dict[str, Any], version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {
        "owner": "risk", "version": version, "appliesTo": "model", "quorum": {"reviewer": 1},
        "sections": [{"title": "All", "items": list(items) or [ITEM]}], **more,
    }  # fmt: skip


def document(content: dict[str, Any], name: str = "small") -> dict[str, Any]:
    metadata = {"name": name, "title": name.title(), "description": "Asks.", "tags": ["review"]}
    return {"apiVersion": "factory/v1", "kind": "checklist", "metadata": metadata, "spec": content}


@dataclass
class House:
    """``ada`` writes checklists and ``rita`` and ``vera`` may publish them; ``entry_id`` is one without a version."""

    person: Make
    ada: Actor
    rita: Actor
    vera: Actor
    entry_id: int

    def do(self, verb: Any, actor: Actor, **given: Any) -> Any:
        with db.writing() as session:
            return verb(session, actor=actor, **given)

    def propose(self, actor: Actor | None = None, **given: Any) -> ChecklistVersion:
        made: ChecklistVersion = self.do(checklists.propose, actor or self.ada, **({"entry_id": self.entry_id} | given))
        return made

    def published(self, **given: Any) -> ChecklistVersion:
        made = self.propose(**given)
        found: ChecklistVersion = self.do(checklists.publish, self.rita, version_id=made.id)
        return found

    def newest(self) -> ChecklistVersion:
        with db.reading() as session:
            return checklists.published(session, self.entry_id)

    def told(self, actor: Actor) -> list[str]:
        with db.reading() as session:
            return [one.text for one in notices.unread(session, actor, limit=100)]

    def log(self, event: str) -> list[dict[str, Any]]:
        with db.reading() as session:
            lines = activity.object_history(session, SYSTEM, "checklist:default/small")
        return [one.data for one in lines if one.event == event]


@pytest.fixture
def house(store: str, person: Make) -> House:
    ada = person("data scientist", team="risk", name="Ada")
    rita, vera = person("reviewer", name="Rita"), person("model validator", name="Vera")
    with db.writing() as session:
        entry_id = catalog.register(session, document=document(spec()))
    return House(person, ada, rita, vera, entry_id)


# --- two people ------------------------------------------------------------------------------------------------------


def test_a_version_is_proposed_by_one_person_and_published_by_another(house: House) -> None:
    with pytest.raises(NotFound, match="No published checklist"):
        house.newest()
    made = house.propose(reason="First one.")
    assert (made.state, made.version, made.authored_by) == ("proposed", "1.0.0", house.ada.ref)
    with pytest.raises(NotFound):
        house.newest()
    assert any("proposes version 1.0.0" in one for one in house.told(house.rita))
    house.do(checklists.publish, house.rita, version_id=made.id)
    assert (house.newest().id, house.newest().published_by) == (made.id, house.rita.ref)
    assert any("is published" in one for one in house.told(house.ada))
    [told] = house.log("checklist-published")
    assert (told["version"], told["content_hash"], told["authored_by"]) == ("1.0.0", made.content_hash, house.ada.ref)


def test_nobody_publishes_what_they_wrote_and_the_portal_publishes_nothing_that_a_person_wrote(house: House) -> None:
    made = house.propose(house.rita)
    for actor in (house.rita, SYSTEM):
        with pytest.raises(NotAllowed):
            house.do(checklists.publish, actor, version_id=made.id)
    house.do(checklists.publish, house.vera, version_id=made.id)


def test_roles_without_the_permission_are_refused(house: House) -> None:
    made = house.propose()
    for role in ("manager", "auditor", "administrator", "data engineer"):
        assert role not in MATRIX["checklist.author"] | MATRIX["checklist.publish"]
        actor = house.person(role)
        with pytest.raises(NotAllowed):
            house.propose(actor, version="2.0.0")
        with pytest.raises(NotAllowed):
            house.do(checklists.publish, actor, version_id=made.id)
    with pytest.raises(NotAllowed):
        house.do(checklists.publish, house.ada, version_id=made.id)


def test_a_checklist_that_a_person_may_not_see_does_not_exist_for_them(house: House) -> None:
    with db.writing() as session:
        hidden = catalog.register(session, document=document(spec(classification="restricted"), "hidden"))
    made = house.propose(entry_id=hidden)
    stranger = house.person("model validator")
    with pytest.raises(NotFound):
        house.propose(stranger, entry_id=hidden, version="2.0.0")
    with pytest.raises(NotFound):
        house.do(checklists.publish, stranger, version_id=made.id)


def test_a_version_that_is_not_there_is_not_found(house: House) -> None:
    for version_id in (0, -1, 999_999, 2**40):
        with pytest.raises(NotFound):
            house.do(checklists.publish, house.rita, version_id=version_id)


# --- what a version holds --------------------------------------------------------------------------------------------


def test_a_version_never_changes_and_the_newest_published_one_counts(house: House) -> None:
    first = house.published()
    with pytest.raises(Conflict, match="there already"):
        house.propose(content=spec(ITEM | {"question": "Who else?"}))
    second = house.published(version="1.1.0", content=spec(ITEM | {"question": "Who else?"}))
    assert house.newest().id == second.id
    assert second.content["version"] == "1.1.0"
    assert second.content_hash != first.content_hash
    with db.reading() as session:
        kept = session.get_one(ChecklistVersion, first.id)
    assert kept.content_hash == checklists.content_hash(kept.content)


MALFORMED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"type": "choice"}, "options"),
    ({"options": ["a", "b"]}, "options"),
    ({"type": "choice", "options": ["a", "a"]}, "twice"),
    ({"type": "metric"}, "check"),
    ({"type": "essay"}, "sections"),
    ({"unit": "days"}, "unit"),
    ({"appliesWhen": {"mood": ["good"]}}, "appliesWhen"),
    ({"appliesWhen": "for customers only"}, "appliesWhen"),
    ({"appliesWhen": {"tier": ["prohibited"]}}, "tier"),
    ({"mappings": ["Article 5"]}, "mappings"),
    ({"blockingFor": ["always"]}, "blockingFor"),
    ({"evidence": {"check": "ece", "parameters": {"limit": {"low": 1}}}}, "parameters"),
    ({"id": "one"}, "id"),
)
UNUSABLE: tuple[dict[str, Any], ...] = (
    {"quorum": {"manager": 1}}, {"quorum": {"reviewer": 9}}, {"environments": ["moon"]}, {"sections": []},
    {"sections": [{"title": "All", "items": [ITEM, ITEM]}]},
)  # fmt: skip


def test_what_is_malformed_is_refused_with_its_place(house: House) -> None:
    for item, why in MALFORMED:
        with pytest.raises(Invalid) as refused:
            house.propose(content=spec(ITEM | item))
        assert why in str(refused.value), item
    for more in UNUSABLE:
        with pytest.raises(Invalid):
            house.propose(content=spec(**more))
    for version in (" ", "1\n0", "9" * 41):
        with pytest.raises(Invalid):
            house.propose(version=version)
    assert versions() == []


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_version_is_rejected_deprecated_or_withdrawn_with_a_reason(house: House) -> None:
    made = house.propose()
    with pytest.raises(Invalid, match="reason"):
        house.do(checklists.end, house.rita, version_id=made.id, how="reject", reason=" ")
    house.do(checklists.end, house.rita, version_id=made.id, how="reject", reason="Asks twice.")
    with pytest.raises(Conflict, match="rejected"):
        house.do(checklists.publish, house.rita, version_id=made.id)
    first = house.published(version="1.1.0")
    second = house.published(version="1.2.0")
    house.do(checklists.end, house.rita, version_id=second.id, how="withdraw", reason="A limit is wrong.")
    assert house.newest().id == first.id
    house.do(checklists.end, house.rita, version_id=first.id, how="deprecate", reason="Old.")
    with pytest.raises(NotFound):
        house.newest()
    assert [one["state"] for one in house.log("checklist-ended")][::-1] == ["rejected", "withdrawn", "deprecated"]


def test_what_is_withdrawn_ends_no_other_way(house: House) -> None:
    made = house.published()
    house.do(checklists.end, house.rita, version_id=made.id, how="withdraw", reason="Wrong.")
    for how in ("deprecate", "reject", "withdraw"):
        with pytest.raises(Conflict):
            house.do(checklists.end, house.rita, version_id=made.id, how=how, reason="Again.")


# --- what ships ------------------------------------------------------------------------------------------------------


def shipped_folder(folder: Path, content: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder / "catalog" / "checklists" / "small"
    place.mkdir(parents=True, exist_ok=True)
    (place / "entry.yaml").write_text(yaml.safe_dump(document(content)), "utf-8")
    (folder / "catalog" / "teams.yaml").write_text("- id: risk\n  name: Risk\n", "utf-8")
    monkeypatch.setenv("PORTAL_CATALOG", str(folder / "catalog"))
    forget_settings()


def versions() -> list[ChecklistVersion]:
    with db.reading() as session:
        return list(session.exec(select(ChecklistVersion).order_by(col(ChecklistVersion.id))))


def test_a_load_publishes_what_ships_once_and_refuses_other_content_under_the_same_version(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped_folder(tmp_path, spec(), monkeypatch)
    for _ in range(2):
        assert not [one for one in shipping.load(LOADER).changes if one.problems]
    [made] = versions()
    assert (made.state, made.version, made.authored_by) == ("published", "1.0.0", LOADER.ref)
    shipped_folder(tmp_path, spec(ITEM | {"question": "Who else?"}), monkeypatch)
    [refused] = [one for one in shipping.load(LOADER).changes if one.action == "refused"]
    assert (refused.key, refused.problems) == (
        "checklist:default/small", ["its content changed, its version 1.0.0 did not"],
    )  # fmt: skip
    assert [one.content_hash for one in versions()] == [made.content_hash]
    shipped_folder(tmp_path, spec(ITEM | {"question": "Who else?"}, version="1.1.0"), monkeypatch)
    assert not [one for one in shipping.load(LOADER).changes if one.problems]
    assert [one.version for one in versions()] == ["1.0.0", "1.1.0"]


def test_a_draft_in_the_folder_is_not_published(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped_folder(tmp_path, spec(lifecycle="proposed"), monkeypatch)
    shipping.load(LOADER)
    assert versions() == []


def test_what_was_edited_in_the_portal_is_not_published_by_a_load(
    store: str, person: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped_folder(tmp_path, spec(), monkeypatch)
    shipping.load(LOADER)
    ada, rita = person("data scientist", team="risk"), person("reviewer")
    with db.writing() as session:
        entry = session.exec(select(Entry).where(Entry.key == "checklist:default/small")).one()
        edited = document(spec(ITEM | {"question": "Who else?"}, version="1.1.0"))
        proposal = catalog.propose(session, actor=ada, document=edited, base_revision=entry.revision)
        catalog.approve(session, actor=rita, proposal_id=proposal.id or 0)
    assert not [one for one in shipping.load(LOADER).changes if one.problems]
    assert [one.version for one in versions()] == ["1.0.0"]
    with db.reading() as session, pytest.raises(NotAllowed, match="edited in the portal"):
        checklists.release(session, actor=SYSTEM, checklist="small")


def test_the_operator_releases_what_was_imported_and_nobody_else_does(house: House) -> None:
    text = yaml.safe_dump(document(spec(), "imported"))
    files = [sources.single(text, "entry.yaml")]
    loader.run(SYSTEM, source="import:elsewhere", files=files, whole=False)
    with pytest.raises(NotAllowed):
        house.do(checklists.release, house.rita, checklist="imported")
    made = house.do(checklists.release, SYSTEM, checklist="imported")
    assert (made.state, made.reason) == ("published", checklists.IMPORTED)
    assert house.do(checklists.release, SYSTEM, checklist="checklist:default/imported").id == made.id
    with pytest.raises(NotAllowed, match="written in the portal"):
        house.do(checklists.release, SYSTEM, checklist="small")
    with pytest.raises(NotFound):
        house.do(checklists.release, SYSTEM, checklist="nothing")
