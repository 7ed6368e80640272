"""Which pattern fits: at most eight questions, every pattern ranked, and the reasons for and against each.

Pure rules: what a pattern is meant for stands in its definition (``fits``), the questions stand here. A question that
nobody answered neither helps nor hurts. Of the answered ones each counts the same: a pattern made for the answer gets a
point, one that leaves the question open gets a part of it, one made for something else gets none. So an answer that a
pattern fits never moves it below a pattern that it does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

MADE_FOR_IT = 1.0
OPEN_TO_IT = 0.6
"""Points of a pattern that suits any answer: less than one that was made for this answer, more than a misfit."""

RESTRICTED = ("classification", "restricted")

Exclusion = Literal["", "beyond", "not offered"]


@dataclass(frozen=True)
class Question:
    """A question of the advisor: ``options`` maps each answer to its words, ``short: more``, in the order offered.

    ``field`` is where a pattern's ``fits`` answers it. A misfit excludes a pattern in two cases: the answer lies
    ``beyond`` all that the pattern is made for (options stand in rising order of demand), or it is a need that the
    pattern does not offer (the first option is "no need").
    """

    id: str
    field: str
    topic: str
    asks: str
    options: Mapping[str, str]
    excludes: Exclusion = ""

    def words(self, answer: str) -> str:
        """The short words of an answer."""
        return self.options.get(answer, answer).partition(":")[0]


QUESTIONS = (
    Question(
        "classification", "dataClassification", "Data", "How sensitive are the data?",
        {"public": "public data", "internal": "internal data", "confidential": "confidential data",
         "regulated": "regulated data: restricted, under a law or a supervisor's rule"}, "beyond",
    ),
    Question(
        "latency", "latency", "Latency", "How soon must an answer be there?",
        {"hours": "hours: or days", "minutes": "minutes", "seconds": "seconds", "milliseconds": "milliseconds: such as 50 ms"},
        "beyond",
    ),
    Question(
        "scale", "scale", "Scale", "How much is there to score?",
        {"small": "small scale: one machine does it", "medium": "medium scale: a few machines",
         "large": "large scale: a cluster, or a fleet of devices"},
    ),
    Question(
        "modality", "modality", "Modality", "What does the model read?",
        {"tabular": "tables", "time series": "time series", "text": "text", "image": "images", "audio": "audio",
         "graph": "graphs"},
    ),
    Question(
        "regulation", "regulation", "Regulation", "How does the law see the use?",
        {"none": "unregulated use", "limited risk": "limited risk: duties of transparency",
         "high risk": "high risk: conformity has to be shown"},
    ),
    Question(
        "team", "team", "Team", "Who builds and runs it?",
        {"one person": "one person", "one team": "one team", "many teams": "many teams"},
    ),
    Question(
        "truth", "groundTruth", "Ground truth", "When is it known whether an answer was right?",
        {"at once": "truth at once", "within weeks": "truth within weeks", "after months": "truth after months",
         "never": "truth that hardly ever comes"},
    ),
    Question(
        "special", "special", "Special need", "Does the case need something special?",
        {"none": "the usual case: nothing special", "generated answers": "generated answers: written from documents",
         "data may not move": "data that may not move: training and scoring go to them",
         "no reliable network": "work without a network: on devices"},
        "not offered",
    ),
)  # fmt: skip
"""At most eight, so that the form is answered in a minute."""


@dataclass(frozen=True)
class Candidate:
    """A pattern as the advisor sees it: ``fits`` as in its definition, and the classifications it has variants for."""

    key: str
    title: str
    version: str
    fits: Mapping[str, Sequence[str]]
    variants: Sequence[str] = ()
    adoptions: int = 0
    summary: str = ""


@dataclass(frozen=True)
class Reason:
    """What one answered question says of a pattern; ``points`` are 0 to 1."""

    question: str
    text: str
    points: float
    excludes: bool = False


@dataclass(frozen=True)
class Advice:
    """A pattern with its score (0 to 1, the share of the points it could get) and the reasons for and against it."""

    pattern: Candidate
    score: float
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]
    excluded: str = ""
    """Why the pattern cannot serve at all; empty when it can."""
    variant: str = ""
    """The pattern's variant for the answered classification; empty when it has none or nothing was answered."""


def answers_in(given: Mapping[str, str]) -> dict[str, str]:
    """The answers that ``given`` (such as an address) holds; whatever is no answer to a question is left out.

    A project's restricted data are the regulated ones of the patterns, so that a project's facts can be handed over.
    """
    meant = {name: "regulated" if (name, value) == RESTRICTED else value for name, value in given.items()}
    return {one.id: meant[one.id] for one in QUESTIONS if meant.get(one.id) in one.options}


def rank(patterns: Iterable[Candidate], answers: Mapping[str, str]) -> list[Advice]:
    """Advice on every pattern: those that can serve first, the best score first; equals by special needs, use and title."""
    known = answers_in(answers)
    return sorted((_advice(one, known) for one in patterns), key=_place)


def _place(advice: Advice) -> tuple[bool, float, bool, int, int, str, str]:
    pattern, special = advice.pattern, advice.pattern.fits.get("special") or ()
    only_for_special_needs = bool(special) and "none" not in special
    return (
        bool(advice.excluded), -advice.score, only_for_special_needs, len(special), -pattern.adoptions, pattern.title,
        pattern.key,
    )  # fmt: skip


def _advice(pattern: Candidate, answers: Mapping[str, str]) -> Advice:
    reasons = [_reason(one, pattern, answers[one.id]) for one in QUESTIONS if one.id in answers]
    classification = answers.get("classification", "")
    return Advice(
        pattern,
        score=sum(one.points for one in reasons) / len(reasons) if reasons else 0.0,
        reasons_for=tuple(one for one in reasons if one.points),
        reasons_against=tuple(one for one in reasons if not one.points),
        excluded=" ".join(one.text for one in reasons if one.excludes),
        variant=classification if classification in pattern.variants else "",
    )


def _reason(question: Question, pattern: Candidate, answer: str) -> Reason:
    made_for = pattern.fits.get(question.field) or []
    words = question.words(answer)
    if not made_for:
        return Reason(question.id, f"{question.topic}: leaves it open, so {words} will do.", OPEN_TO_IT)
    if answer in made_for:
        more = _variant_in_words(question, pattern, answer)
        return Reason(question.id, f"{question.topic}: made for {words}{more}.", MADE_FOR_IT)
    excluded = _excludes(question, made_for, answer)
    return Reason(question.id, _misfit(question, made_for, answer, excluded=excluded), 0.0, excluded)


def _variant_in_words(question: Question, pattern: Candidate, answer: str) -> str:
    has_one = question.id == "classification" and answer in pattern.variants
    return ", with a variant that says what differs" if has_one else ""


def _excludes(question: Question, made_for: Sequence[str], answer: str) -> bool:
    order = list(question.options)
    match question.excludes:
        case "beyond":
            known = [order.index(one) for one in made_for if one in order]
            return bool(known) and order.index(answer) > max(known)
        case "not offered":
            return answer != order[0]
        case _:
            return False


def _misfit(question: Question, made_for: Sequence[str], answer: str, *, excluded: bool) -> str:
    if excluded and question.excludes == "beyond":
        known = [one for one in question.options if one in made_for]
        return f"{question.topic}: reaches {question.words(known[-1])}, not {question.words(answer)}."
    listed = ", ".join(question.words(one) for one in made_for)
    return f"{question.topic}: made for {listed}, not for {question.words(answer)}."
