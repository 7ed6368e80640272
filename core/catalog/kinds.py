"""The kinds of catalog entry and their strict specifications.

An entry is a YAML document in Backstage's envelope (``apiVersion``, ``kind``, ``metadata``, ``spec``). The envelope is
the same for all kinds; each kind's ``spec`` is one class here. Adding a kind is one class, its line in :data:`SPECS`
and a folder of YAML: search, pages, forms, import and export read this file.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

API_VERSION = "factory/v1"

NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*")
REF = re.compile(r"([A-Za-z][A-Za-z0-9]*:)?([A-Za-z0-9-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff]")


class Lifecycle(StrEnum):
    """Where an entry stands: proposed → approved → deprecated (with a successor) → retired."""

    proposed = "proposed"
    approved = "approved"
    deprecated = "deprecated"
    retired = "retired"


class Classification(StrEnum):
    """Who may see an entry; see ``core.access.policy`` for the rule."""

    public = "public"
    internal = "internal"
    confidential = "confidential"
    restricted = "restricted"


Stage = Literal["explore", "experiment", "operate"]
Modality = Literal["tabular", "time series", "text", "image", "audio", "graph"]
Role = Literal[
    "domain expert", "data engineer", "data scientist", "AI engineer", "model validator",
    "ML engineer", "manager", "reviewer", "auditor", "administrator",
]  # fmt: skip


def _clean(text: str) -> str:
    if found := CONTROL.search(text):
        raise ValueError(f"contains the control character {found.group()!r}; remove it")
    return text


def _version(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}", value):
        raise ValueError("a version is 1 to 64 letters, digits, '.', '-', '_' or '+', such as 1.10.0")
    return value


def _reference(value: str) -> str:
    if len(value) > 190 or not REF.fullmatch(value):
        raise ValueError("a reference is [kind:][namespace/]name, such as asset:default/drift-statistics")
    return value


Text = Annotated[str, AfterValidator(_clean)]
Line = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_clean)]
Version = Annotated[str, AfterValidator(_version)]
Ref = Annotated[str, AfterValidator(_reference)]


class Strict(BaseModel):
    """A part of a document: unknown fields are refused, names are camelCase as in Backstage."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=False, frozen=True)


class Link(Strict):
    """A link shown on the entry's page; it is never fetched."""

    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s<>\"']+$")]
    title: Line = "Link"
    icon: str = ""
    type: str = ""


