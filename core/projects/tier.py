"""The risk tier of a project: facts that the team states, and a decision table that explains itself.

The law's classes are categories, so the tier is decided by rows, never by a score. Every row asks only for facts that
are present or at least at a level. Adding a risk fact can therefore fire more rows and never fewer: it never lowers the
tier. The table knows no exemption (such as AI Act Art. 6(3)); those are what two reviewers lower a tier for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import Invalid

TIERS = ("minimal", "limited", "high", "prohibited")
"""Lowest first."""


@dataclass(frozen=True)
class Question:
    """A fact the team states: ``flag`` is yes or no, ``level`` one option (risk grows to the right), ``any`` several."""

    key: str
    text: str
    kind: Literal["flag", "level", "any"]
    options: tuple[str, ...] = ()
    help: str = ""

    @property
    def nothing(self) -> Any:
        """The answer that carries no risk."""
        return {"flag": False, "level": self.options[0] if self.options else "", "any": []}[self.kind]


QUESTIONS = (
    Question(
        "practices", "Does the system do any of these?", "any",
        ("social scoring", "manipulation or exploiting a vulnerability", "predicting crime from profiling alone",
         "collecting faces without a target", "reading emotions at work or school",
         "sensitive traits from biometrics", "live remote identification in public"),
        "Practices that the law forbids. Most projects choose none.",
    ),
    Question(
        "areas", "Does it influence decisions about people in one of these areas?", "any",
        ("employment", "education", "credit", "life and health insurance", "public benefits", "health care",
         "emergency calls and triage", "biometrics", "critical infrastructure", "law enforcement",
         "migration and borders", "justice and elections"),
        "Access to work, schooling, money, care or rights.",
    ),
    Question(
        "safety_component", "Is it a regulated product or the safety component of one?", "flag",
        help="Medical devices, machines, vehicles, lifts, toys and the like.",
    ),
    Question("personal_data", "Personal data it reads", "level", ("none", "pseudonymised", "direct")),
    Question(
        "special_categories", "Does it read health, ethnic origin, religion, union, sexual or biometric data?", "flag",
        help="The special categories of the GDPR.",
    ),
    Question("profiling", "Does it evaluate single people by their traits or behaviour?", "flag"),
    Question(
        "significant_effect", "Does its output have a legal or similarly significant effect on a person?", "flag",
        help="A service refused, a price raised, an examination not made.",
    ),
    Question(
        "autonomy", "Who decides?", "level", ("advice", "human decides", "automatic"),
        "Advice: one voice among several. Human decides: a person confirms every case. Automatic: nobody does.",
    ),
    Question("people", "People affected in a year", "level", ("nobody", "up to 1,000", "up to 100,000", "more")),
    Question("vulnerable", "Are children, patients, employees or others who cannot easily object affected?", "flag"),
    Question("talks_to_people", "Do people outside the team talk to it directly?", "flag"),
    Question("generates_content", "Does it generate text, images, sound or video that others see?", "flag"),
)  # fmt: skip


@dataclass(frozen=True)
class Needs:
    """A condition of a row: the fact is present (``flag``, ``any``) or at least at the level ``least``."""

    fact: str
    least: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the table: with all of these facts the tier is at least ``tier``, because of ``why`` and ``source``."""

    id: str
    tier: str
    needs: tuple[Needs, ...]
    why: str
    source: str


