"""A skeleton of the technical documentation of EU AI Act, Annex IV: its nine points, with what is known filled in.

What the portal cannot know stays marked, so that nobody takes the skeleton for the finished document.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.documents import model_card, wording
from core.documents.blocks import Block, Heading, Pairs, Paragraph, Table
from core.documents.dossier import Dossier
from core.documents.signoff import signatures

TO_WRITE = "To be written by the provider: {what}"


def annex_iv(case: Dossier) -> list[Block]:
    """The skeleton for the system that the case's version is part of."""
    subject = case.record["subject"]
    return [
        Heading(f"Technical documentation: {case.project['title']}", 1),
        Paragraph(
            "A skeleton after Annex IV of Regulation (EU) 2024/1689. Sections in italics are not known to the portal.",
            quiet=True,
        ),
        Heading("1. General description"),
        Pairs([("Intended purpose", case.project["summary"]), ("Version", f"{subject['name']} {subject['version']}"),
               ("Provider's team", case.project["team"]), ("Output", case.project["target"])]),
        _to_write("hardware, interfaces, instructions for use and the forms in which the system is placed on the market."),
        Heading("2. Elements of the system and its development"),
        Heading("Data", 3),
        *model_card.datasets(case),
        Heading("Validation and testing", 3),
        *model_card.findings(case, ""),
        Heading("Metrics", 3),
        *model_card.metrics(case),
        Heading("Software it was built with", 3),
        *_environment(case),
        Heading("Test reports, dated and signed", 3),
        Paragraph(f"The record of the review has SHA-256 {case.record_hash}; those responsible signed it as shown below."),
        *signatures(case, 4),
        Heading("3. Monitoring, functioning and control"),
        *_known(case.project["monitoring"], "capabilities, limits, foreseeable risks and the measures of human oversight."),
        Heading("4. Appropriateness of the metrics"),
        *_known(case.project["key_metric"] and f"The key metric is {case.project['key_metric']}.", "why the metrics fit the purpose."),
        Heading("5. Risk management"),
        *_risks(case),
        Heading("6. Changes through the lifecycle"),
        *_changes(case),
        Heading("7. Harmonised standards applied"),
        _to_write("standards applied in full or in part, or the solutions adopted instead."),
        Heading("8. EU declaration of conformity"),
        _to_write("a copy of the declaration."),
        Heading("9. Post-market monitoring"),
        *_known(case.project["monitoring"], "the plan of Article 72(3)."),
    ]  # fmt: skip


def _to_write(what: str) -> Paragraph:
    return Paragraph(TO_WRITE.format(what=what), quiet=True)


def _known(text: str, missing: str) -> Iterator[Block]:
    if text:
        yield Paragraph(text)
    yield _to_write(missing)


def _environment(case: Dossier) -> Iterator[Block]:
    known = case.evidence.get("environment", {})
    packages = known.get("requirements.txt", "").split()
    if packages:
        yield Paragraph(", ".join(packages))
    else:
        yield _to_write("languages, libraries and their versions.")


def _risks(case: Dossier) -> Iterator[Block]:
    rows = [
        (one["id"], one["summary"], "yes" if one["blocking"] else "no", (one.get("finding") or {}).get("verdict", "answered"))
        for one in case.record["items"] if one["applies"]
    ]  # fmt: skip
    yield Paragraph(f"The risk tier is {case.record['tier']}.")
    yield Table(("Item", "What is controlled", "Blocking", "Outcome"), rows, (1, 5, 1, 2))


def _changes(case: Dossier) -> Iterator[Block]:
    steps = [one for one in case.activity if one["event"] == "case-moved"]
    if not steps:
        yield _to_write("the changes made so far.")
        return
    yield Table(("UTC", "Who"), [(one["at"][:16].replace("T", " "), case.name(one["actor"])) for one in steps])
    yield Paragraph(f"Decided {wording.moment(case.decided_at)}; holds until {wording.moment(case.expires_at)}.")
