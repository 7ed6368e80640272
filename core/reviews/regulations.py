"""What laws and standards ask, as the catalog's policies have it, and which mappings of a checklist are in force on a day.

A mapping is ``POLICY/REQUIREMENT``: the name of a policy and the id of one of its requirements. Each requirement has its
own first and last day, since laws change under checklists that name them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlmodel import Session, col, select

from core.catalog.kinds import Lifecycle, Requirement
from core.catalog.tables import Entry, EntryContent

Standing = Literal["in force", "not yet in force", "no longer in force", "unknown"]


@dataclass(frozen=True)
class Regulation:
    """A requirement with the policy it belongs to."""

    policy: str
    """The name of the policy's entry."""
    title: str
    requirement: Requirement

    def standing(self, on: date) -> Standing:
        """Whether it applies on a day; its first and last day are days on which it does."""
        first, last = self.requirement.valid_from, self.requirement.valid_to
        if first is not None and on < first:
            return "not yet in force"
        return "no longer in force" if last is not None and on > last else "in force"


@dataclass(frozen=True)
class OutOfForce:
    """A mapping that does not hold on a day, where it stands, and what to do about it in a sentence."""

    item: str
    mapping: str
    standing: Standing
    text: str


def regulations(session: Session) -> dict[str, Regulation]:
    """``POLICY/REQUIREMENT`` → what it asks, from every policy that is approved or deprecated.

    Laws are no secret: whoever may read a checklist may read what it is mapped to.
    """
    wanted = (
        select(Entry.name, Entry.title, EntryContent.document)
        .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
        .where(Entry.kind == "policy", Entry.namespace == "default")
        .where(col(Entry.lifecycle).in_((Lifecycle.approved, Lifecycle.deprecated)))
        .order_by(Entry.key)
    )
    found = (_of_policy(name.lower(), title, document) for name, title, document in session.exec(wanted))
    return {mapping: one for policy in found for mapping, one in policy}


def not_in_force(content: Mapping[str, Any], known: Mapping[str, Regulation], on: date) -> list[OutOfForce]:
    """The mappings of a checklist's ``content`` (its ``spec`` by the names in YAML) that do not hold on a day.

    ``known`` is what :func:`regulations` returned.
    """
    pairs = (
        (item["id"], mapping)
        for section in content["sections"]
        for item in section["items"]
        for mapping in item.get("mappings", ())
    )
    return [problem for item, mapping in pairs if (problem := _judged(item, mapping, known.get(mapping), on))]


def _of_policy(name: str, title: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Regulation]]:
    for row in document["spec"].get("requirements", ()):
        one = Requirement.model_validate(row)
        yield f"{name}/{one.id}", Regulation(name, title, one)


def _judged(item: str, mapping: str, regulation: Regulation | None, on: date) -> OutOfForce | None:
    if regulation is None:
        return OutOfForce(item, mapping, "unknown", f"{mapping} is in no policy of the catalog.")
    standing, asked = regulation.standing(on), regulation.requirement
    if standing == "not yet in force":
        return OutOfForce(item, mapping, standing, f"{mapping} applies from {asked.valid_from} on.")
    if standing == "no longer in force":
        instead = f" Instead: {', '.join(asked.superseded_by)}." if asked.superseded_by else ""
        return OutOfForce(item, mapping, standing, f"{mapping} applied until {asked.valid_to}.{instead}")
    return None
