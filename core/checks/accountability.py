"""Accountability: can it be repeated, who answers for it, who may stop it, and is there a way back?"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.checks import dates
from core.checks.findings import Finding
from core.checks.judging import BY_LIMIT, METRIC, Bar, at_least, held, reported
from core.checks.measuring import METRICS
from core.checks.registry import check
from core.checks.task import Parameter, Task
from core.checks.words import brief, count_words, counted, figure, is_filled, listed, plain

_OWN = "convention of this factory"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.IGNORECASE)
_ENVIRONMENT = ("requirements.txt", "conda.yaml", "python_env.yaml", "pylock.toml", "uv.lock")

KEYS = Parameter("keys", "words", "The tags that the run should carry", required=True)
ROLES = Parameter("roles", "words", "The roles that need a person", required=True)
WORDS = Parameter("minimum_words", "number", "Words that the text should at least have", required=True)
ITEM = Parameter("item", "text", "The item whose answer is looked at, if not the one that asks")
ALIAS = Parameter("alias", "text", "The alias of the version that serves")
DAYS = Parameter("within_days", "number", "Days after which a record is too old", required=True)
REHEARSED = Parameter("rehearsed_within_days", "number", "Days after which a rehearsal is too old", required=True)
RECORD = Parameter("record", "text", "The name of the record: a fact, or a tag rai.NAME of the run")
FIELDS = Parameter("fields", "words", "The fields that should be filled in", required=True)
KIND = Parameter("kind", "text", "The kind of entry that the project should have adopted", required=True)
SEARCHES = Parameter("minimum_searches", "number", "Searches that the reuse review should hold")
BY = Parameter("by", "text", "How the tier should be found")
SETTING = Parameter("setting", "text", "The setting, such as protected_branch", required=True)
STAGE = Parameter("stage", "text", "The stage or purpose of the runs", required=True)
MINIMUM = Parameter("minimum", "number", "How many runs there should be", required=True)


@check(
    "reproducible_run", id="ACC-1", principle="accountability", title="Reproducible run", needs=("run",),
    source="Seven MLOps principles (versioning); EU AI Act, Annex IV, point 2, for high-risk systems",
    advice="Train from a clean commit, log the parameters and the data, and log the model with its requirements.",
)  # fmt: skip
def reproducible_run(task: Task) -> Finding:
    """The run names its commit, parameters, environment and dataset digest."""
    evidence = task.snapshot
    has = {
        "a full commit": bool(_COMMIT.fullmatch(evidence.tags.get("mlflow.source.git.commit", "").strip())),
        "parameters": bool(evidence.params),
        "an environment file": any(path.rsplit("/", 1)[-1] in _ENVIRONMENT for path in evidence.files),
        "the digest of its data": any(one.digest for one in evidence.datasets),
    }
    if lacks := [what for what, is_there in has.items() if not is_there]:
        return task.finding("missing", f"The run does not name {listed(lacks)}.")
    return task.finding("pass", f"The run names {listed(has)}.")


@check(
    "run_has_tag", id="ACC-1", principle="accountability", title="Tags of the run", needs=("run",), takes=(KEYS,),
    source="Policy of run tags", advice="Set the tags in the training code, and train again.",
)  # fmt: skip
def run_has_tag(task: Task) -> Finding:
    """The run carries certain tags, none of them empty."""
    keys = task.words("keys")
    if lacks := [key for key in keys if not task.snapshot.tags.get(key, "").strip()]:
        return task.finding("missing", f"The run lacks {'the tags' if len(lacks) > 1 else 'the tag'} {listed(lacks)}.")
    return task.finding("pass", f"The run has {listed(keys)}.")


@check(
    "override_rate", id="ACC-2", principle="accountability", title="Rate of overrides", needs=("decision log",),
    takes=(METRIC,), source="EU AI Act, Article 14, for high-risk systems",
    advice="Log how often people decide otherwise than the model; a rate near zero deserves a look too.",
)  # fmt: skip
def override_rate(task: Task) -> Finding:
    """How often people decide otherwise than the model is reported; it has no limit."""
    return reported(task, "rai.override_rate")


@check(
    "human_oversight", id="ACC-2", principle="accountability", title="Oversight defined and override rate known",
    needs=("oversight form", "decision log"), takes=(WORDS, ITEM),
    source="EU AI Act, Article 14, for high-risk systems; content: convention of this factory",
    advice="Write who may override or stop the system, how, and with what authority; log rai.override_rate.",
)  # fmt: skip
def human_oversight(task: Task) -> Finding:
    """Oversight is written down, in the answer or the model card, and the override rate is reported."""
    card = task.snapshot.facts.get("model_card")
    sections = (
        [text for name, text in card.items() if plain(name) == "human oversight"] if isinstance(card, Mapping) else []
    )
    texts = [text for text in (task.answer, *sections) if is_filled(text)]
    words = max(map(count_words, texts), default=0)
    if words < task.number("minimum_words"):
        text = f"Oversight is described in {counted(words, 'word')}"
        return task.finding("missing", f"{text}; it should be at least {figure(task.number('minimum_words'))}.")
    return reported(task, "rai.override_rate")


@check(
    "seeded_catch_rate", id="OVER-2", principle="human oversight", title="Seeded errors are caught",
    needs=("seeded cases",), takes=BY_LIMIT, source=_OWN,
    advice="Give people more time or better reasons per case, and seed again.",
)  # fmt: skip
def seeded_catch_rate(task: Task) -> Finding:
    """The share of planted errors that the people in the loop caught."""
    return at_least(task, "rai.seeded_catch_rate")


@check(
    "review_seconds_median", id="OVER-1", principle="human oversight", title="Enough time per case",
    needs=("decision log",), takes=(METRIC, Parameter("limit", "number", "Seconds that a case should take, if agreed")),
    source=_OWN, advice="Route fewer cases to each person, or explain what made them faster.",
)  # fmt: skip
def review_seconds_median(task: Task) -> Finding:
    """The median time per reviewed case, in seconds; at least the agreed one, where there is one."""
    limit = task.number_or_none("limit")
    if limit is None:
        return reported(task, "rai.review_seconds_median")
    return held(task, METRICS["rai.review_seconds_median"], Bar(limit, "above"), by_interval=False)


@check(
    "alias_has_rollback", id="ACC-3", principle="accountability", title="Rollback rehearsed",
    needs=("former version", "dated record"), takes=(ALIAS, REHEARSED), source=_OWN,
    advice="Restore the former version in an environment like production, and write down the day.",
)  # fmt: skip
def alias_has_rollback(task: Task) -> Finding:
    """There is a version to return to, and the return was tried not long ago (``rollback_rehearsed_on``)."""
    alias = task.text("alias", "champion")
    if not task.snapshot.champion and not is_filled(task.snapshot.facts.get("rollback_version")):
        return task.finding(
            "missing",
            f"There is no former version that {brief(alias)} could return to.",
            advice="Name a fallback, such as the former version or a rule, and rehearse it.",
        )
    return dates.within(task, "the return was rehearsed", "rollback_rehearsed_on", task.number("rehearsed_within_days"))


@check(
    "dated_record", id="ACC-3", principle="accountability", title="Done not long ago", needs=("dated record",),
    takes=(DAYS, RECORD, ITEM), source=_OWN, advice="Do it again, and write down the day and who did it.",
)  # fmt: skip
def dated_record(task: Task) -> Finding:
    """Something was done not long ago: a drill, a test by hand, a halt. The answer or the named record has its day."""
    return dates.within(task, "it was done", task.text("record"), task.number("within_days"))


@check(
    "roles_assigned", id="ACC-4", principle="accountability", title="Roles have names", needs=("project",),
    takes=(ROLES,), source=_OWN, advice="Add the people to the project, each with their role.",
)  # fmt: skip
def roles_assigned(task: Task) -> Finding:
    """Each role of the lifecycle has a person (fact ``roles``: role → people)."""
    people = task.snapshot.facts.get("roles")
    filled = {plain(role) for role, who in people.items() if who} if isinstance(people, Mapping) else set()
    if lacks := [role for role in task.words("roles") if plain(role) not in filled]:
        return task.finding("missing", f"Nobody has the role {listed(lacks)}.")
    return task.finding("pass", f"The project has {listed(task.words('roles'))}.")


@check(
    "catalog_field_present", id="ACC-4", principle="accountability", title="Fields of the entry",
    needs=("catalogue entry",), takes=(FIELDS,), source=_OWN, advice="Complete the entry in the catalog.",
)  # fmt: skip
def catalog_field_present(task: Task) -> Finding:
    """Fields of the subject's own catalog entry are filled in (fact ``entry``)."""
    entry = task.snapshot.facts.get("entry")
    if not isinstance(entry, Mapping) or not entry:
        return task.finding("missing", "The subject has no entry in the catalog.", advice="Register it in the catalog.")
    written = {plain(name): value for name, value in entry.items()}
    if empty := [name for name in task.words("fields") if not is_filled(written.get(plain(name)))]:
        return task.finding("missing", f"The catalog entry lacks {listed(empty)}.")
    return task.finding("pass", f"The catalog entry has {listed(task.words('fields'))}.")


