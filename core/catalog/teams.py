"""``teams.yaml`` beside the definitions: the teams that own them, added where they do not exist yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from core import db
from core.access import queries
from core.access.policy import Actor
from core.catalog import documents
from core.catalog.documents import Problem
from core.catalog.kinds import CONTROL, NAMESPACE, Strict, Text
from core.people import actions as people

FILE = "teams.yaml"
_TEAMS_LOCK = 720_318
_SHAPE = "Write '- id: …' with a 'name: …' below it for every team."


def _slug(value: str) -> str:
    if not NAMESPACE.fullmatch(value):
        raise ValueError("an id is lower-case letters and digits, joined by single '-'")
    return value


def _on_one_line(value: str) -> str:
    if not value.strip() or CONTROL.search(value) or set(value) & {"\t", "\n", "\r"}:
        raise ValueError("a name is 1 to 200 characters on one line")
    return value


class TeamDefinition(Strict):
    """A team as the file names it."""

    id: Annotated[str, Field(max_length=63), AfterValidator(_slug)]
    name: Annotated[str, Field(max_length=200), AfterValidator(_on_one_line)]
    description: Annotated[Text, Field(max_length=1000)] = ""


def read(folder: Path) -> tuple[list[TeamDefinition], list[Problem]]:
    """The teams that the file in ``folder`` names, and what is wrong with the others; no teams without a file."""
    path = folder / FILE
    if not path.is_file():
        return [], []
    try:
        parsed, problems = documents.parse(path.read_text("utf-8"), FILE)
    except (OSError, UnicodeDecodeError) as error:
        return [], [documents.unreadable(FILE, error)]
    if problems:
        return [], problems
    if len(parsed) > 1:
        return [], [Problem(FILE, 2, "", "is a second document.", "All teams stand in one list.")]
    if not isinstance(parsed[0], list):
        return [], [Problem(FILE, 1, "", "is not a list.", _SHAPE)]
    return _valid(parsed[0])


def _valid(listed: list[Any]) -> tuple[list[TeamDefinition], list[Problem]]:
    found: dict[str, TeamDefinition] = {}
    problems: list[Problem] = []
    for number, raw in enumerate(listed, 1):
        item = f"item {number}"
        if not isinstance(raw, dict):
            problems.append(Problem(FILE, 1, item, "is not a mapping.", _SHAPE))
            continue
        try:
            team = TeamDefinition.model_validate(raw)
        except ValidationError as error:
            problems += documents.problems_of(error, TeamDefinition, FILE, 1, prefix=(item,))
            continue
        if found.setdefault(team.id, team) is not team:
            problems.append(Problem(FILE, 1, f"{item}.id", f"{team.id!r} stands above already.", "Remove one of them."))
    return list(found.values()), problems


def add_missing(actor: Actor, listed: list[TeamDefinition]) -> None:
    """Add those of these teams that do not exist yet; the others stay as they are here."""
    with db.writing() as session:
        db.take_turns(session, _TEAMS_LOCK)  # of two loads at once, the second finds the first one's teams
        there = queries.team_units(session)
        for one in [one for one in listed if one.id not in there]:
            people.add_team(session, actor=actor, team_id=one.id, name=one.name, description=one.description)
