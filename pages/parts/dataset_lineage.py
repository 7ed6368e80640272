"""Versions of a dataset with the digests that runs saw, and the diagram from its producers to the models."""

from __future__ import annotations

import streamlit as st

from core.catalog.queries import EntryPage
from core.datasets.lineage import Lineage
from pages.parts import badges, diagrams
from pages.parts.notices import plain

MOST_NODES = 24
"""Boxes of the diagram; the rest stands in the tables below it."""


def versions(page: EntryPage, found: Lineage) -> None:
    """Versions of the entry, and the states of the data that runs logged."""
    st.table(
        {
            "Version": [plain(one.version) for one in page.versions],
            "Released": [one.released or "not dated" for one in page.versions],
            "Notes": [plain(one.notes) or "no notes" for one in page.versions],
        },
        border="horizontal", hide_index=True, alt=f"Versions of {page.entry.title}",
    )  # fmt: skip
    st.markdown("**Digests in MLflow**")
    if not found.digests:
        st.info(f"No run has logged a dataset named {plain(page.entry.name)}. With mlflow.log_input its digests show here.", icon=":material/fingerprint:")  # fmt: skip
        return
    st.table(
        {
            "Digest": [plain(one.digest) for one in found.digests],
            "Used for": [plain(one.contexts) or "not said" for one in found.digests],
            "Runs": [str(one.runs) for one in found.digests],
            "First seen": [badges.exact(one.first_at) for one in found.digests],
            "Last seen": [badges.exact(one.last_at) for one in found.digests],
        },
        border="horizontal", hide_index=True, alt=f"{len(found.digests)} digests of {page.entry.title}",
    )  # fmt: skip
    if len(found.digests) > 1:
        st.caption("More than one digest: runs of one digest were trained or measured on the same data, others were not.")  # fmt: skip


def show(page: EntryPage, found: Lineage) -> None:
    """The diagram, and the same as tables."""
    if found.is_empty:
        st.info("Nothing is known of where these data come from or go. Adopt the dataset for a project, or log it as a run's input.", icon=":material/conversion_path:")  # fmt: skip
        return
    lines, words = diagram(page.entry.title, found)
    st.mermaid_chart(lines, alt=words)
    if found.models:
        st.table(
            {
                "Model": [plain(one.model) for one in found.models],
                "Project": [plain(one.project or one.project_id) or "none" for one in found.models],
                "Versions": [str(one.versions) for one in found.models],
                "Digests": [str(one.digests) for one in found.models],
            },
            border="horizontal", hide_index=True, alt=f"{len(found.models)} models trained or measured on it",
        )  # fmt: skip
    for project_id, title in _projects(found).items():
        st.page_link("project.py", label=plain(title), query_params={"id": project_id}, icon=badges.kind_icon("project"))  # fmt: skip


def diagram(title: str, found: Lineage) -> tuple[str, str]:
    """Mermaid text of at most :data:`MOST_NODES` boxes, and the same in words."""
    edges = [(producer, title) for producer in found.producers]
    projects = _projects(found)
    runs = {project_id: count for project_id, _, count in found.projects}
    edges += [(title, _counted(name, runs.get(project_id, 0), "run")) for project_id, name in projects.items()]
    for one in found.models:
        source = _counted(projects[one.project_id], runs.get(one.project_id, 0), "run") if one.project_id in projects else title  # fmt: skip
        edges.append((source, _counted(one.model, one.versions, "version")))
    edges += [(title, consumer) for consumer in found.consumers]
    ids: dict[str, str] = {}
    lines = ["flowchart LR"]
    for source, target in edges:
        if len({*ids, source, target}) > MOST_NODES:
            break
        for one in (source, target):
            if one not in ids:
                ids[one] = f"n{len(ids)}"
                lines.append(f'  {ids[one]}["{diagrams.quoted(one)}"]')
        lines.append(f"  {ids[source]} --> {ids[target]}")
    return "\n".join(lines), "Lineage: " + "; ".join(f"{source} to {target}" for source, target in edges)[:2000]


def _projects(found: Lineage) -> dict[str, str]:
    """Id → title of the projects that adopted it or whose runs read it."""
    adopted = {one.project_id: one.title for one in found.adopters}
    return adopted | {project_id: title for project_id, title, _ in found.projects}


def _counted(name: str, number: int, what: str) -> str:
    return f"{name} ({badges.count(number, what)})" if number else name