@check(
    "repository_setting", id="ACC-5", principle="accountability", title="Setting of the repository",
    needs=("repository",), takes=(SETTING,),
    source=_OWN, advice="Turn the setting on, and let CI tell the portal of it.",
)  # fmt: skip
def repository_setting(task: Task) -> Finding:
    """A setting of the repository is on, as CI or an integration told (fact ``repository``)."""
    setting, known = task.text("setting"), task.snapshot.facts.get("repository")
    value = known.get(setting) if isinstance(known, Mapping) else None
    if not isinstance(value, bool):
        return task.finding("missing", f"Whether the repository has {brief(plain(setting))} is not known.")
    if not value:
        return task.finding("fail", f"The repository does not have {brief(plain(setting))}.")
    return task.finding("pass", f"The repository has {brief(plain(setting))}.")


@check(
    "risk_tier_computed", id="ACC-6", principle="accountability", title="Risk tier known", needs=("risk facts",),
    takes=(BY,), source="EU AI Act: classes are categorical, so a table decides and no score",
    advice="State the risk facts on the project's page; somebody else confirms the tier.",
)  # fmt: skip
def risk_tier_computed(task: Task) -> Finding:
    """The project's risk facts are stated, and its tier follows from them (fact ``tier``)."""
    tier = task.snapshot.facts.get("tier")
    if not isinstance(tier, str) or not tier:
        return task.finding("missing", "The project has no risk tier: its risk facts are not stated.")
    if tier == "prohibited":
        return task.finding("fail", "The stated facts describe a prohibited practice.",
                            advice="Stop, or change what the system does; then state the facts anew.")  # fmt: skip
    return task.finding("pass", f"The project's tier is {brief(tier)}.")


