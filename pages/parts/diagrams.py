"""Diagrams generated from data, as Mermaid text with labels that mean nothing to Mermaid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.catalog.queries import EntryPage, Relation

MOST_NODES = 24


def relations(page: EntryPage) -> tuple[str, str]:
    """An entry among its relations, and the same in words."""
    lines = ["flowchart LR", f'  self["{quoted(page.entry.title)}"]']
    named = [(one, True) for one in page.relations] + [(one, False) for one in page.named_by]
    for index, (relation, outgoing) in enumerate(named[:MOST_NODES]):
        lines.append(f'  n{index}["{quoted(relation.title or relation.key)}"]')
        source, target = ("self", f"n{index}") if outgoing else (f"n{index}", "self")
        lines.append(f'  {source} -- "{quoted(relation.relation)}" --> {target}')
    return "\n".join(lines), _in_words(page.entry.title, page.relations, page.named_by)


def pattern(diagram: dict[str, Any]) -> str:
    """A pattern's diagram, its nodes boxed by group."""
    lines = ["flowchart TB"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for node in diagram.get("nodes", []):
        groups.setdefault(node.get("group", ""), []).append(node)
    for index, (group, nodes) in enumerate(groups.items()):
        boxed = [f'  {node["id"]}_["{quoted(node["label"])}"]' for node in nodes]
        lines += [f'  subgraph g{index}["{quoted(group)}"]', *boxed, "  end"] if group else boxed
    for edge in diagram.get("edges", []):
        label = f' -- "{quoted(edge["label"])}" -->' if edge.get("label") else " -->"
        lines.append(f"  {edge['from']}_{label} {edge['to']}_")
    return "\n".join(lines)


def _in_words(title: str, outgoing: Iterable[Relation], incoming: Iterable[Relation]) -> str:
    words = [f"{title} {one.relation} {one.title or one.key}" for one in outgoing]
    words += [f"{one.title} {one.relation} {title}" for one in incoming]
    return "; ".join(words) or f"{title} has no relations"


def quoted(text: str) -> str:
    """``text`` as the inside of a quoted Mermaid label: entities instead of anything with a meaning."""
    return "".join(one if one.isalnum() or one in " -_,.:/()" else f"#{ord(one)};" for one in text)[:200]
