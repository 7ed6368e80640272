"""Operations and sustainability: who watches it, what makes it train again, and what does it cost to run?"""

from __future__ import annotations

from collections.abc import Mapping

from core.checks import measuring
from core.checks.findings import Finding
from core.checks.judging import LIMIT, METRIC, Bar, at_most, held, reported
from core.checks.registry import check
from core.checks.task import Parameter, Task
from core.checks.words import brief, count_words, counted, figure, is_filled, listed, plain

_OWN = "convention of this factory"
COUNTED = (LIMIT, METRIC)
KINDS = Parameter("kinds", "words", "What should be watched, such as data, quality, service")
GROWTH = Parameter("share", "number", "Share of the champion's footprint by which it may grow", required=True)
WORDS = Parameter("minimum_words", "number", "Words that the description should at least have", required=True)


@check(
    "monitor_declared", id="OPS-1", principle="operations", title="Monitored by somebody", needs=("project",),
    takes=(KINDS,), source=_OWN,
    advice="Say on the project's page where each is watched, and who is called when it breaks.",
)  # fmt: skip
def monitor_declared(task: Task) -> Finding:
    """Monitoring is described, for each kind that is asked for, and somebody is called when it breaks.

    Kinds come from the fact ``monitors``, or from the words of the fact ``monitoring``.
    """
    facts = task.snapshot.facts
    text, monitors = facts.get("monitoring"), facts.get("monitors")
    told = [*monitors] if isinstance(monitors, Mapping | list | tuple) else []
    watched = set(plain(text).split() if isinstance(text, str) else []) | {plain(one) for one in told}
    if not told and not is_filled(text):
        return task.finding("missing", "No monitoring is declared.")
    if lacks := [kind for kind in task.words("kinds") if plain(kind) not in watched]:
        return task.finding("missing", f"No monitoring of {listed(lacks)} is declared.")
    if not facts.get("on_call"):
        return task.finding("missing", "Nobody is named who is called when it breaks.")
    return task.finding("pass", f"Monitoring is declared{': ' + brief(text, 200) if is_filled(text) else ''}.")


@check(
    "retraining_trigger_declared", id="OPS-1", principle="operations", title="Retraining trigger declared",
    needs=("retraining policy",), takes=(WORDS,), source=_OWN,
    advice="Write which drift, age or loss of quality starts a new training, and who decides.",
)  # fmt: skip
def retraining_trigger_declared(task: Task) -> Finding:
    """What makes the model train again is written down, in the answer or the fact ``retraining``."""
    texts = [one for one in (task.answer, task.snapshot.facts.get("retraining")) if is_filled(one)]
    words = max(map(count_words, texts), default=0)
    text = f"The retraining trigger is described in {counted(words, 'word')}"
    if words < task.number("minimum_words"):
        return task.finding("missing", f"{text}; it should be at least {figure(task.number('minimum_words'))}.")
    return task.finding("pass", f"{text}.")


@check(
    "footprint_growth_at_most", id="SUST-3", principle="sustainability", title="Footprint within limits",
    needs=("both environments",), takes=(GROWTH,), source=_OWN,
    advice="Drop what the model does not need, or explain the growth package by package.",
)  # fmt: skip
def footprint_growth_at_most(task: Task) -> Finding:
    """By which share the serving environment grew over the champion's."""
    return held(task, measuring.known("rai.footprint_growth"), Bar(task.number("share"), "below"), by_interval=False)


@check(
    "queue_load", id="OVER-4", principle="human oversight", title="Limits fit capacity", needs=("queue statistics",),
    takes=COUNTED, source=_OWN, advice="Raise the threshold for routing, or add people.",
)  # fmt: skip
def queue_load(task: Task) -> Finding:
    """Cases routed to people as a share of what they can review."""
    return at_most(task, "rai.queue_load")


@check(
    "appeal_days_p90", id="OVER-5", principle="human oversight", title="Appeals are heard", needs=("appeal log",),
    takes=COUNTED, source="The promise made to the people affected",
    advice="Decide the waiting appeals first; then find out where they wait.",
)  # fmt: skip
def appeal_days_p90(task: Task) -> Finding:
    """The days in which nine of ten appeals are decided."""
    return at_most(task, "rai.appeal_days_p90")


@check(
    "energy_kwh", id="SUST-1", principle="sustainability", title="Consumption known", needs=("tracker output",),
    takes=(METRIC,), source=_OWN, advice="Log energy or device hours of the training, and how they were found.",
)  # fmt: skip
def energy_kwh(task: Task) -> Finding:
    """The energy of the training is reported, in kWh; it has no limit."""
    return reported(task, "rai.energy_kwh")


@check(
    "cost_ratio",
    id="SUST-2",
    principle="sustainability",
    title="Gain justifies growth",
    needs=("both runs", "cost record"),
    takes=COUNTED,
    source=_OWN,
    advice="Show that the gain lies above zero, and let the owner accept the price.",
)
def cost_ratio(task: Task) -> Finding:
    """The cost of training or serving, divided by the champion's."""
    return at_most(task, "rai.cost_ratio")


@check(
    "wasted_run_share", id="SUST-4", principle="sustainability", title="No wasted runs", needs=("run history",),
    takes=COUNTED, source=_OWN, advice="Stop diverging runs early, and do not start what nobody will look at.",
)  # fmt: skip
def wasted_run_share(task: Task) -> Finding:
    """The share of training time that went into runs nobody could use."""
    return at_most(task, "rai.wasted_run_share")
