"""The teams beside the catalog: those that are well described come in, the others are reported with the way out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import db
from core.access import queries as access
from core.catalog import loader, queries, teams
from core.catalog.loader import Report
from tests.conftest import SYSTEM, forget_settings
from tests.core.catalog.test_loader import LOADER, events, refusals, write

GOOD = "- id: risk\n  name: Risk\n  description: Knows what may go wrong.\n"


@pytest.fixture
def folder(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalog folder of this test's portal, with one entry."""
    made = tmp_path / "definitions"
    write(made)
    monkeypatch.setenv("PORTAL_CATALOG", str(made))
    forget_settings()
    return made


def loaded(folder: Path, text: str | bytes) -> Report:
    (folder / "teams.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return loader.load(LOADER)


def known() -> dict[str, str]:
    with db.reading() as session:
        return {one.id: one.name for one in access.teams(session)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- id: x\n", "teams.yaml, document 1, item 1.name: is missing. Add it."),
        ("[3]", "teams.yaml, document 1, item 1: is not a mapping. Write '- id: …'"),
        ("- name: X\n", "item 1.id: is missing."),
        ("- {id: x, name: X, titel: y}\n", "item 1.titel: is not a field here. Possible: id, name, description."),
        ("- {id: 7, name: X}\n", "item 1.id: is 7, not text. Put it in quotes."),
        ("- {id: X Team, name: X}\n", "item 1.id: an id is lower-case letters"),
        ('- {id: x, name: " "}\n', "item 1.name: a name is 1 to 200 characters"),
        ('- {id: x, name: "a\\nb"}\n', "item 1.name: a name is 1 to 200 characters on one line"),
        ("- {id: x, name: X, description: }\n", "item 1.description: is None, not text."),
    ],
)
def test_a_team_that_is_not_well_described_is_reported_and_the_others_come_in(
    folder: Path, text: str, problem: str
) -> None:
    report = loaded(folder, text + ("\n" + GOOD if text.startswith("- ") else ""))
    assert len(refusals(report)) == (1 if text.startswith("- ") else 2), "without its team, the entry is refused too"
    assert problem in refusals(report)[0]
    assert known() == ({"risk": "Risk"} if text.startswith("- ") else {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "teams.yaml, document 1: is not valid YAML"),
        ("risk: Risk", "document 1: is not a list. Write '- id: …'"),
        ("- {id: a, name: A}\n---\n- {id: b, name: B}\n", "document 2: is a second document."),
        ("# nobody yet\n", "holds no YAML document"),
        ("- &a {id: a, name: A}\n- *a\n", "uses a YAML alias"),
        (b"- {id: a, name: \xe9}\n", "cannot be read: it is not UTF-8"),
        ("apiVersion: factory/v1\nkind: asset\n", "is not a list."),
    ],
)
def test_a_file_that_is_no_list_of_teams_is_reported_and_the_catalog_loads(
    folder: Path, text: str | bytes, problem: str
) -> None:
    write(folder, owner="other")
    assert refusals(loaded(folder, GOOD.replace("risk", "other"))) == []
    report = loaded(folder, text)
    assert len(refusals(report)) == 1
    assert problem in refusals(report)[0]
    assert report.count("unchanged") == 1


def test_a_team_that_stands_twice_is_reported_once(folder: Path) -> None:
    report = loaded(folder, GOOD + GOOD.replace("Risk", "Riskier"))
    assert refusals(report) == ["teams.yaml, document 1, item 2.id: 'risk' stands above already. Remove one of them."]
    assert known() == {"risk": "Risk"}


def test_a_problem_stays_listed_until_it_is_mended(folder: Path) -> None:
    def listed() -> list[str]:
        with db.reading() as session:
            return [path for _, path, _ in queries.problems(session, SYSTEM)]

    loaded(folder, GOOD + "- id: x\n")
    assert len(refusals(loader.load(LOADER))) == 1
    assert listed() == [teams.FILE]
    before = events()
    assert refusals(loaded(folder, GOOD)) == []
    assert listed() == []
    assert events() == before


def test_teams_that_exist_stay_as_they_are(folder: Path) -> None:
    loaded(folder, GOOD)
    before = events()
    loaded(folder, GOOD.replace("name: Risk", "name: Another"))
    assert (known(), events()) == ({"risk": "Risk"}, before)


def test_without_a_file_there_is_nothing_to_report(folder: Path) -> None:
    (folder / "assets" / "psi" / "entry.yaml").unlink()
    assert loader.load(LOADER).changes == []


def test_loads_at_once_bring_a_team_once(folder: Path) -> None:
    (folder / "teams.yaml").write_text(GOOD)
    together = threading.Barrier(4)

    def load_at_once(_: int) -> list[str]:
        together.wait()
        return refusals(loader.load(LOADER))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(load_at_once, range(4))) == [[]] * 4
    assert events().count("team-added") == 1
