"""What the demo's teams say of their projects: why, until when, on which data, at which risk, and who works in them.

Hypotheses and stop rules are invented like the organisation itself; they hold no figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.projects.tier import QUESTIONS

Staff = tuple[tuple[str, str], ...]

_PATIENTS: dict[str, Any] = {
    "areas": ["health care"], "personal_data": "pseudonymised", "special_categories": True, "autonomy": "human decides",
    "people": "up to 1,000", "vulnerable": True,
}  # fmt: skip
_CUSTOMERS: dict[str, Any] = {"personal_data": "pseudonymised", "autonomy": "human decides", "people": "up to 100,000"}
_NOBODY: dict[str, Any] = {"autonomy": "human decides"}


@dataclass(frozen=True)
class Charter:
    """What a team says of its project; ``staff`` are names of the demo's people with their role in it."""

    hypothesis: str
    stop_rule: str
    data_access: str
    modality: str
    target: str
    staff: Staff
    tags: tuple[str, ...] = ()
    region: str = "eu-central"
    monitoring: str = ""
    on_call: str = ""
    risk: Mapping[str, Any] | None = None
    """The risk facts that are not nothing; ``None`` where the team has stated none yet."""
    purposes: tuple[str, ...] = ("experiment",)
    """Of its experiments in MLflow."""
    confirmed_by: str = ""
    """Who confirmed the tier."""

    @property
    def facts(self) -> dict[str, Any]:
        """Every risk fact."""
        return {one.key: (self.risk or {}).get(one.key, one.nothing) for one in QUESTIONS}

    @property
    def details(self) -> dict[str, Any]:
        """As :func:`core.projects.actions.create` takes them."""
        return {
            "value_hypothesis": self.hypothesis, "stop_rule": self.stop_rule, "data_access": self.data_access,
            "modality": self.modality, "target": self.target, "tags": list(self.tags), "region": self.region,
            "monitoring": self.monitoring,
        }  # fmt: skip


_CLINIC: Staff = (
    ("Linh Nguyen", "data scientist"), ("Yusuf Demir", "domain expert"), ("Freja Lindqvist", "AI engineer"),
)  # fmt: skip
_LABORATORY: Staff = (("Mateo Fernández", "data scientist"), ("Carlos Ribeiro", "domain expert"))
_BRANCHES: Staff = (("Oluwaseun Adeyemi", "AI engineer"), ("Helena Kowalska", "domain expert"))
_PLANT: Staff = (("Carlos Ribeiro", "domain expert"), ("Mei Chen", "data engineer"))
_AMARA: Staff = (("Amara Okafor", "ML engineer"),)
_RAJESH: Staff = (("Rajesh Iyer", "ML engineer"),)
_WATCHED = "Runs of the evaluation experiment in MLflow: one per window, compared with the window of the release."

