"""MLflow projects: an ``MLproject`` file becomes a code asset whose inputs are the parameters of its entry points."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from core.catalog.documents import Definition
from core.catalog.foreign.draft import Draft, fit, slug

SOURCE = "mlproject"

_ENVIRONMENTS = ("python_env", "conda_env", "docker_env")


def recognises(origin: str) -> bool:
    """Whether the file is an MLflow project: MLflow tells it by its name alone."""
    return origin.rpartition("/")[2].lower() == "mlproject"


def read(raw: dict[str, Any], draft: Draft) -> Definition | None:
    """The code asset that an MLflow project becomes; its free-text name becomes the title, as MLflow allows any."""
    title = draft.text(raw, "name") or draft.origin.rpartition("/")[0].rpartition("/")[2]
    name = draft.name(slug(title) or title, "name")
    environments = [one for one in _ENVIRONMENTS if raw.get(one)]
    if len(environments) > 1:
        draft.problem(
            environments[1], f"stands beside {environments[0]}.", "A project has one environment; keep one of them."
        )
    points = draft.mapping(raw, "entry_points")
    if not name or len(environments) > 1:
        return None
    spec = {
        "owner": draft.owner("", "owner"),
        "requires": [f"{one}: {_environment(raw[one])}"[:400] for one in environments],
        "inputs": [parameter for point, what in points.items() for parameter in _parameters(point, what, draft)],
        "usage": _usage(points),
    }
    metadata = {"name": name, "title": fit(title, 140)} | _description(points)
    return draft.define("asset", metadata, spec, SOURCE)


def _description(points: dict[str, Any]) -> dict[str, str]:
    return {"description": fit(f"MLflow project with the entry points {', '.join(points)}.", 1000)} if points else {}


def _environment(value: Any) -> str:
    return str(value.get("image", value)) if isinstance(value, dict) else str(value)


def _parameters(point: str, what: Any, draft: Draft) -> Iterator[dict[str, str]]:
    where = f"entry_points.{point}"
    declared = draft.mapping(what, "parameters", where) if isinstance(what, dict) else {}
    for name, value in declared.items():
        detailed = value if isinstance(value, dict) else {"type": value}
        default = detailed.get("default")
        remarks = [f"Entry point {point}.", "Required." if default is None else f"default: {default}"]
        yield {
            "name": fit(name if point == "main" else f"{point}.{name}", 400),
            "type": fit(draft.text(detailed, "type", f"{where}.parameters.{name}") or "string", 400),
            "description": " ".join(remarks),
        }


def _usage(points: dict[str, Any]) -> dict[str, str] | None:
    runs = [f"mlflow run . -e {shlex.quote(point)}{_required(what)}" for point, what in points.items()]
    code = "\n".join(runs)
    return {"language": "bash", "code": code} if 0 < len(code) <= 20_000 else None


def _required(what: Any) -> str:
    declared = what.get("parameters") if isinstance(what, dict) else None
    names = [
        name
        for name, value in (declared.items() if isinstance(declared, dict) else ())
        if not (isinstance(value, dict) and value.get("default") is not None)
    ]
    return "".join(f" -P {shlex.quote(name)}=…" for name in names)