class Metadata(Strict):
    """Backstage's ``metadata``: identity, words and tags of an entry."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    namespace: Annotated[str, Field(max_length=63)] = "default"
    title: Annotated[str, Field(max_length=140), AfterValidator(_clean)] = ""
    description: Annotated[str, Field(max_length=1000), AfterValidator(_clean)] = ""
    tags: Annotated[list[str], Field(max_length=30)] = []
    labels: dict[str, Text] = {}
    annotations: dict[str, Text] = {}
    links: Annotated[list[Link], Field(max_length=30)] = []

    @field_validator("name")
    @classmethod
    def _valid_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError("a name is letters, digits, '-', '_' and '.', and starts and ends with a letter or digit")
        return value

    @field_validator("namespace")
    @classmethod
    def _valid_namespace(cls, value: str) -> str:
        if not NAMESPACE.fullmatch(value.lower()):
            raise ValueError("a namespace is lower-case letters and digits, joined by single '-'")
        return value.lower()

    @field_validator("tags")
    @classmethod
    def _valid_tags(cls, value: list[str]) -> list[str]:
        for tag in value:
            if len(tag) > 63 or not TAG.fullmatch(tag):
                raise ValueError(f"{tag!r} is no tag; use lower-case letters, digits, ':', '+', '#', joined by '-'")
        return list(dict.fromkeys(value))


class Usage(Strict):
    """How to use the thing: code that can be copied and pasted as it is."""

    language: Literal["python", "bash", "yaml", "sql", "toml", "text"] = "python"
    code: Annotated[str, Field(max_length=20_000), AfterValidator(_clean)]


class VersionNote(Strict):
    """One released version and what changed in it."""

    version: Version
    date: date
    notes: Text


class Spec(Strict):
    """What every kind has: owner, lifecycle, version, who may see and use it, and its relations."""

    owner: Ref
    lifecycle: Lifecycle = Lifecycle.approved
    version: Version = "1.0.0"
    classification: Classification = Classification.internal
    licence: Annotated[str, Field(max_length=100)] = ""
    successor: Ref | None = None
    depends_on: list[Ref] = []
    part_of: list[Ref] = []
    see_also: list[Ref] = []
    usage: Usage | None = None
    versions: list[VersionNote] = []

    @model_validator(mode="after")
    def _deprecation_names_a_successor(self) -> Spec:
        if self.lifecycle is Lifecycle.deprecated and self.successor is None:
            raise ValueError("a deprecated entry names its replacement: add 'successor: kind:namespace/name'")
        return self


class Parameter(Strict):
    """A typed input or output of code."""

    name: Line
    type: Line
    description: Text = ""


class AssetSpec(Spec):
    """Reusable code: a tested module or package that solves a recurring job."""

    language: Line = "python"
    module: Annotated[str, Field(max_length=200)] = ""
    requires: list[Line] = []
    stages: list[Stage] = []
    inputs: list[Parameter] = []
    outputs: list[Parameter] = []


class Column(Strict):
    """One column of a dataset and what is promised about it."""

    name: Line
    type: Line
    description: Text = ""
    unit: str = ""
    sensitive: bool = False
    nullable: bool = False


class Freshness(Strict):
    """How often data change, and how old they may be at most (``max_age_hours``) before the contract is broken."""

    updates: Literal[
        "never", "continuously", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "on release"
    ]
    max_age_hours: Annotated[int, Field(ge=1, le=87_600)] | None = None
    note: Text = ""


class Expectation(Strict):
    """One quality promise as data; without a ``column`` it is about the whole table.

    ``range`` and ``rows`` and ``distinct`` take ``minimum`` and ``maximum`` (both included), ``values`` takes
    ``values``, ``pattern`` matches whole values, ``missing`` takes the largest share (0 to 1) as ``maximum``.
    """

    column: Annotated[str, Field(max_length=400), AfterValidator(_clean)] = ""
    check: Literal["rows", "unique", "missing", "range", "values", "pattern", "distinct"]
    minimum: float | None = None
    maximum: float | None = None
    values: Annotated[list[str | int | float | bool], Field(max_length=500)] = []
    pattern: Annotated[str, Field(max_length=300)] = ""
    note: Text = ""

    @model_validator(mode="after")
    def _has_what_its_check_needs(self) -> Expectation:
        bounded = self.minimum is not None or self.maximum is not None
        if self.check in ("rows", "range", "distinct") and not bounded:
            raise ValueError(f"a check {self.check!r} needs a minimum, a maximum or both")
        if self.check == "values" and not self.values:
            raise ValueError("a check 'values' lists the values that may occur")
        if self.check == "pattern":
            _compiles(self.pattern)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"the minimum {self.minimum:g} is above the maximum {self.maximum:g}")
        return self


def _compiles(pattern: str) -> None:
    try:
        re.compile(pattern or "(")
    except re.error as error:
        raise ValueError(f"a check 'pattern' needs a regular expression: {error}") from error


class DatasetSpec(Spec):
    """Data with an owner, a contract and honest limits."""

    source: Text
    rows: Annotated[int, Field(ge=0)] | None = None
    target: str = ""
    columns: list[Column] = []
    personal_data: Literal["none", "pseudonymised", "direct"] = "none"
    contract: list[Text] = []
    """Promises in words; what a program can check stands in ``freshness`` and ``expectations``."""
    freshness: Freshness | None = None
    expectations: Annotated[list[Expectation], Field(max_length=500)] = []
    limitations: list[Text] = []
    producers: list[Ref] = []
    consumers: list[Ref] = []

    @model_validator(mode="after")
    def _expectations_name_columns(self) -> DatasetSpec:
        known = {column.name for column in self.columns}
        for one in self.expectations:
            if known and one.column and one.column not in known:
                raise ValueError(f"an expectation names the column {one.column!r}, which the dataset does not have")
        return self


class ModelSpec(Spec):
    """A trained model that others may use; its versions live in MLflow."""

    task: Line
    registered_name: Annotated[str, Field(max_length=250)] = ""
    key_metric: str = ""
    training_data: list[Ref] = []
    intended_use: Text = ""
    limitations: list[Text] = []
    path: str = ""
    flavour: str = ""


class EnvironmentSpec(Spec):
    """A reproducible runtime: image, interpreter and packages."""

    image: str = ""
    python: str = ""
    packages: list[Line] = []
    definition: Text = ""


class Step(Strict):
    """One step of a pipeline or course."""

    name: Line
    description: Text = ""
    uses: Ref | None = None


class PipelineSpec(Spec):
    """A sequence of steps that runs unattended."""

    steps: list[Step] = []
    trigger: Text = ""
    inputs: list[Parameter] = []
    outputs: list[Parameter] = []


PatternStage = Literal["ingest", "prepare", "train", "validate", "deploy", "monitor"]


class ServicesPerStage(Strict):
    """Preferred services of a pattern in each stage of its machinery, from the source to the watch in production."""

    ingest: list[Text] = []
    prepare: list[Text] = []
    train: list[Text] = []
    validate_: list[Text] = Field(default=[], alias="validate")
    deploy: list[Text] = []
    monitor: list[Text] = []


Latency = Literal["milliseconds", "seconds", "minutes", "hours"]
DataSensitivity = Literal["public", "internal", "confidential", "regulated"]


class Fit(Strict):
    """For which answers to the pattern advisor's questions a pattern is meant; an empty list means any."""

    data_classification: list[DataSensitivity] = []
    latency: list[Latency] = []
    scale: list[Literal["small", "medium", "large"]] = []
    modality: list[Modality] = []
    regulation: list[Literal["none", "limited risk", "high risk"]] = []
    team: list[Literal["one person", "one team", "many teams"]] = []
    ground_truth: list[Literal["at once", "within weeks", "after months", "never"]] = []
    special: list[Literal["none", "generated answers", "data may not move", "no reliable network"]] = []


