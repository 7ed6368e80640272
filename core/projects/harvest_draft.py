"""What a project shares as a draft entry, and what a curator still misses in one. Pure: nothing is read or written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from core.catalog.foreign.draft import fit, slug
from core.catalog.kinds import API_VERSION
from core.projects.tables import Project, Retrospective

HARVESTED_FROM = "factory/harvested-from"
HARVESTED_ON = "factory/harvested-on"
"""Annotations of a harvested entry: the project's id, and the day (ISO 8601, UTC) on which it was shared."""

OPEN = "To be written:"
"""Starts every line of a drafted README that its author has yet to replace."""

SHORT_README = 400
"""Characters below which a README is called short: the portal's own measure, about five sentences."""

KINDS = ("asset", "dataset", "model", "environment", "pipeline", "template", "guide")
"""The kinds of entry that a project can share; patterns, checklists and policies are authored, not harvested."""


def drafted(
    project: Project, what: str, reason: str, kind: str, *, taken: Callable[[str], bool], today: date
) -> dict[str, Any]:
    """The draft entry for ``what`` of ``project``, owned by its team, with where it came from.

    ``taken`` tells whether a reference is in the catalog already; then the name takes its origin's id with it. The
    draft of a confidential or restricted project is seen by nobody who does not see the project, and says nothing of
    it, so that publishing it more widely takes nothing but a look at what its author wrote.
    """
    origin = f", from the project {project.title}" if everybody_sees(project) else ""
    metadata: dict[str, Any] = {
        "name": _name(project, what, kind, taken),
        "title": what,
        "description": fit(f"{what}{origin}. {' '.join(reason.split())}", 1000),
        "annotations": {HARVESTED_ON: today.isoformat()},
    }
    spec: dict[str, Any] = {
        "owner": project.team_id,
        "lifecycle": "proposed",
        "classification": "internal" if everybody_sees(project) else project.classification,
        "version": "0.1.0",
    } | _needed_by(kind, project, what)
    if everybody_sees(project):
        metadata["annotations"][HARVESTED_FROM] = project.id
        if project.tags:
            metadata["tags"] = list(project.tags)
        spec["seeAlso"] = [f"project:default/{project.id}"]
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def everybody_sees(project: Project) -> bool:
    """Whether the project is public or internal, so that what it shares may name it."""
    return project.classification in ("public", "internal")


def readme_skeleton(project: Project, what: str, reason: str, retrospective: Retrospective | None, today: date) -> str:
    """What the README of a harvested entry starts with: what it does, where it is from, what its user should know."""
    known = f"{OPEN} what surprised the team, and its limits."
    if everybody_sees(project):
        origin = f"The project {project.title} ({project.id}) shared it on {today.isoformat()}: {reason}"
        known = retrospective.others_should_know if retrospective else known
    else:
        origin = (
            f"A {project.classification} project of the team {project.team_id} shared it on {today.isoformat()}: {reason}\n\n"
            f"This draft is {project.classification} as well, and names neither the project nor what it found. Whoever "
            "opens it to more people checks first that nothing of the project or its data is inside."
        )
    parts = (
        f"# {what}",
        "## What it does",
        f"{OPEN} what goes in, what comes out, and an example that can be copied.",
        "## Where it came from",
        origin,
        "## What the next user should know",
        known,
        "## How it is tested",
        f"{OPEN} which tests there are, and how to run them.",
    )
    return "\n\n".join(parts) + "\n"


def shortcomings(document: Mapping[str, Any], readme: str, source_classification: str = "internal") -> list[str]:
    """What a curator would ask for: hints from the text alone, none of them a verdict.

    ``source_classification`` is that of the project's data.
    """
    spec, metadata = document.get("spec") or {}, document.get("metadata") or {}
    own_words = "\n".join(line for line in readme.splitlines() if OPEN not in line)
    checks = (
        (OPEN in readme, "parts of the README are still to be written"),
        (len(own_words.strip()) < SHORT_README, f"the README is short (under {SHORT_README} characters)"),
        (not spec.get("usage") and "```" not in readme, "no usage that can be copied"),
        (not re.search(r"\btest(s|ed|ing)?\b", _without_headings(own_words), re.IGNORECASE), "tests are not mentioned"),
        (not metadata.get("tags"), "no tags to be found by"),
        (not spec.get("licence") and document.get("kind") != "guide", "no licence"),
        (
            source_classification in ("confidential", "restricted"),
            f"the project read {source_classification} data: check that none of it is inside",
        ),
    )
    return [told for is_missing, told in checks if is_missing]


def _needed_by(kind: str, project: Project, what: str) -> dict[str, Any]:
    is_open = everybody_sees(project)
    if kind == "dataset":
        made_in = f"the project {project.title}" if is_open else f"a {project.classification} project of its team"
        return {"source": f"Made in {made_in}."}
    if kind == "model":
        return {"task": (project.target or project.title) if is_open else what}
    return {}


def _without_headings(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def _name(project: Project, what: str, kind: str, taken: Callable[[str], bool]) -> str:
    origin = project.id if everybody_sees(project) else project.team_id
    name = slug(what).lower() or f"from-{origin}"[:63].strip("-")
    if not taken(f"{kind}:default/{name}"):
        return name
    return f"{name[: max(62 - len(origin), 0)]}-{origin}".strip("-")
