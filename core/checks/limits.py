"""The limits of the organisation: what a check judges by where the checklist says nothing else. Given as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.checks.task import SOURCE

POLICY = "policy:default/validation-limits"
"""The entry of the catalog whose ``limits`` are the defaults."""
FROM_CHECKLIST = "the checklist"

Limits = Mapping[str, Mapping[str, Any]]
"""Check → ``values`` (parameter → tier → value) and ``source``, as the policy's ``limits`` have it in YAML."""


def merged(check: str, parameters: Mapping[str, Any], limits: Limits, *, tier: str) -> dict[str, Any]:
    """The parameters of an item for a tier, over the defaults of its check.

    The source goes with the values: where the item sets one of its own and names no source, the policy's source no
    longer speaks for it. A tier that neither side knows leaves a parameter out, and the check says that it is not set.
    """
    policy = limits.get(check, {})
    defaults, own = _of_tier(policy.get("values", {}), tier), _of_tier(parameters, tier)
    merged = defaults | own
    if SOURCE.name not in own and defaults:
        changed = any(name in own and own[name] != value for name, value in defaults.items())
        merged[SOURCE.name] = FROM_CHECKLIST if changed else policy.get("source", "")
    return merged


def _of_tier(values: Mapping[str, Any], tier: str) -> dict[str, Any]:
    chosen = {name: value.get(tier) if isinstance(value, Mapping) else value for name, value in values.items()}
    return {name: value for name, value in chosen.items() if value is not None}