class Condition(Strict):
    """A condition of an approval: attested by a person, or, with a ``fact``, checked against the project's facts.

    A checked condition holds when every value that the project has for the fact is among ``allowed``.
    """

    text: Line
    fact: Literal["", "classification", "region", "services", "tier", "modality", "personal data"] = ""
    allowed: list[Line] = []

    @model_validator(mode="after")
    def _a_fact_has_its_allowed_values(self) -> Condition:
        if bool(self.fact) != bool(self.allowed):
            raise ValueError("a checked condition names a fact and the allowed values; an attested one names neither")
        return self


class PreApproval(Strict):
    """An approval that a project inherits by adopting the pattern unchanged, under stated conditions."""

    by: Literal["IT", "security", "ethics", "privacy"]
    id: Annotated[str, Field(pattern=r"^[A-Z]+-[0-9]+$")]
    scope: Text
    conditions: list[Condition]
    valid_until: date | None = None
    evidence: Annotated[str, Field(max_length=400), AfterValidator(_clean)] = ""


class Variant(Strict):
    """What a pattern does differently for data of one sensitivity; empty fields are as in the pattern itself.

    ``regulated`` stands for restricted data under a law or a supervisor's rule.
    """

    classification: DataSensitivity
    regions: list[Line] = []
    services: ServicesPerStage = ServicesPerStage()
    connectivity: Text = ""
    governance: Text = ""
    constraints: list[Text] = []
    notes: Text = ""