CHARTERS: dict[str, Charter] = {
    "biopsy-second-look": Charter(
        "Pathologists look again at fewer biopsies that did not need it and miss none that did.",
        "Stop when pathologists disagree with the model as often as with each other.",
        "Shared public data set of the data platform; no patient data of the clinic are read yet.",
        "tabular", "whether a biopsy is malignant", _CLINIC + _AMARA, ("classification", "health"),
        region="on-premises", monitoring=_WATCHED, on_call="Amara Okafor", purposes=("experiment", "evaluate"),
        risk=_PATIENTS | {"safety_component": True, "significant_effect": True}, confirmed_by="Chiara Bellini",
    ),
    "cheque-reader": Charter(
        "Clerks only read the cheques that the model is unsure about.",
        "Stop when clerks correct as many readings as they would have typed.",
        "Shared public data set of the data platform.",
        "image", "the digits of a handwritten amount",
        (("Priya Raman", "data scientist"), ("Oluwaseun Adeyemi", "AI engineer"), *_RAJESH),
        ("classification", "handwriting"), monitoring=_WATCHED, on_call="Rajesh Iyer",
        purposes=("experiment", "evaluate"), risk=_CUSTOMERS, confirmed_by="Kwame Mensah",
    ),
    "intake-origin": Charter(
        "Deliveries with a doubtful origin are found before they are stored.",
        "Stop when the laboratory finds the same cases without the model.",
        "Laboratory values of incoming goods, released by the quality laboratory.",
        "tabular", "the origin of a delivery", _LABORATORY + _AMARA, ("classification", "laboratory"),
        region="eu-west", monitoring=_WATCHED, on_call="Amara Okafor", purposes=("experiment", "evaluate"),
        risk=_NOBODY, confirmed_by="Kwame Mensah",
    ),
    "progression-forecast": Charter(
        "Follow-up appointments are planned where they will be needed.",
        "Stop when the forecast is no better than last year's average.",
        "Shared public data set of the data platform.",
        "tabular", "disease progression after a year", _CLINIC + _RAJESH, ("regression", "health"),
        region="on-premises", monitoring=_WATCHED, on_call="Rajesh Iyer", purposes=("experiment", "evaluate"),
        risk=_PATIENTS, confirmed_by="Chiara Bellini",
    ),
    "follow-up-priority": Charter(
        "Those who need a call most are called first, whoever they are.",
        "Stop when the two groups cannot be served equally well.",
        "Shared public data set of the data platform.",
        "tabular", "who is called first", _CLINIC + _AMARA, ("classification", "fairness", "health"),
        monitoring=_WATCHED, on_call="Amara Okafor",
        risk=_PATIENTS | {"profiling": True, "significant_effect": True},
    ),
    "meter-reading": Charter(
        "Meters are read from photographs instead of on site.",
        "Stop when photographs have to be taken again as often as meters were read on site.",
        "Photographs of the plant's own meters, released by plant automation.",
        "image", "the digits of a meter", _PLANT + _RAJESH, ("classification", "handwriting"),
        purposes=("experiment", "explore"), risk=_NOBODY,
    ),
    "cytology-lite": Charter(
        "Screening works with measurements that every laboratory can make.",
        "Stop when leaving the costly features out costs recall.",
        "Shared public data set of the data platform.",
        "tabular", "whether a biopsy is malignant", _CLINIC, ("classification", "health"), risk=_PATIENTS,
    ),
    "postcode-reader": Charter(
        "Account forms reach the right branch without being typed.",
        "Stop when readers of the forms are as fast.",
        "Shared public data set of the data platform.",
        "image", "the digits of a postcode", _BRANCHES, ("classification", "handwriting"), region="us-east",
        risk=_CUSTOMERS,
    ),
    "alcohol-estimate": Charter(
        "The slowest laboratory measurement is made for doubtful samples only.",
        "Stop when the error is larger than the tolerance of the label.",
        "Laboratory values of incoming goods, released by the quality laboratory.",
        "tabular", "alcohol content", _LABORATORY, ("regression", "laboratory"), purposes=("explore",),
    ),
    "cash-demand": Charter(
        "Branches hold the cash they need.", "Stop when the access to the data is refused.", "",
        "time series", "withdrawals of a branch", _BRANCHES, ("forecasting",), purposes=(),
    ),
    "training-load": Charter(
        "Patients train neither too much nor too little.", "Stop when no model beats the mean of the training rows.",
        "Shared public data set of the data platform.",
        "tabular", "training load", (("Linh Nguyen", "data scientist"),), ("regression", "health"),
        purposes=("explore",),
    ),
    "early-closures": Charter(
        "Advisers call customers before they close their account.",
        "Stop when nothing that is known before the closure tells who will leave.",
        "Account histories of the unit, released by payments analytics for exploration.",
        "tabular", "which customers churn", (("Priya Raman", "data scientist"),),
        ("classification", "churn", "customers"), purposes=(),
    ),
    "bloom-grading": Charter(
        "Flowers are graded before they reach the packing line.",
        "Stop when the supplier delivers graded goods.",
        "Measurements of the plant's own samples, released by plant automation.",
        "tabular", "the grade of a flower", _PLANT, ("classification",), risk=_NOBODY,
    ),
}  # fmt: skip
"""Project → its charter."""


@dataclass(frozen=True)
class PatternPlan:
    """A project stands on a pattern: which of its approvals are confirmed, and the services it declares."""

    project: str
    pattern: str
    approved: tuple[str, ...]
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_BATCH = {
    "ingest": ("PostgreSQL",), "prepare": ("DuckDB",), "train": ("MLflow",), "validate": ("pandera",),
    "deploy": ("Kubernetes",), "monitor": ("PostgreSQL",),
}  # fmt: skip
_ONLINE = {
    "ingest": ("FastAPI",), "prepare": ("Redis",), "train": ("MLflow",), "validate": ("MLflow",),
    "deploy": ("KServe",), "monitor": ("Prometheus",),
}  # fmt: skip

PATTERN_PLANS = (
    PatternPlan("cheque-reader", "batch-scoring", ("IT-1", "IT-2", "SEC-1", "PRI-1"), _BATCH),
    PatternPlan("postcode-reader", "batch-scoring", (), _BATCH),
    PatternPlan("intake-origin", "online-scoring", ("IT-1", "IT-2", "SEC-1", "ETH-1"), _ONLINE),
    PatternPlan("biopsy-second-look", "human-in-the-loop", ("IT-1", "ETH-1")),
    PatternPlan("follow-up-priority", "human-in-the-loop", ()),
    PatternPlan("progression-forecast", "automated-retraining", ()),
)
"""The cheque reader keeps every condition; the postcode reader stands in a region that its approvals do not allow."""
