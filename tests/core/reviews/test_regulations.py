"""Laws and standards as data: what applies on a day, and which mappings of a checklist do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from core import db
from core.access.policy import Actor
from core.catalog import actions as catalog
from core.catalog.kinds import Requirement
from core.reviews.regulations import Regulation, not_in_force, regulations

LAW = [
    {"id": "Art-1", "title": "Now", "summary": "Applies.", "validFrom": "2026-01-01", "validTo": "2026-12-31"},
    {
        "id": "Art-2(b)", "title": "Gone", "summary": "Applied.", "validTo": "2026-04-16",
        "supersededBy": ["law/Art-1"],
    },
    {"id": "Art-3", "title": "Always", "summary": "Applies."},
]  # fmt: skip


def checklist(*mappings: str) -> dict[str, Any]:
    return {"sections": [{"title": "All", "items": [{"id": "A-1", "mappings": list(mappings)}, {"id": "A-2"}]}]}


def known() -> dict[str, Regulation]:
    return {f"law/{row['id']}": Regulation("law", "The law", Requirement.model_validate(row)) for row in LAW}


@pytest.mark.parametrize(
    ("mapping", "on", "standing"),
    [
        ("law/Art-1", date(2025, 12, 31), "not yet in force"),
        ("law/Art-1", date(2026, 1, 1), ""),
        ("law/Art-1", date(2026, 12, 31), ""),
        ("law/Art-1", date(2027, 1, 1), "no longer in force"),
        ("law/Art-2(b)", date(2026, 4, 16), ""),
        ("law/Art-2(b)", date(2026, 4, 17), "no longer in force"),
        ("law/Art-3", date(1900, 1, 1), ""),
        ("law/Art-9", date(2026, 6, 1), "unknown"),
        ("other/Art-1", date(2026, 6, 1), "unknown"),
    ],
)
def test_a_mapping_holds_from_its_first_to_its_last_day(mapping: str, on: date, standing: str) -> None:
    found = not_in_force(checklist(mapping), known(), on)
    assert [(one.item, one.mapping, one.standing) for one in found] == (
        [("A-1", mapping, standing)] if standing else []
    )


def test_what_was_superseded_says_by_what() -> None:
    [found] = not_in_force(checklist("law/Art-2(b)"), known(), date(2026, 5, 1))
    assert found.text == "law/Art-2(b) applied until 2026-04-16. Instead: law/Art-1."


@pytest.mark.parametrize(
    "wrong",
    [
        {"validFrom": "2026-02-01", "validTo": "2026-01-31"},
        {"supersededBy": ["law/Art-1"]},
        {"validFrom": "soon"},
        {"id": "Article 1"},
    ],
)
def test_a_requirement_without_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Requirement.model_validate(LAW[2] | wrong)


def test_the_catalog_knows_requirements_of_approved_and_rescinded_policies_but_not_of_drafts(
    store: str, person: Callable[..., Actor]
) -> None:
    person(team="risk")
    for name, more in {"law": {}, "draft": {"lifecycle": "proposed"}, "old": {"lifecycle": "deprecated", "successor": "policy:law"}}.items():  # fmt: skip
        spec = {"owner": "risk", "appliesTo": "Everything.", "requirements": LAW, **more}
        metadata = {"name": name, "title": name.title(), "description": "A law."}
        document = {"apiVersion": "factory/v1", "kind": "policy", "metadata": metadata, "spec": spec}
        with db.writing() as session:
            catalog.register(session, document=document)
    with db.reading() as session:
        found = regulations(session)
    assert set(found) == {f"{policy}/{row['id']}" for policy in ("law", "old") for row in LAW}
    assert found["law/Art-1"].requirement.valid_to == date(2026, 12, 31)
