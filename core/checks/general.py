"""Checks of any metric, file or answer, for what no check of its own exists."""

from __future__ import annotations

from core.checks import reliability
from core.checks.findings import Finding
from core.checks.judging import INTERVAL, Bar, absent, held, unsound
from core.checks.registry import check
from core.checks.snapshot import File
from core.checks.task import Parameter, Task
from core.checks.words import brief, count_words, counted, figure, is_filled, listed, plain

NAME = Parameter("metric", "text", "The name of the metric, or key_metric for the project's own", required=True)
VALUE = Parameter("value", "number", "The value that the metric should reach or keep to", required=True)
REACH = Parameter("value", "number", "The value that the metric should reach, unless target_from says where it stands")
PATH = Parameter("path", "text", "The path of the artifact, or the name of the upload", required=True)
SECTIONS = Parameter("sections", "words", "The headings that should have text under them", required=True)
WORDS = Parameter("minimum_words", "number", "Words that the answer should at least have", required=True)
ITEM = Parameter("item", "text", "The item whose answer is looked at, if not the one that asks")

_LIMIT = "the checklist"
_MEND = "Find out what is behind the value, and train or measure again."
_LONGEST = 400_000


@check(
    "metric_present", id="ANY-1", principle="any", title="Metric reported", needs=("run",), takes=(NAME,),
    source=_LIMIT, advice="Measure it and log it.",
)  # fmt: skip
def metric_present(task: Task) -> Finding:
    """A metric was logged and is a number; it has no limit."""
    metric = reliability.named(task, task.text("metric"))
    measure = task.snapshot.metrics.get(metric.stem)
    if measure is None:
        return absent(task, metric)
    if broken := unsound(task, metric, metric.stem, measure):
        return broken
    value = measure.value or 0.0
    text = f"{brief(metric.stem)} is {figure(value)}."
    return task.finding("pass", text, metric=metric.stem, observed=value, lower=measure.lower, upper=measure.upper)


@check(
    "metric_at_least", id="ANY-2", principle="any", title="Metric reaches a value", needs=("run",),
    takes=(NAME, VALUE, INTERVAL), source=_LIMIT, advice=_MEND,
)  # fmt: skip
def metric_at_least(task: Task) -> Finding:
    """A metric reaches a value: with its whole interval where it has one, else by itself."""
    return held(
        task, reliability.named(task, task.text("metric")), Bar(task.number("value"), "above"), by_interval=False
    )


@check(
    "metric_at_most", id="ANY-2", principle="any", title="Metric keeps to a value", needs=("run",),
    takes=(NAME, VALUE, INTERVAL), source=_LIMIT, advice=_MEND,
)  # fmt: skip
def metric_at_most(task: Task) -> Finding:
    """A metric keeps to a value: with its whole interval where it has one, else by itself."""
    return held(
        task, reliability.named(task, task.text("metric")), Bar(task.number("value"), "below"), by_interval=False
    )


@check(
    "metric_interval_at_least", id="ANY-3", principle="any", title="Interval reaches a value", needs=("run",),
    takes=(NAME, REACH, reliability.TARGET), source=_LIMIT, advice=_MEND,
)  # fmt: skip
def metric_interval_at_least(task: Task) -> Finding:
    """The whole interval of a metric reaches a value, or the target that stands elsewhere.

    Against a target, a metric for which less is better has to stay below it.
    """
    metric, value = reliability.named(task, task.text("metric")), task.number_or_none("value")
    if value is None:
        return reliability.against_target(task, metric, by_interval=True)
    return held(task, metric, Bar(value, "above"))


@check(
    "metric_interval_at_most", id="ANY-3", principle="any", title="Interval keeps to a value", needs=("run",),
    takes=(NAME, VALUE), source=_LIMIT, advice=_MEND,
)  # fmt: skip
def metric_interval_at_most(task: Task) -> Finding:
    """The whole interval of a metric keeps to a value."""
    return held(task, reliability.named(task, task.text("metric")), Bar(task.number("value"), "below"))


@check(
    "file_present", id="ANY-4", principle="any", title="File there", needs=("artifact or upload",), takes=(PATH,),
    source=_LIMIT, advice="Log it as an artifact of the run under this path, or upload it under its name.",
)  # fmt: skip
def file_present(task: Task) -> Finding:
    """A file is among the artifacts or the uploads, and is not empty."""
    path, found = task.text("path"), _file(task)
    if found is None:
        return task.finding("missing", f"There is no file {brief(path)}.")
    if found.size < 1:
        return task.finding("missing", f"The file {brief(path)} is empty.")
    return task.finding("pass", f"The file {brief(path)} is there ({counted(found.size, 'byte')}).")


@check(
    "file_has_section", id="ANY-4", principle="any", title="Sections of a file", needs=("artifact or upload",),
    takes=(PATH, SECTIONS), source=_LIMIT, advice="Write the sections; say it plainly where something is not known.",
)  # fmt: skip
def file_has_section(task: Task) -> Finding:
    """A Markdown file has certain headings with text under them, or a JSON file such keys."""
    path, found = task.text("path"), _file(task)
    if found is None:
        return task.finding("missing", f"There is no file {brief(path)}.")
    written = _sections(found.content)
    if empty := [one for one in task.words("sections") if not is_filled(written.get(plain(one)))]:
        return task.finding("missing", f"{brief(path)} has nothing under {listed(empty)}.")
    return task.finding("pass", f"{brief(path)} has {listed(task.words('sections'))}.")


@check(
    "answer_present", id="ANY-5", principle="any", title="Answered in words", needs=("answer",), takes=(WORDS, ITEM),
    source=_LIMIT, advice="Write what is asked, in your own words.",
)  # fmt: skip
def answer_present(task: Task) -> Finding:
    """The answer to the item has words enough to say something; whether it is right, people judge."""
    words, asked = count_words(task.answer) if is_filled(task.answer) else 0, task.number("minimum_words")
    text = f"The answer has {counted(words, 'word')}"
    if words < asked:
        return task.finding("missing", f"{text}; it should be at least {figure(asked)}.")
    return task.finding("pass", f"{text}.")


def _file(task: Task) -> File | None:
    path, files = task.text("path"), task.snapshot.files
    return files.get(path) or files.get(f"upload/{path.rsplit('/', 1)[-1]}")


def _sections(content: object) -> dict[str, object]:
    """Heading → the text under it, from Markdown, or key → value from JSON."""
    if isinstance(content, dict):
        return {plain(key): value for key, value in content.items()}
    found: dict[str, object] = {}
    heading = ""
    for line in content[:_LONGEST].splitlines() if isinstance(content, str) else []:
        if line.startswith("#"):
            heading = plain(line.lstrip("#"))
        elif heading and line.strip():
            found[heading] = f"{found.get(heading, '')}\n{line}"
    return found
