"""The documents: read with a strict head, split along their headings, checked before indexing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import yaml

from .instructions import reads_like_an_instruction

HEAD = re.compile(r"\A---\n(?P<head>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
HEADING = re.compile(r"^## +(?P<heading>.+)$", re.MULTILINE)
HEAD_FIELDS = {"title", "owner", "updated", "audience", "classification"}
CLASSES = ("public", "internal", "confidential", "restricted")
LONGEST_PASSAGE = 1_200
"""Characters. A citation must point to something readable, so owners split longer sections."""


class CorpusError(ValueError):
    """A document that must not be indexed, with what to do about it."""


@dataclass(frozen=True)
class Passage:
    """A section of a document with everything that retrieval and citation need."""

    id: str
    title: str
    heading: str
    text: str
    owner: str
    updated: str
    audience: str
    classification: str


def read_corpus(folder: Path) -> list[Passage]:
    """All passages of a folder's Markdown files, in a fixed order; a broken contract is refused."""
    files = sorted(folder.glob("*.md"))
    if not files:
        raise CorpusError(
            f"{folder} holds no Markdown file; check data.corpus in the configuration"
        )
    passages = [
        passage
        for file in files
        for passage in read_document(file.stem, file.read_text(encoding="utf-8"))
    ]
    if findings := check(passages):
        raise CorpusError("; ".join(findings))
    return passages


def read_document(name: str, text: str) -> list[Passage]:
    """The passages of one document: a head between lines of ``---``, then ``## `` sections."""
    match = HEAD.match(text)
    if match is None:
        raise CorpusError(f"{name}: begins without a head between two lines of ---")
    head = yaml.safe_load(match["head"])
    if not isinstance(head, dict) or set(head) != HEAD_FIELDS:
        raise CorpusError(
            f"{name}: the head has exactly the fields {', '.join(sorted(HEAD_FIELDS))}"
        )
    if not isinstance(head["updated"], date) or head["classification"] not in CLASSES:
        raise CorpusError(f"{name}: updated is a date, classification one of {', '.join(CLASSES)}")
    before, *parts = HEADING.split(match["body"])
    if before.strip() or not parts:
        raise CorpusError(f"{name}: text before the first '## ' heading cannot be cited")
    return [
        Passage(
            id=f"{name}#{slug(heading)}",
            title=str(head["title"]),
            heading=heading.strip(),
            text=" ".join(body.split()),
            owner=str(head["owner"]),
            updated=head["updated"].isoformat(),
            audience=str(head["audience"]),
            classification=str(head["classification"]),
        )
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def check(passages: Sequence[Passage]) -> list[str]:
    """What breaks the contract of the corpus: the passage and the reason, never its text."""
    findings = []
    seen: set[str] = set()
    for passage in passages:
        if passage.id in seen:
            findings.append(
                f"{passage.id}: the heading occurs twice; a citation would be ambiguous"
            )
        seen.add(passage.id)
        if not passage.text:
            findings.append(f"{passage.id}: the section is empty")
        if len(passage.text) > LONGEST_PASSAGE:
            findings.append(
                f"{passage.id}: longer than {LONGEST_PASSAGE} characters; split it by headings"
            )
        if reads_like_an_instruction(f"{passage.heading}. {passage.text}"):
            findings.append(f"{passage.id}: speaks to a machine; ask the owner, {passage.owner}")
    return findings


def digest(passages: Sequence[Passage]) -> str:
    """A digest of everything that is indexed; it changes with any word, right or date."""
    content = json.dumps([asdict(passage) for passage in passages], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def slug(heading: str) -> str:
    """A heading as the part of a citation after the ``#``."""
    return "-".join(re.findall(r"[a-z0-9]+", heading.lower().replace("'", "")))
