"""Definitions of other systems, read into ours: Backstage, Azure Machine Learning v2, MLflow projects and deon.

What has a place among our kinds becomes an entry in our envelope; the rest of Backstage's kinds are kept as they are,
to be found and read. Nothing a document points to is ever fetched, and nothing it describes is ever run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.catalog.documents import Definition
from core.catalog.foreign import azureml, backstage, deon, mlproject
from core.catalog.foreign.draft import Draft

UNDERSTOOD = (
    "Understood are entries of ours (apiVersion factory/v1), Backstage (apiVersion backstage.io/v1alpha1), "
    "Azure ML v2 ($schema model, data, environment, commandComponent, pipelineComponent, pipelineJob), MLproject files and "
    "checklists of deon."
)

Reader = Callable[[dict[str, Any], Draft], Definition | None]


def reader_of(raw: dict[str, Any], origin: str) -> Reader | None:
    """What reads this document, told by its content or, for an MLflow project, by its file's name."""
    if mlproject.recognises(origin):
        return mlproject.read
    if backstage.recognises(raw):
        return backstage.read
    if deon.recognises(raw):
        return deon.read
    return azureml.read if azureml.recognises(raw) else None
