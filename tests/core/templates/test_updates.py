"""Updates: the drift board sees the newer version, a locally edited project merges, and a conflict is named."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.projects import queries as project_queries
from core.templates import queries, repository, sending, updates, updating, work
from core.templates.queries import DriftRow
from core.templates.snapshot import File, Snapshot
from core.templates.tables import TemplateUpdate
from tests.conftest import SYSTEM, forget_settings
from tests.core.templates.house import CODE, House, start, template

NEWER = template(code=CODE.replace("return 1", "return 2"), **{"project/NOTICE.md": "Mind the paint.\n"})


def edited(files: Snapshot, **more: str) -> Snapshot:
    return Snapshot(dict(files.files) | {path: File(text.encode()) for path, text in more.items()})


def board(house: House, actor: Any = None, **more: Any) -> list[DriftRow]:
    with db.reading() as session:
        return queries.drift(session, actor or house.mel, **more)[0]


def prepare(house: House, project: Snapshot | str, version_id: int, **answers: Any) -> TemplateUpdate:
    [row] = board(house, behind_only=False)
    with db.reading() as session:
        stand, _ = queries.stand(session, house.ada, row.stand_id)
    complete = sending.complete(version_id, dict(stand.answers) | answers)
    given: dict[str, Any] = (
        {"address": project} if isinstance(project, str) else {"upload": ("churn.zip", project.to_zip())}
    )
    with db.writing() as session:
        made = updates.ask(
            session, actor=house.ada, stand_id=row.stand_id, version_id=version_id, answers=complete, **given
        )
        update_id = made.id or 0
    work.work(SYSTEM)
    with db.reading() as session:
        return session.get_one(TemplateUpdate, update_id)


def result(house: House, update: TemplateUpdate) -> dict[str, bytes]:
    with db.reading() as session:
        content = queries.update_result(session, house.ada, update.id or 0)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_drift_board_shows_who_is_behind_by_how_much_security_first(house: House) -> None:
    house.delivered()
    assert board(house) == []
    assert [one.behind for one in board(house, behind_only=False)] == [0]
    house.publish(NEWER, "1.1.0")
    start("other")
    house.delivered(project="other")
    house.publish(template(), "1.2.0", security=True)
    rows = board(house)
    assert [(one.project_id, one.version, one.newest, one.behind, one.security) for one in rows] == [
        ("churn", "1.0.0", "1.2.0", 2, True), ("other", "1.0.0", "1.2.0", 2, True),
    ]  # fmt: skip


def test_a_locally_edited_project_keeps_its_edits_and_gets_the_update(house: House) -> None:
    request_id = house.delivered({"colour": "green"})
    newer = house.publish(NEWER, "1.1.0")
    project = edited(
        house.result(request_id), **{"README.md": "# churn\n\nIt is green, shade 3.\n\nAsk Ada.\n", "own.py": "x = 1\n"}
    )
    update = prepare(house, project, newer)
    assert (update.state, update.conflicts) == ("prepared", []), update.failure
    assert {"NOTICE.md", "src/paint.py", "FACTORY.yaml"} <= set(update.changed)
    made = result(house, update)
    assert made["files/README.md"].endswith(b"Ask Ada.\n")
    assert b"return 2" in made["files/src/paint.py"]
    assert made["files/own.py"] == b"x = 1\n"
    assert b"1.1.0" in made["files/FACTORY.yaml"]


def test_the_patch_applies_to_the_project(house: House, tmp_path: Path) -> None:
    request_id = house.delivered()
    project = edited(house.result(request_id), **{"own.py": "x = 1\n"})
    made = result(house, prepare(house, project, house.publish(NEWER, "1.1.0")))
    repository.make(project, tmp_path / "project", subject="Mine", at=0)
    (tmp_path / "update.patch").write_bytes(made[updating.PATCH])
    subprocess.run(["git", "apply", "--3way", "../update.patch"], cwd=tmp_path / "project", check=True)
    assert (tmp_path / "project" / "NOTICE.md").read_text() == "Mind the paint.\n"


def test_a_conflict_is_named_file_by_file(house: House) -> None:
    request_id = house.delivered()
    project = edited(
        house.result(request_id), **{"src/paint.py": "def colour():\n    return 'red'\n\n\ndef size():\n    return 9\n"}
    )
    update = prepare(house, project, house.publish(NEWER, "1.1.0"))
    assert (update.state, update.conflicts) == ("prepared", ["src/paint.py"])
    assert b"<<<<<<<" in result(house, update)["files/src/paint.py"]


def test_a_project_in_git_gets_a_branch_on_top_of_what_it_has(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_GIT_REMOTES", f"file://{tmp_path}/")
    forget_settings()
    request_id = house.delivered()
    project = edited(house.result(request_id), **{"own.py": "x = 1\n"})
    head = repository.make(project, tmp_path / "churn", subject="Mine", at=0)
    update = prepare(house, f"file://{tmp_path}/churn", house.publish(NEWER, "1.1.0"))
    (tmp_path / "update.bundle").write_bytes(result(house, update)[updating.BUNDLE])
    name = f"template-update-{update.id}"
    subprocess.run(
        ["git", "fetch", "--quiet", "../update.bundle", f"{name}:{name}"], cwd=tmp_path / "churn", check=True
    )
    shown = subprocess.run(["git", "log", "--format=%P", "-1", name], cwd=tmp_path / "churn", capture_output=True, text=True, check=True)  # fmt: skip
    assert shown.stdout.strip() == head


def test_a_new_question_without_a_default_is_asked_first(house: House) -> None:
    request_id = house.delivered()
    questions = "_subdirectory: project\nproject_id: {type: str, default: churn}\ncolour: {type: str, default: red}\nowner: {type: str, help: Who}\n"
    newer = house.publish(template(readme="# {{ project_id }} of {{ owner }}\n", questions=questions, code="x = '{{ colour }}'\n"), "2.0.0")  # fmt: skip
    with pytest.raises(Invalid, match="owner"):
        prepare(house, house.result(request_id), newer)
    update = prepare(house, house.result(request_id), newer, owner="Ada")
    assert result(house, update)["files/README.md"] == b"# churn of Ada\n"


def test_once_applied_the_project_stands_on_the_newer_version(house: House) -> None:
    request_id = house.delivered()
    newer = house.publish(NEWER, "1.1.0")
    update = prepare(house, house.result(request_id), newer)
    outsider = house.person("auditor")
    with db.writing() as session, pytest.raises(NotAllowed):
        updates.applied(session, actor=outsider, update_id=update.id or 0)
    with db.writing() as session:
        updates.applied(session, actor=house.ada, update_id=update.id or 0)
        with pytest.raises(Conflict):
            updates.applied(session, actor=house.ada, update_id=update.id or 0)
    assert board(house) == []
    with db.reading() as session:
        [used] = project_queries.project(session, house.ada, "churn").adoptions
    assert used.version == "1.1.0"


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_an_archive_that_cannot_be_read_is_refused_where_it_is_given(house: House, content: bytes) -> None:
    house.delivered()
    newer = house.publish(NEWER, "1.1.0")
    [row] = board(house)
    with db.writing() as session, pytest.raises(PortalError):
        updates.ask(
            session, actor=house.ada, stand_id=row.stand_id, version_id=newer, answers={}, upload=("x.zip", content)
        )


def test_a_confidential_projects_repository_is_on_no_board_of_outsiders(house: House) -> None:
    start("secret", classification="confidential")
    request_id = house.send(project="secret")
    house.approve(request_id, house.person("manager"))
    work.work(SYSTEM)
    outsider = house.person("data scientist", team="platform")
    [row] = board(house, SYSTEM, behind_only=False)
    assert board(house, outsider, behind_only=False) == []
    with db.reading() as session, pytest.raises(NotFound):
        queries.stand(session, outsider, row.stand_id)