class Infrastructure(Strict):
    """A piece of infrastructure as code: where it stands (``path`` or ``link``) or what it holds (``description``)."""

    name: Line
    tool: Literal["Terraform", "Bicep", "CloudFormation", "Pulumi", "Kubernetes", "Helm", "Kustomize", "Ansible",
                  "Docker Compose", "other"]  # fmt: skip
    path: Annotated[str, Field(max_length=400), AfterValidator(_clean)] = ""
    description: Text = ""
    link: Annotated[str, Field(max_length=2000, pattern=r"^(https?://[^\s<>\"']+)?$")] = ""


class Node(Strict):
    """A box of a pattern's diagram."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    label: Line
    group: str = ""


class Edge(Strict):
    """An arrow of a pattern's diagram."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    label: str = ""


class Diagram(Strict):
    """A pattern's diagram as data; pages draw it."""

    nodes: list[Node]
    edges: list[Edge]

    @model_validator(mode="after")
    def _edges_join_nodes(self) -> Diagram:
        known = {node.id for node in self.nodes}
        for edge in self.edges:
            for end in (edge.source, edge.target):
                if end not in known:
                    raise ValueError(f"an edge names the node {end!r}, which the diagram does not have")
        return self


class PatternSpec(Spec):
    """A versioned architectural pattern: services, data, operations strategy, approvals and trade-offs."""

    problem: Text
    not_for: list[Text] = []
    fits: Fit = Fit()
    latency_class: Latency | None = None
    latency_note: Text = ""
    cost_class: Literal["low", "medium", "high"] | None = None
    cost_note: Text = ""
    services: ServicesPerStage = ServicesPerStage()
    data_connectivity: Text = ""
    data_governance: Text = ""
    mlops_strategy: Text = ""
    champion_challenger: Text = ""
    infrastructure: list[Infrastructure] = []
    constraints: list[Text] = []
    variants: list[Variant] = []
    pre_approvals: list[PreApproval] = []
    trade_offs: list[Text] = []
    diagram: Diagram | None = None

    @model_validator(mode="after")
    def _variants_and_approvals_occur_once(self) -> PatternSpec:
        for what, names in (
            ("variants", [str(one.classification) for one in self.variants]),
            ("pre-approvals", [one.id for one in self.pre_approvals]),
        ):
            if doubled := {one for one in names if names.count(one) > 1}:
                raise ValueError(f"{what} occur twice: {', '.join(sorted(doubled))}; keep one of each")
        return self


class Question(Strict):
    """A question a template asks its requester."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    question: Line
    type: Literal["text", "number", "choice", "boolean"] = "text"
    choices: list[str] = []
    default: str | int | float | bool | None = None
    help: Text = ""


class TemplateSpec(Spec):
    """A project template: questions in, a repository that runs out."""

    engine: Literal["copier", "copy"] = "copier"
    source: Text = ""
    questions: list[Question] = []
    produces: list[Text] = []
    patterns: list[Ref] = []
    """Patterns whose approvals cover it: a project that stands on one of them unchanged does not wait."""


Tier = Literal["minimal", "limited", "high"]
Environment = Literal["development", "test", "production"]
SigningRole = Literal["model validator", "domain expert", "reviewer"]
"""Roles that sign in a review; nobody else counts for its quorum."""
CheckParameter = str | int | float | bool | list[str]
ItemType = Literal[
    "boolean", "choice", "scale", "number", "date", "text", "file", "link", "metric", "attestation"
]  # fmt: skip
RiskFact = Literal[
    "areas", "safety_component", "special_categories", "profiling", "significant_effect", "vulnerable",
    "talks_to_people", "generates_content",
]  # fmt: skip
"""The facts of a project's risk that are there or not, by their names in the decision table of tiers."""


RequirementRef = Annotated[str, Field(pattern=r"^[a-z0-9.-]+/[A-Za-z0-9.()-]+$", max_length=120)]
"""One requirement of a law or standard: the name of its policy, and its id there, such as ``eu-ai-act/Art-14``."""


class ItemEvidence(Strict):
    """The automated check that judges a checklist item; a parameter may differ by tier."""

    check: Line
    parameters: dict[str, CheckParameter | dict[Tier, CheckParameter]] = {}


