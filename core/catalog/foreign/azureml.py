"""Azure Machine Learning v2: models, data, environments, components and pipelines, told apart by their ``$schema``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.catalog.documents import DEFAULT_NAMESPACE, Definition
from core.catalog.foreign.draft import Draft, fit, plain, slug
from core.catalog.kinds import NAME

SOURCE = "azureml"

_KINDS = {
    "model": "model",
    "data": "dataset",
    "environment": "environment",
    "commandcomponent": "asset",
    "pipelinecomponent": "pipeline",
    "pipelinejob": "pipeline",
}
_NAMED = re.compile(r"azureml:([^:/@]{1,63})([:@][^/]*)?")
_LOCATED = re.compile(r"azureml:(?://|/)[^ ]*?/(environments|components|models|data|datasets)/([^/ ]{1,63})(/.*)?")
_LOCATED_KINDS = {"environments": "environment", "components": "asset", "models": "model"}
_KINDS_OF_FIELDS = {"environment": "environment", "component": "asset", "model": "model"}
_LONGEST_REFERENCE = 1000


def recognises(raw: dict[str, Any]) -> bool:
    """Whether this document is a definition of Azure ML that has a place among our kinds."""
    return _schema(raw) in _KINDS


def read(raw: dict[str, Any], draft: Draft) -> Definition | None:
    """The entry that an Azure ML definition becomes."""
    kind = _KINDS[_schema(raw)]
    name = draft.name(draft.text(raw, "name") or _name_of_job(raw, draft), "name")
    if not name:
        return None
    metadata = {
        "name": name,
        "title": fit(draft.text(raw, "display_name"), 140),
        "description": draft.summary(draft.text(raw, "description")),
        "labels": {key: plain(value) for key, value in draft.mapping(raw, "tags").items()},
        "annotations": {"azureml/schema": _schema(raw)} | _annotation(raw, "type"),
    }
    shared = {
        "owner": draft.owner("", "owner"),
        "version": draft.version(raw),
        "dependsOn": list(dict.fromkeys(_references(raw, None))),
    }
    metadata = {key: value for key, value in metadata.items() if value}
    return draft.define(kind, metadata, shared | _SPECS[kind](raw, draft), SOURCE)


def _schema(raw: dict[str, Any]) -> str:
    address = str(raw.get("$schema", "")).strip().lower()
    return re.sub(r"(\.schema)?\.json$", "", address.rsplit("/", 1)[-1]) if "azureml" in address[:200] else ""


def _name_of_job(raw: dict[str, Any], draft: Draft) -> str:
    """Jobs are often nameless; their title or, at last, their file tells them apart."""
    if _schema(raw) != "pipelinejob":
        return ""
    stem = re.sub(r"\.ya?ml$", "", "/".join(draft.origin.split("/")[-2:]))
    return slug(draft.text(raw, "display_name") or draft.text(raw, "experiment_name") or stem)


def _annotation(raw: dict[str, Any], name: str) -> dict[str, str]:
    return {f"azureml/{name}": raw[name]} if isinstance(raw.get(name), str) else {}


def _model(raw: dict[str, Any], draft: Draft) -> dict[str, Any]:
    return {"task": "not stated", "path": draft.text(raw, "path"), "flavour": draft.text(raw, "type")}


def _dataset(raw: dict[str, Any], draft: Draft) -> dict[str, Any]:
    return {"source": draft.text(raw, "path") or "not stated"}


def _environment(raw: dict[str, Any], draft: Draft) -> dict[str, Any]:
    conda, build = raw.get("conda_file"), draft.mapping(raw, "build")
    listed = conda.get("dependencies") if isinstance(conda, dict) else None
    packages = list(_packages(listed if isinstance(listed, list) else []))
    definition = conda if isinstance(conda, str) else "/".join(str(part) for part in build.values())
    return {"image": draft.text(raw, "image"), "packages": packages, "definition": definition} | _python(packages)


def _packages(listed: list[Any]) -> Iterator[str]:
    for one in listed:
        if isinstance(one, dict):
            yield from (str(package) for group in one.values() if isinstance(group, list) for package in group)
        else:
            yield str(one)


def _python(packages: list[str]) -> dict[str, str]:
    versions = [found.group(1) for one in packages if (found := re.fullmatch(r"python\s*==?\s*([\w.*]+)", one[:60]))]
    return {"python": versions[0]} if versions else {}


def _asset(raw: dict[str, Any], draft: Draft) -> dict[str, Any]:
    command = draft.text(raw, "command")
    language = "python" if re.search(r"\bpython", command) else "r" if "Rscript" in command else "shell"
    usage = {"language": "bash", "code": command} if 0 < len(command) <= 20_000 else None
    return {"language": language, "usage": usage} | _interface(raw, draft)


def _pipeline(raw: dict[str, Any], draft: Draft) -> dict[str, Any]:
    return {"steps": [_step(name, job) for name, job in draft.mapping(raw, "jobs").items()]} | _interface(raw, draft)


def _step(name: str, job: Any) -> dict[str, Any]:
    job = job if isinstance(job, dict) else {}
    component = job.get("component")
    uses = _reference(component, "asset") if isinstance(component, str) else None
    described = job.get("display_name") or job.get("description") or job.get("type")
    step = {"name": fit(name, 400), "description": plain(described) if described else "", "uses": uses}
    return {key: value for key, value in step.items() if value}


def _interface(raw: dict[str, Any], draft: Draft) -> dict[str, Any]:
    return {
        field: [_parameter(name, value) for name, value in draft.mapping(raw, field).items()]
        for field in ("inputs", "outputs")
    }


def _parameter(name: str, value: Any) -> dict[str, str]:
    """A component declares its parameters; a job gives them values."""
    declared = value if isinstance(value, dict) else {"value": value}
    given = [f"{key}: {plain(declared[key])}" for key in ("default", "value", "path") if declared.get(key) is not None]
    remarks = [plain(declared.get("description", "")), "Optional." if declared.get("optional") is True else "", *given]
    parameter = {
        "name": fit(name, 400),
        "type": fit(plain(declared.get("type") or _type_of(value)), 400),
        "description": " ".join(filter(None, remarks)),
    }
    return {key: text for key, text in parameter.items() if text}


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", dict: "uri_folder", type(None): "not stated"}
    return names.get(type(value), "string")


def _references(value: Any, kind: str | None) -> Iterator[str]:
    """Every registered thing that is named below ``value``; ``kind`` is what a bare name means there."""
    if isinstance(value, str) and (found := _reference(value, kind)):
        yield found
    elif isinstance(value, list):
        for child in value:
            yield from _references(child, kind)
    elif isinstance(value, dict):
        data = "model" if str(value.get("type", "")).endswith("_model") else "dataset"
        for name, child in value.items():
            means = data if name == "path" else _KINDS_OF_FIELDS.get(name)
            if name == "inputs" and isinstance(child, dict):
                for given in child.values():
                    yield from _references(given, "dataset")
            else:
                yield from _references(child, means)


def _reference(value: str, kind: str | None) -> str | None:
    if not value.startswith("azureml:") or len(value) > _LONGEST_REFERENCE:
        return None
    if located := _LOCATED.fullmatch(value):
        kind, name = _LOCATED_KINDS.get(located.group(1), "dataset"), located.group(2)
    elif (named := _NAMED.fullmatch(value)) and kind:
        name = named.group(1)
    else:
        return None
    return f"{kind}:{DEFAULT_NAMESPACE}/{name}" if NAME.fullmatch(name) else None


_SPECS = {"model": _model, "dataset": _dataset, "environment": _environment, "asset": _asset, "pipeline": _pipeline}
