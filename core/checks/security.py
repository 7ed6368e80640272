"""Security: is the artefact safe to load, are its packages sound, and has its pipeline no more rights than it needs?"""

from __future__ import annotations

from collections.abc import Sequence

from core.checks import measuring
from core.checks.findings import Finding
from core.checks.judging import LIMIT, METRIC, Bar, at_most, held
from core.checks.registry import check
from core.checks.task import Parameter, Task
from core.checks.words import brief, listed, plain

_OWN = "convention of this factory"
SCANNER = Parameter("scanner", "text", "What was scanned: artefact, dependencies, or a name of your own", required=True)
ALLOW = Parameter("allow", "words", "The scopes that the token may have", required=True)
_SCANS = {"artefact": "rai.unsafe_types", "artifact": "rai.unsafe_types", "dependencies": "rai.cve_high"}


@check(
    "unsafe_types", id="SEC-1", principle="security", title="Safe to load", needs=("model artefact",),
    takes=(LIMIT, METRIC), source=_OWN,
    advice="Store the model in a format without code, such as skops or ONNX, or list each exception with its reason.",
)  # fmt: skip
def unsafe_types(task: Task) -> Finding:
    """How many types in the artefact run code when it is loaded, or are not known to be harmless."""
    return at_most(task, "rai.unsafe_types")


@check(
    "scan_clean", id="SEC-1", principle="security", title="Scan without findings", needs=("scan report",),
    takes=(SCANNER,), source=_OWN, advice="Mend what the scan found, or list each exception with its reason.",
)  # fmt: skip
def scan_clean(task: Task) -> Finding:
    """A scan ran and found nothing: of the artefact, its dependencies, or what else ``rai.scan.NAME`` counts."""
    scanner = task.text("scanner")
    return held(task, measuring.known(_SCANS.get(scanner, f"rai.scan.{scanner}")), Bar(0, "below"), by_interval=False)


@check(
    "cve_high", id="SEC-2", principle="security", title="Known vulnerabilities", needs=("locked requirements",),
    takes=(LIMIT, METRIC), source=_OWN, advice="Update the packages concerned, and train again in the new environment.",
)  # fmt: skip
def cve_high(task: Task) -> Finding:
    """How many vulnerabilities of severity high or above the locked requirements have."""
    return at_most(task, "rai.cve_high")


@check(
    "token_scope_at_most", id="SEC-3", principle="security", title="Rights of the pipeline's token",
    needs=("scopes of the token",), takes=(ALLOW,), source=_OWN,
    advice="Give the pipeline a token with these scopes alone, and revoke the other.",
)  # fmt: skip
def token_scope_at_most(task: Task) -> Finding:
    """The pipeline's token has no scope beyond those allowed (fact ``token_scopes``)."""
    scopes = task.snapshot.facts.get("token_scopes")
    if not isinstance(scopes, list | tuple) or not scopes:
        return task.finding("missing", "The scopes of the pipeline's token are not known.",
                            advice="Create the token in the portal, so that its scopes are on record.")  # fmt: skip
    allowed = {plain(one) for one in task.words("allow")}
    if beyond := [brief(one) for one in scopes if plain(one) not in allowed]:
        return task.finding("fail", f"The pipeline's token also has {_scopes(beyond)}.")
    return task.finding("pass", f"The pipeline's token has {_scopes(scopes)}, and no other.")


def _scopes(names: Sequence[object]) -> str:
    return f"the {'scope' if len(names) == 1 else 'scopes'} {listed(map(brief, names))}"
