"""Make a version the champion. Nothing else in this repository moves that alias."""

from __future__ import annotations

from . import gate, tracking
from .settings import Settings


def promote(settings: Settings, version: str, *, portal: str, token: str) -> gate.Answer:
    """Ask the gate of production and, after its yes, move the aliases and read them back."""
    answer = gate.ask(settings.model_name, version, "production", portal=portal, token=token)
    if not answer.allowed:
        return answer
    client, name = tracking.connect(settings), settings.model_name
    approved = str(client.get_model_version(name, version).version)
    champion = tracking.version_of(client, settings, "champion")
    challenger = tracking.version_of(client, settings, "challenger")
    if champion is not None and str(champion.version) != approved:
        client.set_registered_model_alias(name, "previous_champion", champion.version)
    client.set_registered_model_alias(name, "champion", approved)
    if challenger is not None and str(challenger.version) == approved:
        client.delete_registered_model_alias(name, "challenger")
    moved = tracking.version_of(client, settings, "champion")
    if moved is None or str(moved.version) != approved:
        raise RuntimeError("the alias champion was not moved; look at the registry")
    return answer
