"""Where a project stands: its one next step, and the way to another stage with what is still open."""

from __future__ import annotations

import streamlit as st

from core.access.policy import Actor
from core.projects import actions, gates
from core.projects.gates import Step
from core.projects.queries import ProjectDetail
from pages.parts import badges, writing
from pages.parts.notices import plain

STAGES = {
    "explore": ("Explore", ":material/explore:", "blue"),
    "experiment": ("Experiment", ":material/science:", "violet"),
    "operate": ("Operate", ":material/monitoring:", "green"),
    "stopped": ("Stopped", ":material/stop_circle:", "gray"),
    "closed": ("Closed", ":material/task_alt:", "gray"),
}
_DOORS = {
    "overview": "Change the project", "risk": "Open the risk tab", "reuse": "Open the reuse review",
    "pattern": "Open the pattern tab", "retrospective": "Open the retrospective", "models": "Open the model",
    "catalog": "Find a checklist",
}  # fmt: skip


def badge(stage: str) -> str:
    """A stage as icon, word and colour, inside Markdown."""
    return badges.text(*STAGES[stage])


def next_step(actor: Actor, detail: ProjectDetail, *, may_change: bool) -> None:
    """The one next step as the page's primary action."""
    step = detail.next_step
    if step is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Next: {plain(step.text)}.** {plain(step.why)}", width="stretch")
        if step.where == "stage":
            if may_change:
                mover(actor, detail, primary=True)
        elif may_change or step.where != "overview":
            st.button(_DOORS[step.where], type="primary", key="next_step", on_click=_go, args=(step, detail))
    if (door := st.session_state.pop("next_door", None)) is not None:
        page, query = door
        st.switch_page(page, query_params=query)


def _go(step: Step, detail: ProjectDetail) -> None:
    doors = {
        "overview": ("project.py", {"id": detail.project.id, "edit": str(detail.record.revision)}),
        "models": ("models.py", {"model": detail.project.registered_model}),
        "catalog": ("catalog.py", {"kind": "checklist"}),
    }
    if step.where in doors:
        st.session_state["next_door"] = doors[step.where]
    else:
        st.session_state["tab"] = step.where.capitalize()


def mover(actor: Actor, detail: ProjectDetail, *, primary: bool = False) -> None:
    """Move the project: the stages it may go to, what is open before each, and the finding where it ends."""
    project = detail.project
    options = actions.NEXT_STAGES[project.stage]
    if not options:
        return
    with st.popover("Move stage", icon=":material/moving:", type="primary" if primary else "secondary"):
        stage = st.radio("Move to", options, format_func=lambda one: STAGES[one][0], key="move_to")
        points = gates.open_points(detail.facts, stage)
        if points:
            st.markdown("**Still open**")
            st.markdown("\n".join(f"- {plain(point.text)}" for point in points))
        finding = ""
        if stage == "stopped":
            finding = st.text_area("Finding", key="move_finding", max_chars=actions.LENGTHS["finding"], placeholder="What was tried, what came out, and what the next team should know.", help="Kept in the catalog, where the next team finds it.")  # fmt: skip
        elif stage == "closed":
            st.caption("The retrospective says what the next team should know.")
        if st.button("Move", type="primary", key="move", disabled=bool(points)):
            writing.attempt(
                actions.move, actor=actor, project_id=project.id, stage=stage, finding=finding,
                done=f"{project.title} moved to {stage}.",
            )  # fmt: skip
