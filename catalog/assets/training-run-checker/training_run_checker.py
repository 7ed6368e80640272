"""Check the names and tags of training runs and registered models against rules that are data, and propose the fix.

A run is plain data, as any tracking server can export it: ``{"experiment": ..., "run": ..., "tags": {...}}``; so is a
registered model: ``{"model": ..., "tags": {...}, "aliases": [...]}``. The rules here are those of the policies
experiment-naming, run-tags and model-naming-and-aliases. Replace them by your organisation's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("experiment", "run", "model", "aliases")
TAG = "tag:"
_SLUG = "[a-z0-9]+(-[a-z0-9]+)*"


@dataclass(frozen=True)
class Rule:
    """What one field must look like: ``field`` is "experiment", "run", "model", "aliases" or "tag:<key>"."""

    id: str
    field: str
    message: str
    pattern: str = ".+"
    values: tuple[str, ...] = ()
    required: bool = False
    optional_for: tuple[str, ...] = ()
    """Purposes of runs that may lack a required field."""
    synonyms: tuple[tuple[str, str], ...] = ()
    repeats: str = ""
    """A pattern whose named groups are tags: those places of the value repeat them."""
    exact: bool = False
    """The value is known elsewhere under this very spelling, so only blanks around it are mended."""


@dataclass(frozen=True)
class Finding:
    """A broken rule, the value that breaks it ("" where it is missing), and the correct one where it can be told."""

    rule: str
    field: str
    value: str
    message: str
    correct: str = ""


RULES = (
    Rule(
        "EXP-1",
        "experiment",
        "Name an experiment unit/project/purpose in lower case; the purpose is explore, experiment, retrain or "
        "evaluate, and a topic may follow after a hyphen.",
        rf"{_SLUG}/{_SLUG}/(explore|experiment|retrain|evaluate)(-[a-z0-9]+)*",
        required=True,
        repeats="[^/]+/(?P<project_id>[^/]+)/(?P<purpose>[^/-]+)",
    ),
    Rule(
        "EXP-2",
        "run",
        "Name a run by its approach and, after an underscore, what varies. Generated names such as gentle-fox-123 say "
        "nothing to the next reader.",
        rf"{_SLUG}(_[a-z0-9]+([-.][a-z0-9]+)*)+",
    ),
    Rule(
        "TAG-1",
        "tag:purpose",
        "Tag each run with its purpose, the same as in the experiment's name, so that retraining is told from trials.",
        values=("explore", "experiment", "retrain", "evaluate"),
        required=True,
        synonyms=(
            ("exploration", "explore"),
            ("eda", "explore"),
            ("experimentation", "experiment"),
            ("training", "experiment"),
            ("retraining", "retrain"),
            ("evaluation", "evaluate"),
        ),
    ),
    Rule(
        "TAG-2",
        "tag:project_id",
        "Tag each run with the project's name in the portal; without it the run belongs to nobody.",
        _SLUG,
        required=True,
    ),
    Rule(
        "TAG-3",
        "tag:mlflow.source.git.commit",
        "Start the run inside a git work tree with git available; MLflow then records the commit. In a container built "
        "without the repository, pass the commit in and set the tag.",
        "[0-9a-f]{40}([0-9a-f]{24})?",
        required=True,
        optional_for=("explore",),
    ),
    Rule(
        "TAG-4",
        "tag:trigger",
        "Say what started the run; for the purpose retrain it shows whether triggers were worth following.",
        values=("person", "schedule", "drift", "labels", "performance", "incident"),
        synonyms=(("manual", "person"), ("scheduled", "schedule"), ("cron", "schedule")),
    ),
    Rule(
        "TAG-5",
        "tag:portal.retrain_request_id",
        "Return the id of the retraining request that started this run; otherwise the request stays open.",
        "[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
        exact=True,
    ),
    Rule(
        "TAG-6",
        "tag:rai.dataset.split",
        "Say on which part of the data the rai metrics of this run were computed.",
        values=("train", "validation", "test", "recent", "production-sample"),
        synonyms=(("training", "train"), ("val", "validation")),
    ),
    Rule(
        "TAG-7",
        "tag:rai.sensitive_features",
        "List the columns used for group comparisons, separated by commas; write none if no person is affected, "
        "unavailable if the attributes may not be held.",
        "(none|unavailable|[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*)",
        exact=True,
    ),
    Rule(
        "TAG-8",
        "tag:stop_reason",
        "Say why a run was stopped early; failed and abandoned runs then teach something.",
        values=("converged", "stalled", "diverged", "budget", "defect", "superseded"),
    ),
)
"""What the policies experiment-naming and run-tags ask of a run."""

MODEL_RULES = (
    Rule(
        "MOD-1",
        "model",
        "Name a registered model unit.project.model in lower case; the last part says what is predicted, not how. The "
        "registry refuses '/' and ':'.",
        rf"{_SLUG}(\.{_SLUG}){{2}}",
        required=True,
    ),
    Rule(
        "MOD-2",
        "tag:project_id",
        "Set the tag project_id to the project's name in the portal, so that the model appears under its use case.",
        _SLUG,
        required=True,
    ),
    Rule(
        "MOD-3",
        "tag:owner",
        "Set the tag owner to a team, not to a person; alarms about this model go there.",
        _SLUG,
        required=True,
    ),
    Rule(
        "MOD-4",
        "tag:key_metric",
        "Set the tag key_metric to the exact name under which the deciding metric is logged.",
        "[A-Za-z0-9][A-Za-z0-9_./ -]{0,119}",
        required=True,
        exact=True,
    ),
    Rule(
        "MOD-5",
        "tag:metric_direction",
        "Set the tag metric_direction to higher or lower; without it nobody can tell a gain from a loss.",
        values=("higher", "lower"),
        required=True,
        synonyms=(("higher-is-better", "higher"), ("lower-is-better", "lower")),
    ),
    Rule(
        "MOD-6",
        "tag:risk_tier",
        "Set the tag risk_tier to the confirmed tier of the project. The portal's record decides; the tag repeats it.",
        values=("minimal", "limited", "high"),
        required=True,
    ),
    Rule(
        "ALI-1",
        "aliases",
        "Use only champion, challenger and previous_champion, in lower case. Aliases are case-sensitive, so Champion "
        "would be a second, unseen one.",
        values=("champion", "challenger", "previous_champion"),
        synonyms=(("previous-champion", "previous_champion"),),
    ),
)
"""What the policy model-naming-and-aliases asks of a registered model."""


def check(record: Mapping[str, Any], rules: Sequence[Rule] = RULES) -> list[Finding]:
    """Every rule that the run (or, with ``MODEL_RULES``, the registered model) breaks, in the order of the rules."""
    if not isinstance(record.get("tags", {}), Mapping):
        raise TypeError("tags must be a mapping of tag names to values, such as {'purpose': 'retrain'}")
    for rule in rules:
        if rule.field not in NAMES and not rule.field.startswith(TAG):
            raise ValueError(f"rule {rule.id}: the field {rule.field!r} is none of {', '.join(NAMES)} and 'tag:<key>'")
    tags = _corrected_tags(record, rules)
    return [finding for rule in rules for finding in _judge(rule, _values(record, rule.field), tags)]


def _judge(rule: Rule, values: Sequence[str], tags: Mapping[str, str]) -> Iterator[Finding]:
    if not values and rule.required and tags.get("purpose") not in rule.optional_for:
        yield Finding(rule.id, rule.field, "", f"Missing. {rule.message}")
    for value in values:
        if not _passes(rule, value) or _repeating(rule, value, tags) != value:
            yield Finding(rule.id, rule.field, value, rule.message, _correct(rule, value, tags))


def _correct(rule: Rule, value: str, tags: Mapping[str, str]) -> str:
    """The value the rule asks for; "" where it would be a guess. Whatever is proposed passes the rule."""
    trimmed = value.strip()
    lower = trimmed.lower()
    joined = re.sub(r"[^a-z0-9/_.]+", "-", lower).strip("-")
    plain = re.sub(r"[^a-z0-9/]+", "-", lower).strip("-")
    meant = dict(rule.synonyms).get(plain, "")
    candidates = (trimmed,) if rule.exact else (trimmed, meant, lower, joined, plain)
    mended = (_repeating(rule, one, tags) for one in candidates)
    return next((one for one in mended if one and _passes(rule, one)), "")


def _repeating(rule: Rule, value: str, tags: Mapping[str, str]) -> str:
    """The value with the places that repeat a tag filled from the run's tags."""
    if found := re.match(rule.repeats, value):
        for key, said in reversed(found.groupdict().items()):
            if said and tags.get(key):
                value = value[: found.start(key)] + tags[key] + value[found.end(key) :]
    return value


def _corrected_tags(record: Mapping[str, Any], rules: Sequence[Rule]) -> dict[str, str]:
    """The tags with each wrong value replaced by its correction, for rules that build on them."""
    tags = {str(key): str(value) for key, value in record.get("tags", {}).items()}
    for rule in rules:
        key = rule.field.removeprefix(TAG)
        if rule.field.startswith(TAG) and key in tags and not _passes(rule, tags[key]):
            tags[key] = _correct(rule, tags[key], {})
    return tags


def _passes(rule: Rule, value: str) -> bool:
    return re.fullmatch(rule.pattern, value) is not None and (not rule.values or value in rule.values)


def _values(record: Mapping[str, Any], field: str) -> list[str]:
    """What stands in a field: one text or, for aliases, several; none where it is missing or empty."""
    place = record.get("tags", {}).get(field.removeprefix(TAG)) if field.startswith(TAG) else record.get(field)
    several = place if isinstance(place, (list, tuple, Mapping)) else [place]
    return [str(one) for one in several if one not in (None, "")]
