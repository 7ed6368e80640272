"""The evaluation set, and what is measured on it: retrieval, support, facts and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .answering import Statement
from .assistant import Answer, Assistant
from .corpus import Passage
from .guard import objection
from .retrieval import EVERYONE

KEY_METRIC = "correct_share"
METRIC_DIRECTION = "higher"

COLUMNS = ["id", "split", "audience", "question", "source", "facts"]
SPLITS = ("tune", "held-out")

Split = Literal["tune", "held-out"]


class QuestionError(ValueError):
    """An evaluation set that would measure something else than it says."""


@dataclass(frozen=True)
class Question:
    """A question and the passage that answers it; without one the right answer is a refusal."""

    id: str
    split: str
    audience: str
    question: str
    source: str
    facts: tuple[str, ...]


def read_questions(file: Path, passages: Sequence[Passage]) -> list[Question]:
    """The evaluation set, refused as a whole if a line of it could not be judged fairly."""
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    if list(frame.columns) != COLUMNS:
        raise QuestionError(f"{file.name} has exactly the columns {', '.join(COLUMNS)}")
    questions = [
        Question(*row[:5], tuple(fact.strip() for fact in row[5].split(";") if fact.strip()))
        for row in frame.itertuples(index=False, name=None)
    ]
    if findings := check(questions, passages):
        raise QuestionError("; ".join(findings))
    return questions


def check(questions: Sequence[Question], passages: Sequence[Passage]) -> list[str]:
    """What is wrong with an evaluation set, by the id of the question."""
    by_id = {passage.id: passage for passage in passages}
    findings = []
    seen: set[str] = set()
    for one in questions:
        source = by_id.get(one.source)
        if one.id in seen:
            findings.append(f"{one.id}: the id occurs twice")
        seen.add(one.id)
        if one.split not in SPLITS or not one.question.strip():
            findings.append(f"{one.id}: the split is {' or '.join(SPLITS)}, the question not empty")
        if bool(one.source) != bool(one.facts):
            findings.append(f"{one.id}: a source and its facts go together")
        elif one.source and source is None:
            findings.append(f"{one.id}: the source {one.source} is not in the corpus")
        elif source is not None and source.audience not in (EVERYONE, one.audience):
            findings.append(f"{one.id}: its asker may not read the source")
        elif source is not None and not all(holds(source.text, fact) for fact in one.facts):
            findings.append(f"{one.id}: a fact does not occur in its source")
    return findings


def judge(
    assistant: Assistant, questions: Sequence[Question], passages: Sequence[Passage]
) -> pd.DataFrame:
    """One row per question: what was retrieved, cited, stated or refused, and if it is right."""
    return pd.DataFrame(
        [_verdict(one, assistant.answer(one.question, one.audience), passages) for one in questions]
    )


def _verdict(
    question: Question, answer: Answer, passages: Sequence[Passage]
) -> dict[str, str | bool | float]:
    answerable = bool(question.source)
    facts = [holds(answer.text, fact) for fact in question.facts]
    stated = not answer.refused
    right = question.source in answer.sources and all(facts) if answerable else answer.refused
    return {
        "id": question.id,
        "answerable": answerable,
        "retrieved": answerable and question.source in answer.retrieved,
        "refused": answer.refused,
        "cites_source": answerable and question.source in answer.sources,
        "facts": sum(facts) / len(facts) if facts and stated else 0.0,
        "drafted": len(answer.draft),
        "supported": _supported(answer.draft, passages, answer.retrieved),
        "correct": right,
        "reason": answer.reason,
    }


def _supported(
    draft: Sequence[Statement], passages: Sequence[Passage], retrieved: Sequence[str]
) -> int:
    """How many drafted sentences their citations support: the model itself, before the guard."""
    found = [passage for passage in passages if passage.id in retrieved]
    return sum(not objection(statement, found) for statement in draft)


def summarise(verdicts: pd.DataFrame) -> dict[str, float]:
    """The metrics of a set; each is a share between 0 and 1, and higher is better."""
    answerable = verdicts[verdicts["answerable"]]
    unanswerable = verdicts[~verdicts["answerable"]]
    drafted = int(verdicts["drafted"].sum())
    return {
        "recall_at_k": float(answerable["retrieved"].mean()),
        "source_cited": float(answerable["cites_source"].mean()),
        "fact_recall": float(answerable["facts"].mean()),
        "groundedness": float(verdicts["supported"].sum() / drafted) if drafted else 1.0,
        "refused_when_due": float(unanswerable["refused"].mean()),
        "answered_when_due": float(1 - answerable["refused"].mean()),
        "correct_share": float(verdicts["correct"].mean()),
    }


def part(questions: Sequence[Question], split: Split) -> list[Question]:
    """The questions of one split."""
    return [one for one in questions if one.split == split]


def points(verdicts: pd.DataFrame) -> NDArray[np.float64]:
    """1 for every question dealt with rightly, 0 for the others."""
    return verdicts["correct"].to_numpy(dtype=float)


def correct_share(answerable: NDArray[np.bool_], points: NDArray[np.float64]) -> float:
    """The key metric; undefined (NaN) where all questions are of one kind."""
    return float(points.mean()) if 0 < answerable.mean() < 1 else float("nan")


def changes(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, list[str]]:
    """Which questions were gained and lost, by id: a person should read both lists."""
    before, after = set(old.loc[old["correct"], "id"]), set(new.loc[new["correct"], "id"])
    return {"gained": sorted(after - before), "lost": sorted(before - after)}


def holds(text: str, fact: str) -> bool:
    """Whether a text states a fact, whatever the case and the line breaks."""
    return fact.casefold() in " ".join(text.split()).casefold()
