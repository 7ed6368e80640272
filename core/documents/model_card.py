"""The model card of a case's version, after Mitchell et al., "Model Cards for Model Reporting", FAT* 2019."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.documents import wording
from core.documents.blocks import Block, Heading, Pairs, Paragraph, Table
from core.documents.dossier import Dossier
from core.documents.signoff import signatures

NOT_FILLED = "Not filled in: the portal has no fact for this section."


def model_card(case: Dossier) -> list[Block]:
    """The card; sections without a fact say so instead of saying nothing."""
    record, subject = case.record, case.record["subject"]
    return [
        Heading(f"Model card: {subject['name']} {subject['version']}".rstrip(), 1),
        Pairs(
            [
                ("Version", subject["version"] or "–"),
                ("Owner", case.project["team"]),
                ("Project", case.project["title"]),
                ("State of review", case.state),
                ("Risk tier", record["tier"]),
                ("Trained by run", str(case.evidence.get("source", {}).get("run_id") or "–")),
            ]
        ),
        Heading("Intended use"),
        *_said(case.project["summary"], case.project["target"] and f"Predicts: {case.project['target']}"),
        *_answered(case, "purpose", "intended", "limits"),
        Heading("Factors"),
        *_facts(case),
        Heading("Metrics"),
        *metrics(case),
        Heading("Evaluation and training data"),
        *datasets(case),
        Heading("Quantitative analyses"),
        *findings(case, "fair", "rai."),
        Heading("Ethical considerations"),
        *_answered(case, "fair", "people", "harm", "ethic", "oversight"),
        Heading("Caveats and recommendations"),
        *_caveats(case),
        *signatures(case),
    ]


def _said(*texts: str) -> Iterator[Block]:
    yield from [Paragraph(one) for one in texts if one] or [Paragraph(NOT_FILLED, quiet=True)]


def _facts(case: Dossier) -> Iterator[Block]:
    facts = [(name.replace("_", " "), _plain(value)) for name, value in case.record["facts"].items() if value]
    yield Pairs(facts) if facts else Paragraph(NOT_FILLED, quiet=True)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _answered(case: Dossier, *words: str) -> Iterator[Block]:
    """What the team answered to items whose summary or section has one of ``words``."""
    found = [
        (one["summary"], wording.answer(one))
        for one in case.record["items"]
        if one["applies"] and wording.answer(one) and any(word in _about(case, one) for word in words)
    ]
    yield Pairs(found) if found else Paragraph(NOT_FILLED, quiet=True)


def _about(case: Dossier, item: Mapping[str, str]) -> str:
    return f"{item['summary']} {case.sections.get(item['id'], '')}".lower()


def metrics(case: Dossier) -> Iterator[Block]:
    """The metrics of the evidence with their intervals and the data they were measured on."""
    known = case.evidence.get("metrics", {})
    names = [name for name in sorted(known) if not name.endswith((".lower", ".upper", ".rows"))]
    if not names:
        yield Paragraph(NOT_FILLED, quiet=True)
        return
    rows = [(name, _value(known, name), _value(known, f"{name}.rows", bare=True), known[name].get("dataset") or "–") for name in names]  # fmt: skip
    yield Table(("Metric", "Value (95 % interval)", "Rows", "Measured on"), rows, (4, 4, 1, 3))


def _value(known: dict[str, dict[str, float | None]], name: str, *, bare: bool = False) -> str:
    if name not in known:
        return "–"
    low, high = (known.get(f"{name}.{end}", {}).get("value") for end in ("lower", "upper"))
    return wording.interval({"observed": known[name].get("value")} | ({} if bare else {"lower": low, "upper": high}))


def datasets(case: Dossier) -> Iterator[Block]:
    """The data sets that the run names, with their digests."""
    rows = [
        (one["name"], one.get("context") or "–", one["digest"], str(one.get("rows") or "–"))
        for one in case.evidence.get("datasets", [])
    ]
    yield Table(("Dataset", "Used for", "Digest", "Rows"), rows, (3, 2, 3, 1)) if rows else Paragraph(NOT_FILLED, quiet=True)  # fmt: skip


def findings(case: Dossier, *words: str) -> Iterator[Block]:
    """The findings whose check or metric begins with one of ``words``."""
    rows = [
        (one["summary"], one["finding"].get("metric") or one["finding"]["check"], wording.interval(one["finding"]),
         wording.figure(one["finding"].get("limit")), one["finding"]["verdict"])
        for one in case.record["items"]
        if one["applies"] and one.get("finding")
        and f"{one['finding'].get('metric', '')} {one['finding']['check']}".startswith(words)
    ]  # fmt: skip
    header = ("What", "Measured as", "Value (95 % interval)", "Limit", "Verdict")
    yield Table(header, rows, (3, 3, 3, 1, 2)) if rows else Paragraph(NOT_FILLED, quiet=True)


def _caveats(case: Dossier) -> Iterator[Block]:
    open_ = [
        f"{one['summary']}: {wording.finding(one)}"
        for one in case.record["items"]
        if one["applies"] and (one.get("finding") or {}).get("verdict") in ("fail", "inconclusive", "missing")
    ]
    tied = [f"Condition until {one['due_on']}: {one['text']}" for one in case.record.get("conditions", [])]
    waived = [
        f"Waived until {one['expires_at'][:10]}: {one['item'] or one['kind']}" for one in case.record.get("waivers", [])
    ]
    yield from _said(*open_, *tied, *waived)
