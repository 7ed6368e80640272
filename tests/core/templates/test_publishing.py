"""Publishing: a second person publishes what was reviewed, exactly that, and nothing with an error in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core import db
from core.access import policy
from core.access.policy import MATRIX, ROLES
from core.activity import queries as activity
from core.catalog.tables import Entry
from core.errors import Conflict, Invalid, NotAllowed, PortalError
from core.templates import publishing, queries, remotes, repository, sending, shipping, work
from core.templates.tables import TemplateBlob, TemplateVersion
from tests.conftest import SYSTEM, forget_settings
from tests.core.templates.house import House, template


def propose(house: House, version: str = "2.0.0", **more: object) -> int:
    reading = publishing.read(template(readme="# {{ project_id }}\n"))
    with db.writing() as session:
        return publishing.propose(session, actor=house.mel, entry_id=house.entry_id, version=version, reading=reading, source="x.zip", **more).id or 0  # type: ignore[arg-type]  # fmt: skip


def row(version_id: int) -> TemplateVersion:
    with db.reading() as session:
        return session.get_one(TemplateVersion, version_id)


def test_a_version_is_published_by_somebody_else_and_becomes_the_entrys(house: House) -> None:
    version_id = propose(house, notes="Shorter.", security=True)
    with db.writing() as session, pytest.raises(NotAllowed, match="their own"):
        publishing.publish(session, actor=house.mel, version_id=version_id)
    with db.writing() as session:
        publishing.publish(session, actor=house.max, version_id=version_id)
    made = row(version_id)
    assert (made.state, made.decided_by, made.form, made.security) == ("published", house.max.ref, "copier", True)
    with db.reading() as session:
        entry = session.get_one(Entry, house.entry_id)
        [line] = [one for one in activity.object_history(session, SYSTEM, entry.key) if one.event == "template-published" and one.data["version"] == "2.0.0"]  # fmt: skip
    assert (entry.version, entry.lifecycle) == ("2.0.0", "approved")
    assert line.data["content_hash"] == made.content_hash


@pytest.mark.parametrize("role", ROLES)
def test_who_publishes_follows_the_matrix(house: House, role: str) -> None:
    version_id = propose(house)
    somebody = house.person(role, team="platform")
    with db.writing() as session:
        if role in MATRIX["entry.publish"]:
            publishing.publish(session, actor=somebody, version_id=version_id)
            return
        with pytest.raises(NotAllowed):
            publishing.publish(session, actor=somebody, version_id=version_id)
        with pytest.raises(NotAllowed):
            publishing.reject(session, actor=somebody, version_id=version_id, reason="No.")


def test_what_the_lint_finds_wrong_is_not_published_and_says_where(house: House) -> None:
    bad = template(readme="{{ '$HOME' | expandvars }}\n")
    reading = publishing.read(bad)
    assert reading.errors
    with db.writing() as session:
        made = publishing.propose(session, actor=house.mel, entry_id=house.entry_id, version="6.6.6", reading=reading, source="bad.zip")  # fmt: skip
        with pytest.raises(Conflict, match=r"README\.md\.jinja, line 1"):
            publishing.publish(session, actor=house.max, version_id=made.id or 0)


def test_files_that_changed_after_the_review_are_neither_published_nor_rendered(house: House) -> None:
    version_id = propose(house)
    other = template(readme="# Another\n").to_zip()
    for one in (version_id, house.version_id):
        with db.writing() as session:
            digest = session.get_one(TemplateVersion, one).digest
            session.execute(update(TemplateBlob).where(col(TemplateBlob.digest) == digest).values(content=other))
    with db.writing() as session, pytest.raises(Conflict, match="not those that were reviewed"):
        publishing.publish(session, actor=house.max, version_id=version_id)
    with pytest.raises(Conflict, match="not those that were reviewed"):
        sending.preview(house.version_id, {})


def test_a_version_is_proposed_once_and_its_number_is_text(house: House) -> None:
    propose(house)
    with pytest.raises(Conflict, match="already"):
        propose(house)
    for wrong in ("", "1 0", "../1", "v" * 50):
        with pytest.raises(Invalid):
            propose(house, wrong)


def test_a_proposer_takes_a_version_back_and_a_reviewer_turns_it_down_with_a_reason(house: House) -> None:
    first, second = propose(house, "2.0.0"), propose(house, "3.0.0")
    with db.writing() as session:
        publishing.reject(session, actor=house.mel, version_id=first, reason="")
        with pytest.raises(Invalid, match="Say what"):
            publishing.reject(session, actor=house.max, version_id=second, reason=" ")
        publishing.reject(session, actor=house.max, version_id=second, reason="No tests.")
        with pytest.raises(Conflict):
            publishing.publish(session, actor=house.max, version_id=second)
    assert (row(first).state, row(second).state, row(second).reason) == ("withdrawn", "rejected", "No tests.")


def test_a_new_template_begins_with_its_first_version(house: House) -> None:
    document = {
        "apiVersion": "factory/v1", "kind": "template",
        "metadata": {"name": "sculptor", "title": "Sculptor", "description": "Carves."}, "spec": {"owner": "platform"},
    }  # fmt: skip
    with db.writing() as session:
        entry_id = publishing.begin(session, actor=house.mel, document=document)
        made = publishing.propose(session, actor=house.mel, entry_id=entry_id, version="1.0.0", reading=publishing.read(template()), source="s.zip")  # fmt: skip
        assert session.get_one(Entry, entry_id).lifecycle == "proposed"
        publishing.publish(session, actor=house.max, version_id=made.id or 0)
        assert session.get_one(Entry, entry_id).lifecycle == "approved"
        with pytest.raises(Conflict, match="exists already"):
            publishing.begin(session, actor=house.mel, document=document)
    with db.reading() as session:
        assert "Sculptor" in [one.title for one in queries.templates(session, house.ada) if one.version_id]


def test_a_template_is_read_from_a_git_repository_by_the_job_and_pinned_to_its_commit(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.make(template(), tmp_path / "repo", subject="Start", at=1_700_000_000)
    monkeypatch.setenv("PORTAL_GIT_REMOTES", f"file://{tmp_path}/")
    forget_settings()
    with db.writing() as session:
        made = publishing.ask_to_read(session, actor=house.mel, entry_id=house.entry_id, version="5.0.0", location=f"file://{tmp_path}/repo")  # fmt: skip
        missing = publishing.ask_to_read(session, actor=house.mel, entry_id=house.entry_id, version="5.0.1", location=f"file://{tmp_path}/none")  # fmt: skip
        version_id, missing_id = made.id or 0, missing.id or 0
    work.work(SYSTEM)
    assert (row(version_id).state, row(version_id).commit, row(version_id).form) == ("proposed", commit, "copier")
    assert row(version_id).content_hash == template().digest
    assert row(missing_id).state == "unreadable"
    assert "cannot be reached" in row(missing_id).failure


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://x/y",
        "https://user:secret@github.com/a/b",
        "https://localhost/a",
        "file:///etc/passwd",
        "-oProxyCommand=x",
    ],
)
def test_no_other_address_is_read(house: House, address: str) -> None:
    with pytest.raises(PortalError):
        remotes.fetch(address)


def test_the_catalogs_own_templates_are_published_once_and_a_changed_one_is_refused(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalog" / "templates" / "painter"
    repository.write(template(), folder / "template")
    (folder / "entry.yaml").write_text(
        "apiVersion: factory/v1\nkind: template\nmetadata:\n  name: painter\n  title: Painter\n  description: Paints.\n"
        'spec:\n  owner: platform\n  version: "1.0.0"\n'
    )
    (tmp_path / "catalog" / "teams.yaml").write_text("- id: platform\n  name: Platform\n")
    monkeypatch.setenv("PORTAL_CATALOG", str(tmp_path / "catalog"))
    forget_settings()
    for _ in range(2):
        report = shipping.load(policy.system("loader"))
        assert not [one for one in report.changes if one.problems]
    with db.reading() as session:
        [made] = session.exec(select(TemplateVersion))
    assert (made.version, made.state, made.source) == ("1.0.0", "published", "catalog/templates/painter")
    (folder / "template" / "project" / "README.md.jinja").write_text("# Changed\n")
    report = shipping.load(policy.system("loader"))
    [problem] = [text for one in report.changes for text in one.problems]
    assert "A version never changes" in problem
