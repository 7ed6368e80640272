"""What a project would declare that keeps to its pattern unchanged: the form starts with it. Pure, no store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.patterns.inheritance import Condition

SENSITIVITY = {"restricted": "regulated"}
"""A project's classification → the word of a pattern's variants, where they differ."""


@dataclass(frozen=True)
class Suggestion:
    """Regions and services to choose from, and those that a project keeps when it changes nothing."""

    region: str
    regions: list[str]
    services: dict[str, list[str]]
    known_services: list[str]


def unchanged(
    spec: Mapping[str, Any], conditions: Iterable[Condition], classification: str, region: str = ""
) -> Suggestion:
    """The declarations for a project with data of this ``classification``, in its ``region`` if the variant allows it.

    A pattern describes its services in sentences; the names that its approvals allow are looked for in them, stage by
    stage, so that a project without changes names services that are approved.
    """
    asked = list(conditions)
    variant = _variant(spec, classification)
    meant = [str(one) for one in variant.get("regions", [])]
    allowed = [value for one in asked if one.fact == "region" for value in one.allowed]
    elsewhere = [str(region) for one in spec.get("variants", []) for region in one.get("regions", [])]
    regions = list(dict.fromkeys([*meant, *allowed, *elsewhere]))
    known = list(dict.fromkeys(value for one in asked if one.fact == "services" for value in one.allowed))
    stages = {
        **spec.get("services", {}),
        **{stage: names for stage, names in variant.get("services", {}).items() if names},
    }
    named = {stage: [one for one in known if _mentions(texts, one)] for stage, texts in stages.items()}
    usual = region if region in meant or not meant else meant[0]
    return Suggestion(usual, regions, {stage: names for stage, names in named.items() if names}, known)


def _variant(spec: Mapping[str, Any], classification: str) -> Mapping[str, Any]:
    wanted = SENSITIVITY.get(classification, classification)
    return next((one for one in spec.get("variants", []) if one.get("classification") == wanted), {})


def _mentions(texts: Iterable[str], name: str) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for text in texts)