@check(
    "reuse_review_recorded", id="ACC-7", principle="accountability", title="Catalogue searched", needs=("project",),
    takes=(SEARCHES,), source=_OWN, advice="Go through the Reuse tab of the project, and decide on each strong hit.",
)  # fmt: skip
def reuse_review_recorded(task: Task) -> Finding:
    """What exists was looked at and decided on (facts ``reuse_reviewed`` and ``reuse_searches``)."""
    facts = task.snapshot.facts
    if not facts.get("reuse_reviewed"):
        return task.finding("missing", "The reuse review is not complete.")
    asked, searches = task.number_or_none("minimum_searches"), facts.get("reuse_searches")
    if asked is None:
        return task.finding("pass", "The reuse review is complete.")
    if not isinstance(searches, int):
        return task.finding("missing", "How many searches the reuse review holds is not known.")
    text = f"The reuse review is complete and holds {counted(searches, 'search', 'searches')}"
    if searches < asked:
        return task.finding("missing", f"{text}; it should be at least {figure(asked)}.")
    return task.finding("pass", f"{text}.")


@check(
    "adoption_recorded", id="ACC-7", principle="accountability", title="Pattern chosen", needs=("project",),
    takes=(KIND,), source=_OWN, advice="Adopt it on the entry's page, and state where the project deviates.",
)  # fmt: skip
def adoption_recorded(task: Task) -> Finding:
    """The project adopted an entry of a kind, such as a pattern (facts ``catalog`` and ``pattern``)."""
    kind, adopted = plain(task.text("kind")), task.snapshot.facts.get("catalog")
    kinds = {plain(one) for one in adopted} if isinstance(adopted, Mapping | list | tuple | set | frozenset) else set()
    if kind in kinds or (kind == "pattern" and is_filled(task.snapshot.facts.get("pattern"))):
        return task.finding("pass", f"The project has adopted a {brief(kind)}.")
    return task.finding("missing", f"The project has adopted no {brief(kind)}.")


@check(
    "run_exists", id="ACC-8", principle="accountability", title="Runs recorded", needs=("tracking server",),
    takes=(STAGE, MINIMUM), source=_OWN, advice="Log the work on the tracking server, with its purpose as a tag.",
)  # fmt: skip
def run_exists(task: Task) -> Finding:
    """The project has runs of a stage (fact ``runs``: stage → how many)."""
    stage, runs = task.text("stage"), task.snapshot.facts.get("runs")
    found = runs.get(stage) if isinstance(runs, Mapping) else None
    count = found if isinstance(found, int) else 0
    text = f"The project has {counted(count, 'run')} of the stage {brief(stage)}"
    if count < task.number("minimum"):
        return task.finding("missing", f"{text}; it should be at least {figure(task.number('minimum'))}.")
    return task.finding("pass", f"{text}.")