class AppliesWhen(Strict):
    """The facts of a project under which an item applies: each one that is given must hold; none given, it always does."""

    tier: list[Tier] = []
    modality: list[Modality] = []
    personal_data: list[Literal["none", "pseudonymised", "direct"]] = []
    autonomy: list[Literal["advice", "human decides", "automatic"]] = []
    region: list[Line] = []
    stage: list[Stage] = []
    pattern: list[Ref] = []
    any_of: list[RiskFact] = []
    """At least one of these is present."""


class ChecklistItem(Strict):
    """One line of a checklist: a question with the case that shows why it is asked.

    Without a ``type`` an item with a check is a ``metric``, which asks nobody, and any other one asks for ``text``.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]+-[0-9]+$")]
    summary: Line
    question: Text
    type: ItemType | None = None
    options: list[Line] = []
    """Of a choice; of a scale, from low to high."""
    unit: Annotated[str, Field(max_length=40)] = ""
    why: Text = ""
    evidence: ItemEvidence | None = None
    blocking_for: list[Tier] = []
    applies_when: AppliesWhen = AppliesWhen()
    mappings: list[RequirementRef] = []
    """What of laws and standards it answers to: ``POLICY/REQUIREMENT``."""

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> ChecklistItem:
        if (self.type in ("choice", "scale")) != bool(self.options):
            raise ValueError(f"{self.id}: a choice and a scale have options, and nothing else does")
        if self.type == "metric" and self.evidence is None:
            raise ValueError(f"{self.id}: a metric needs the check that judges it")
        if self.unit and self.type != "number":
            raise ValueError(f"{self.id}: only a number has a unit")
        if len(set(self.options)) != len(self.options):
            raise ValueError(f"{self.id}: an option occurs twice")
        return self


class ChecklistSection(Strict):
    """A group of items under one heading."""

    title: Line
    items: Annotated[list[ChecklistItem], Field(min_length=1)]


class ChecklistSpec(Spec):
    """A checklist as code; a review case freezes one version of it."""

    applies_to: Literal["model", "project", "dataset", "pipeline"]
    tiers: list[Tier] = ["minimal", "limited", "high"]
    standard: bool = False
    """Whether every project of its tiers starts with it; a team takes the others where they fit."""
    quorum: dict[SigningRole, Annotated[int, Field(ge=1, le=5)] | dict[Tier, Annotated[int, Field(ge=0, le=5)]]] = {}
    """Who signs, and how many of them; without anybody no case can be opened."""
    environments: list[Environment] = ["development", "test", "production"]
    """Where an approval lets its subject go."""
    days: dict[Tier, Annotated[int, Field(ge=1, le=60)]] = {}
    """Working days in which reviewers decide; where absent, the portal's own."""
    validity_days: dict[Tier, Annotated[int, Field(ge=1, le=1830)]] = {}
    """Days an approval holds; where absent, the portal's own."""
    sections: Annotated[list[ChecklistSection], Field(min_length=1)]

    @model_validator(mode="after")
    def _item_ids_are_unique(self) -> ChecklistSpec:
        ids = [item.id for section in self.sections for item in section.items]
        if doubled := {one for one in ids if ids.count(one) > 1}:
            raise ValueError(f"item ids occur twice: {', '.join(sorted(doubled))}; give each its own")
        return self


class Validation(Strict):
    """A technical way to validate a principle in the testing phase (``reference`` names where the limit comes from)."""

    id: Annotated[str, Field(pattern=r"^[A-Z]+-[0-9]+$")]
    title: Line
    metric: str = ""
    rule: Text
    reference: Text
    needs: list[Line] = []
    asset: Ref | None = None


class PrincipleSpec(Spec):
    """A principle the organisation stands for, with the ways to validate it."""

    statement: Text
    rationale: Text
    validations: Annotated[list[Validation], Field(min_length=1)]


