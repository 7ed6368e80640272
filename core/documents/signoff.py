"""The sign-off report: what was asked, what was shown, who decided what on which record."""

from __future__ import annotations

from collections.abc import Iterator

from core.documents import wording
from core.documents.blocks import Block, Heading, Pairs, Paragraph, Table
from core.documents.dossier import Dossier


def signoff(case: Dossier) -> list[Block]:
    """The report of a case, for whoever has to trust the decision later."""
    subject = f"{case.record['subject']['name']} {case.record['subject']['version']}".strip()
    return [
        Heading(f"Sign-off report: {subject}", 1),
        *_summary(case),
        *_conditions(case),
        *_waivers(case),
        *_items(case),
        *signatures(case),
        *_history(case),
    ]


def _summary(case: Dossier) -> Iterator[Block]:
    record, evidence = case.record, case.record["evidence"]
    checklist = record["checklist"]
    yield Pairs(
        [
            ("State", case.state),
            ("Project", f"{case.project['title']} ({case.project['id']}), {case.project['team']}"),
            ("Risk tier", record["tier"]),
            ("Checklist", f"{checklist['ref']} {checklist['version']}, {checklist['hash']}"),
            ("Environments", ", ".join(record.get("environments", []))),
            ("Decided", wording.moment(case.decided_at)),
            ("Holds until", wording.moment(case.expires_at)),
            (
                "Evidence",
                f"{evidence['digest']}, taken {evidence['taken_at'][:16]}" if evidence else "–",
            ),
            ("Subject digest", record["subject"].get("digest") or "–"),
            ("Record", f"SHA-256 {case.record_hash}"),
        ]
    )


def _conditions(case: Dossier) -> Iterator[Block]:
    if found := case.record.get("conditions"):
        yield Heading("Conditions")
        rows = [(one["text"], case.name(one["owner"]), one["due_on"], ", ".join(one["environments"])) for one in found]
        yield Table(("Condition", "Owner", "Due", "Meanwhile allowed in"), rows, (5, 2, 2, 2))


def _waivers(case: Dossier) -> Iterator[Block]:
    if found := case.record.get("waivers"):
        yield Heading("Waivers")
        rows = [
            (one["item"] or one["kind"], one["reason"], one["control"], one["expires_at"][:10], case.name(one["approved_by"]))
            for one in found
        ]  # fmt: skip
        yield Table(("Item", "Reason", "Control instead", "Until", "Approved by"), rows, (2, 4, 4, 2, 2))


def _items(case: Dossier) -> Iterator[Block]:
    yield Heading("Items")
    rows = [
        (f"{one['id']}{' (blocking)' if one['blocking'] else ''}", one["summary"], wording.answer(one), wording.finding(one))
        for one in case.record["items"] if one["applies"]
    ]  # fmt: skip
    yield Table(("Item", "Asks", "Answer", "Finding"), rows, (2, 3, 4, 5))
    if left := [one for one in case.record["items"] if not one["applies"]]:
        yield Paragraph(f"{len(left)} more items of the checklist do not apply: {_reasons(left)}", quiet=True)


def _reasons(items: list[dict[str, str]]) -> str:
    return "; ".join(f"{one['id']} ({one['because'].rstrip('.')})" for one in items) + "."


def signatures(case: Dossier, level: int = 2) -> Iterator[Block]:
    """Every signature in its printed form: name, moment, meaning, and the record that was signed."""
    yield Heading("Signatures", level)
    if not case.signatures:
        yield Paragraph("Nobody has signed yet.", quiet=True)
        return
    rows = [
        (one.printed_name, one.role, one.meaning, one.decision, one.signed_at[:16].replace("T", " ") + " UTC",
         f"{one.record_hash[:16]}{' (this record)' if one.record_hash == case.record_hash else ''}",
         f"void: {one.void_reason}" if one.voided_at else "counts")
        for one in case.signatures
    ]  # fmt: skip
    yield Table(("Name", "Role", "Meaning", "Decision", "Signed", "Record", "State"), rows, (3, 3, 2, 3, 3, 3, 3))


def _history(case: Dossier) -> Iterator[Block]:
    yield Heading("What happened")
    rows = [(one["at"][:16].replace("T", " "), one["event"], case.name(one["actor"])) for one in case.activity]
    yield Table(("UTC", "Event", "Who"), rows, (2, 3, 3))