TABLE = (
    Row("P1", "prohibited", (Needs("practices"),), "The law forbids this practice.", "EU AI Act, Art. 5(1)"),
    Row(
        "H1", "high", (Needs("safety_component"),),
        "It is a regulated product or a safety component of one.", "EU AI Act, Art. 6(1) and Annex I",
    ),
    Row(
        "H2", "high", (Needs("areas"),),
        "It influences decisions about people in an area of high risk.", "EU AI Act, Art. 6(2) and Annex III",
    ),
    Row(
        "H3", "high", (Needs("significant_effect"), Needs("autonomy", "automatic")),
        "It decides alone, with a significant effect on a person.", "GDPR, Art. 22(1)",
    ),
    Row(
        "H4", "high", (Needs("special_categories"), Needs("people", "up to 100,000")),
        "It reads special categories of data on a large scale.", "GDPR, Art. 35(3)(b)",
    ),
    Row(
        "H5", "high", (Needs("profiling"), Needs("significant_effect"), Needs("personal_data", "pseudonymised")),
        "It evaluates people from their data, with a significant effect on them.", "GDPR, Art. 35(3)(a)",
    ),
    Row(
        "H6", "high", (Needs("vulnerable"), Needs("significant_effect")),
        "It has a significant effect on people who cannot easily object.",
        "Article 29 Working Party, WP 248 rev.01, criterion 7",
    ),
    Row(
        "L1", "limited", (Needs("talks_to_people"),),
        "People must be told that they talk to a machine.", "EU AI Act, Art. 50(1)",
    ),
    Row(
        "L2", "limited", (Needs("generates_content"),),
        "What it generates must be recognisable as generated.", "EU AI Act, Art. 50(2) and (4)",
    ),
    Row(
        "L3", "limited", (Needs("personal_data", "pseudonymised"),),
        "It reads personal data, which somebody must answer for.", "GDPR, Art. 5(2) and 4(5)",
    ),
    Row(
        "L4", "limited", (Needs("special_categories"),),
        "It reads special categories of data.", "GDPR, Art. 9(1)",
    ),
    Row(
        "L5", "limited", (Needs("significant_effect"),),
        "Its output has a significant effect on a person.", "House rule, after GDPR, recital 71",
    ),
    Row(
        "L6", "limited", (Needs("autonomy", "automatic"), Needs("people", "up to 1,000")),
        "It acts on people without a person who confirms.", "House rule, after NIST AI RMF, Map 3.5",
    ),
)  # fmt: skip

_QUESTION = {one.key: one for one in QUESTIONS}


@dataclass(frozen=True)
class Decision:
    """What the table says of some facts: the tier, and every row that fired, the weightiest first."""

    tier: str
    fired: tuple[Row, ...]


def decide(facts: Mapping[str, Any]) -> Decision:
    """The tier of ``facts``; a fact that is absent counts as no risk, and where no row fires the tier is minimal."""
    fired = sorted((row for row in TABLE if _fires(row, facts)), key=lambda row: -place_of(row.tier))
    return Decision(fired[0].tier if fired else TIERS[0], tuple(fired))


def tier_after(before: Mapping[str, Any], tier: str, after: Mapping[str, Any]) -> str:
    """The tier of a project in ``tier`` whose facts change: what reviewers raised above the table stays raised."""
    decided = decide(after).tier
    raised = tier in TIERS and place_of(tier) > place_of(decide(before).tier)
    return max(decided, tier, key=place_of) if raised else decided


def place_of(tier: str) -> int:
    """The place of a tier, the lowest first."""
    return TIERS.index(tier)


def clean(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as they are kept; raises :class:`Invalid` unless every question has an answer of its kind."""
    if unknown := sorted(set(facts) - set(_QUESTION)):
        raise Invalid(f"{str(unknown[0])[:80]!r} is no risk fact.", hint=f"Known: {', '.join(_QUESTION)}.")
    if missing := [one.text for one in QUESTIONS if one.key not in facts]:
        raise Invalid(f"{len(missing)} questions have no answer: {missing[0]}", hint="Answer every question.")
    kept = {one.key: _answer(one, facts[one.key]) for one in QUESTIONS}
    if kept["special_categories"] and kept["personal_data"] == "none":
        raise Invalid(
            "Special categories of data are personal data.", hint="Say how personal the data are, or correct the other."
        )
    return kept


def _answer(question: Question, given: Any) -> Any:
    if question.kind == "flag" and isinstance(given, bool):
        return given
    if question.kind == "level" and given in question.options:
        return given
    if question.kind == "any" and isinstance(given, list | tuple) and all(one in question.options for one in given):
        return [one for one in question.options if one in given]
    wanted = f"Possible: {', '.join(question.options)}." if question.options else "Answer yes or no."
    raise Invalid(f"This answer does not fit: {question.text}", hint=wanted)


def _fires(row: Row, facts: Mapping[str, Any]) -> bool:
    return all(_holds(one, facts) for one in row.needs)


def _holds(needs: Needs, facts: Mapping[str, Any]) -> bool:
    question = _QUESTION[needs.fact]
    given = facts.get(needs.fact, question.nothing)
    if question.kind != "level":
        return bool(given)
    return given in question.options and question.options.index(given) >= question.options.index(needs.least)