class AssessmentItem(Strict):
    """A claim about a scope at a maturity level, what proves it, and what to do when it does not hold."""

    id: Annotated[str, Field(pattern=r"^[A-Z]+-[0-9]+$")]
    level: Annotated[int, Field(ge=0, le=4)]
    claim: Text
    evidence: Text = ""
    next_step: Ref | None = None


class Dimension(Strict):
    """One dimension of an assessment's profile."""

    id: Annotated[str, Field(pattern=r"^[A-Z]+$")]
    title: Line
    items: Annotated[list[AssessmentItem], Field(min_length=1)]


class AssessmentSpec(Spec):
    """A readiness assessment: dimensions with claims at levels 0 to 4; the result is a profile, never an average."""

    scope: Literal["organisation", "unit", "team", "project", "role"]
    dimensions: Annotated[list[Dimension], Field(min_length=1)]


class GuideSpec(Spec):
    """A chapter of the playbook or a how-to; its text is the entry's README."""

    audience: list[Role] = []
    chapter: Annotated[int, Field(ge=1)] | None = None
    minutes: Annotated[int, Field(ge=1, le=600)] | None = None


class CourseStep(Strict):
    """A step of a role's training path; it ends in a real act in the portal."""

    title: Line
    description: Text
    minutes: Annotated[int, Field(ge=1, le=600)]
    read: Ref | None = None
    act: Line


class CourseSpec(Spec):
    """The training path of one role."""

    role: Role
    outcome: Text
    steps: Annotated[list[CourseStep], Field(min_length=1)]


class Rule(Strict):
    """A naming or tagging rule as data; ``pattern`` is matched against the whole name or value."""

    id: Annotated[str, Field(pattern=r"^[A-Z]+-[0-9]+$")]
    target: Literal[
        "experiment", "run", "registered model", "alias", "tag", "dataset", "repository", "branch", "release"
    ]
    key: str = ""
    required: bool = False
    pattern: Annotated[str, Field(max_length=300)] = ""
    values: list[str] = []
    example: str = ""
    message: Text

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value


class TierValues(Strict):
    """The value of a check's parameter for each tier of risk."""

    minimal: bool | int | float
    limited: bool | int | float
    high: bool | int | float


class CheckLimits(Strict):
    """What a check judges by unless a checklist says otherwise: parameter → value by tier, and where they come from."""

    values: Annotated[dict[str, TierValues], Field(min_length=1)]
    source: Line


class GateRule(Strict):
    """What the gate asks before versions of projects of these tiers go to one environment.

    ``unrated`` is a project whose risk facts are not stated. ``oldest_mirror_hours`` is how long ago MLflow may have been
    mirrored last, ``oldest_evidence_hours`` how long ago the evidence of a case may have been compared with it; without
    them any age will do. Every one of ``checklists`` must have approved the version.
    """

    environment: Environment
    tiers: Annotated[list[Literal["unrated", "minimal", "limited", "high"]], Field(min_length=1)]
    stages: Annotated[list[Stage], Field(min_length=1)]
    case_required: bool = True
    checklists: Annotated[list[Ref], Field(max_length=10)] = []
    oldest_mirror_hours: Annotated[int, Field(ge=1, le=8760)] | None = None
    oldest_evidence_hours: Annotated[int, Field(ge=1, le=8760)] | None = None

    @model_validator(mode="after")
    def _a_case_has_a_checklist(self) -> GateRule:
        if self.case_required and not self.checklists:
            raise ValueError(
                "a rule that asks for a case names its checklists; without a case say 'caseRequired: false'"
            )
        if not self.case_required and self.checklists:
            raise ValueError("a rule names checklists only where it asks for a case")
        return self


