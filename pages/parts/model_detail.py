"""One registered model: its versions with aliases, metrics and data, and how the key metric moved."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.activity import queries as activity
from core.errors import PortalError
from core.projects import queries as projects
from core.reviews import boards, readable
from core.tracking import queries as tracking
from pages.parts import badges, case_list, charts, gate_steps, notices, timeline
from pages.parts.notices import plain


def show(actor: Actor, name: str) -> None:
    """The model's page."""
    try:
        with db.reading() as session:
            model = tracking.model_detail(session, actor, name)
            project = projects.project(session, actor, model.projects[0][0]).project if model.projects else None
            moves = activity.object_history(
                session, actor, tracking.subject(name), seen=readable.seen_by(session, actor)
            )
    except PortalError as error:
        st.title("Model")
        notices.refuse(error)
        st.page_link("models.py", label="All models", icon=":material/arrow_back:")
        return
    st.page_link("models.py", label="All models", icon=":material/arrow_back:")
    st.title(plain(model.name), anchor=False)
    if model.gone_at:
        st.warning(f"Gone from MLflow since {badges.exact(model.gone_at)}; what the mirror knew is kept.", icon=":material/cloud_off:")  # fmt: skip
    owner = f"{project.title}, owned by {project.team} ({project.unit})" if project else "no project claims this model"
    st.markdown(plain(owner))
    st.caption(f"As of {badges.ago(model.as_of)} ({badges.exact(model.as_of)})")
    if model.description:
        st.markdown(plain(model.description))
    if project and project.key_metric:
        st.subheader(f"{plain(project.key_metric)} by version", anchor=False)
        charts.metric_by_version(model.versions, project.key_metric, higher_is_better=project.higher_is_better)
    _versions(model.versions, project.key_metric if project else "")
    _reviews(actor, model.name)
    if project and project.running and model.versions and policy.may(actor, "case.answer", project.scope):
        newest = f"{model.name}/{model.versions[0].version}"
        st.page_link("reviews.py", label="Open a review case on a version", query_params={"open_for": project.id, "model": newest}, icon=":material/rate_review:")  # fmt: skip
    gate_steps.show(model.name)
    if moves:
        st.subheader("What happened", anchor=False)
        with db.reading() as session:
            timeline.show(session, moves)


def _reviews(actor: Actor, name: str) -> None:
    """The review cases of the model's versions that this person may see."""
    with db.reading() as session:
        found = boards.queue(session, actor, view="all", model=name, size=10)
        names = people.names(session, {one.owner for one in found.items})
    if found.items:
        st.subheader("Reviews", anchor=False)
        case_list.lines(found.items, names)
    if found.total > len(found.items):
        st.page_link("reviews.py", label=f"All {found.total} cases", query_params={"cases": "all", "q": name}, icon=":material/rate_review:")  # fmt: skip


def _versions(versions: list[tracking.VersionLine], key_metric: str) -> None:
    st.subheader("Versions", anchor=False)
    st.table(
        {
            "Version": [one.version for one in versions],
            "Alias": [plain(", ".join(one.aliases)) for one in versions],
            "Run": [plain(one.run_name or one.run_id[:8]) for one in versions],
            plain(key_metric or "Key metric"): [_value(one, key_metric) for one in versions],
            "Evaluated on": [plain(_data(one)) for one in versions],
            "Registered": [badges.exact(one.created_at) for one in versions],
        },
        border="horizontal", hide_index=True, alt=f"{len(versions)} versions",
    )  # fmt: skip
    for one in versions:
        panel = st.expander(
            f"Version {one.version}: metrics, parameters, tags", on_change="rerun", key=f"version_{one.version}"
        )
        if panel.open:
            with panel:
                _details(one)


def _details(one: tracking.VersionLine) -> None:
    for title, values in (("Metrics", one.metrics), ("Parameters", one.params), ("Tags", one.tags | one.run_tags)):
        shown = {name: value for name, value in sorted(values.items()) if not name.startswith("mlflow.log-model")}
        if shown:
            st.markdown(f"**{title}**")
            st.table(
                {"Name": [plain(name) for name in shown], "Value": [plain(f"{value:.6g}" if isinstance(value, float) else str(value)) for value in shown.values()]},
                border="horizontal", hide_index=True, alt=f"{title} of version {one.version}",
            )  # fmt: skip


def _value(one: tracking.VersionLine, metric: str) -> str:
    return f"{one.metrics[metric]:.4g}" if metric in one.metrics else "not measured"


def _data(one: tracking.VersionLine) -> str:
    held_out = [data for data in one.datasets if data.get("context") in tracking.EVALUATED_ON]
    return ", ".join(f"{data.get('name', '')} {data.get('digest', '')}".strip() for data in held_out) or "not recorded"
