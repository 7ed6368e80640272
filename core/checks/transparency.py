"""Transparency: is there an explanation, does it hold, and is what people must know written down where they find it?"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from core.checks.findings import Finding
from core.checks.judging import BY_LIMIT, LIMIT, Bar, against, at_least, cannot_measure, unsound
from core.checks.measuring import METRICS, Certainty
from core.checks.registry import check
from core.checks.task import Parameter, Task, is_finite
from core.checks.words import brief, is_filled, listed, plain

_OWN = "convention of this factory"
_TOP_SHARE = "rai.importance_top_share"
_REPORT = "rai/importance.json"
SECTIONS = Parameter("sections", "words", "The sections that should be filled in", required=True)
FIELD = Parameter("field", "text", "What the link leads to, such as notice", required=True)


@check(
    "importance_logged", id="TRAN-1", principle="transparency", title="Global explanation logged",
    needs=("model", "X"), takes=(LIMIT,),
    source="Presence: responsible-AI practice; share: convention of this factory",
    advice="Say why the model leans on one input, and check it for leakage.",
)  # fmt: skip
def importance_logged(task: Task) -> Finding:
    """An importance report exists and is not empty, and no single input carries nearly everything."""
    metric, bar = METRICS[_TOP_SHARE], Bar(task.number("limit"), "below")
    logged = task.snapshot.metrics.get(_TOP_SHARE)
    if logged is not None and (broken := unsound(task, metric, _TOP_SHARE, logged)):
        return broken
    share = _top_share(task) if logged is None else logged.value
    if share is None:
        return cannot_measure(task, metric) or task.finding(
            "missing", f"The run has no importance report with figures ({_REPORT} or {_TOP_SHARE}).",
            advice=f"Log the importance of each input as {_REPORT}.",
        )  # fmt: skip
    return against(task, bar, metric.called(_TOP_SHARE), share, Certainty(share, share), None, False)


def _top_share(task: Task) -> float | None:
    """The largest importance as a share of all, from the report; signs tell direction and do not count."""
    report = task.snapshot.files.get(_REPORT)
    if report is None or not isinstance(report.content, Mapping):
        return None
    sizes = [abs(float(one)) for one in report.content.values() if is_finite(one)]
    share = max(sizes) / sum(sizes) if sizes and sum(sizes) > 0 else None
    return share if is_finite(share) else None


@check(
    "model_card_section_present", id="TRAN-2", principle="transparency", title="Intended use and limits written",
    needs=("model card",), takes=(SECTIONS,),
    source="Model cards (Mitchell and others, 2019); EU AI Act, Annex IV, point 3, for high-risk systems",
    advice="Write the sections in the model's entry of the catalog; say it plainly where something is not known.",
)  # fmt: skip
def model_card_section_present(task: Task) -> Finding:
    """Sections of the model card are filled in, and not left as in the template (fact ``model_card``)."""
    card = task.snapshot.facts.get("model_card")
    written = {plain(name): text for name, text in card.items()} if isinstance(card, Mapping) else {}
    empty = [name for name in task.words("sections") if not is_filled(written.get(plain(name)))]
    if empty:
        return task.finding("missing", f"The model card lacks {listed(empty)}.")
    return task.finding("pass", f"The model card has {listed(task.words('sections'))}.")


@check(
    "importance_rank_corr", id="TRAN-3", principle="transparency", title="Stable explanation", needs=("two runs",),
    takes=BY_LIMIT, source=_OWN,
    advice="Do not explain single cases with it: correlated inputs trade places between trainings.",
)  # fmt: skip
def importance_rank_corr(task: Task) -> Finding:
    """The rank correlation of importances between two seeds."""
    return at_least(task, "rai.importance_rank_corr")


@check(
    "link_present", id="TRAN-4", principle="transparency", title="People are told", needs=("link",), takes=(FIELD,),
    source="EU AI Act, Articles 26(11), 50 and GDPR, Articles 13 to 15, where they apply",
    advice="Publish it, and link it in the tag rai.link.NAME or in the answer.",
)  # fmt: skip
def link_present(task: Task) -> Finding:
    """A link leads to what is asked for: in the answer, the facts (``links``) or the tag ``rai.link.NAME``."""
    field, links = task.text("field"), task.snapshot.facts.get("links")
    places = (task.answer, links.get(field) if isinstance(links, Mapping) else None,
              task.snapshot.tags.get(f"rai.link.{field}"))  # fmt: skip
    found = next((one for one in places if _is_link(one)), None)
    if found is None:
        return task.finding("missing", f"There is no link to the {brief(field)}.")
    return task.finding("pass", f"The {brief(field)} is linked: {brief(found, 200)}")


def _is_link(text: object) -> bool:
    if not isinstance(text, str) or any(one.isspace() for one in text.strip()):
        return False
    try:
        parts = urlsplit(text.strip())
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # such as a broken IPv6 address
        return False