class GatePolicy(Strict):
    """The gate's rules: at most one for an environment and a tier, and where there is none nothing passes.

    ``alias`` is set in MLflow on the newest version that may go to production; ``champion`` and ``challenger`` are moved
    by people and pipelines alone.
    """

    rules: Annotated[list[GateRule], Field(min_length=1, max_length=100)]
    alias: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,62})?$")] = ""

    @field_validator("alias")
    @classmethod
    def _nobody_is_promoted(cls, value: str) -> str:
        if value in ("champion", "challenger"):
            raise ValueError(f"the alias {value!r} says what serves: the gate does not move it")
        return value

    @model_validator(mode="after")
    def _one_rule_each(self) -> GatePolicy:
        pairs = [(rule.environment, tier) for rule in self.rules for tier in rule.tiers]
        if doubled := next((one for one in pairs if pairs.count(one) > 1), None):
            raise ValueError(f"two rules speak of {doubled[0]} and the tier {doubled[1]}; keep one")
        return self


class Requirement(Strict):
    """One thing that a law or standard asks, in our own words, and when: laws change under checklists that name them."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9.()-]+$", max_length=60)]
    title: Line
    summary: Text
    valid_from: date | None = None
    """The first day on which it applies; always, where absent."""
    valid_to: date | None = None
    """The last day on which it applies."""
    superseded_by: list[RequirementRef] = []
    """What came in its place."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Requirement:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"{self.id} ends on {self.valid_to} before it begins on {self.valid_from}")
        if self.superseded_by and self.valid_to is None:
            raise ValueError(f"{self.id} is superseded: add 'validTo', the last day on which it applied")
        return self


class PolicySpec(Spec):
    """An organisation-wide agreement, or a law or standard from outside; its rules are data that checks read."""

    applies_to: Text
    rules: list[Rule] = []
    requirements: list[Requirement] = []
    """Of a law or standard: what checklists may say they answer to."""
    limits: dict[str, CheckLimits] = {}
    """Of the checks in reviews, by the name of the check."""
    gate: GatePolicy | None = None
    """What the gate asks; read from the entry ``policy:default/gate-rules`` alone."""

    @model_validator(mode="after")
    def _requirement_ids_are_unique(self) -> PolicySpec:
        ids = [one.id for one in self.requirements]
        if doubled := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"requirement ids occur twice: {', '.join(doubled)}; give each its own")
        return self


class ProjectSpec(Spec):
    """A past or present use case, kept so that the next team finds it."""

    unit: str = ""
    stage: Literal["explore", "experiment", "operate", "stopped", "closed"] = "explore"
    problem: Text = ""
    modality: Modality | None = None
    target: Text = ""
    finding: Text = ""


class RepositorySpec(Spec):
    """An open-source repository worth knowing before writing the same again."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s<>\"']+$", max_length=2000)]
    solves: Text
    when_to_use: Text = ""
    when_not_to_use: Text = ""
    package: str = ""
    alternatives: list[Text] = []


SPECS: dict[str, type[Spec]] = {
    "asset": AssetSpec,
    "dataset": DatasetSpec,
    "model": ModelSpec,
    "environment": EnvironmentSpec,
    "pipeline": PipelineSpec,
    "pattern": PatternSpec,
    "template": TemplateSpec,
    "checklist": ChecklistSpec,
    "principle": PrincipleSpec,
    "assessment": AssessmentSpec,
    "guide": GuideSpec,
    "course": CourseSpec,
    "policy": PolicySpec,
    "project": ProjectSpec,
    "repository": RepositorySpec,
}

FOLDERS: dict[str, str] = {
    kind: {"policy": "policies", "repository": "repositories"}.get(kind, f"{kind}s") for kind in SPECS
}

TITLES: dict[str, str] = {
    "asset": "Code asset",
    "dataset": "Dataset",
    "model": "Model",
    "environment": "Environment",
    "pipeline": "Pipeline",
    "pattern": "Pattern",
    "template": "Template",
    "checklist": "Checklist",
    "principle": "Principle",
    "assessment": "Assessment",
    "guide": "Guide",
    "course": "Course",
    "policy": "Policy",
    "project": "Project",
    "repository": "Open-source repository",
}


class Document(Strict):
    """One entry as it stands in YAML; ``spec`` is one of :data:`SPECS`."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: dict[str, Any]
