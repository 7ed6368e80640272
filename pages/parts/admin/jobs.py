"""Jobs: asking for a run, and how the last ones went."""

from __future__ import annotations

import streamlit as st

from core import db, jobs
from core.access.policy import Actor
from core.errors import PortalError, Unavailable
from pages.parts import badges, notices
from pages.parts.notices import plain

_STATES = {"success": "done", "error": "failed", "enqueued": "waiting", "pending": "running"}


def show(actor: Actor) -> None:
    """A button for every job, and the latest runs, renewed by itself."""
    for name, purpose in jobs.JOBS.items():
        if name in jobs.OF_A_SOURCE:  # asked for beside the source
            continue
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(purpose)}**", width="stretch")
            if st.button("Run", key=f"run_{name}", icon=":material/play_arrow:", help=purpose):
                _run(actor, name)
    _recent(actor)


def _run(actor: Actor, name: str) -> None:
    try:
        jobs.enqueue(actor, name)
    except PortalError as error:
        notices.refuse(error)
    else:
        st.toast(f"Queued: {jobs.JOBS[name].lower()}.", icon=":material/schedule:")


@st.fragment(run_every="10s")
def _recent(actor: Actor) -> None:
    st.subheader("Latest runs", anchor=False)
    try:
        runs = jobs.recent(actor)
    except Unavailable as error:
        st.info(f"{plain(error.message)} {plain(error.hint)}", icon=":material/hourglass_empty:")
        return
    st.caption(f"As of {badges.exact(db.now())}, renewed every ten seconds")
    if not runs:
        st.info("No job has run yet.", icon=":material/schedule:")
        return
    st.table(
        {
            "Job": [plain(jobs.JOBS.get(one.name, one.name.replace("-", " ").capitalize())) for one in runs],
            "State": [_STATES.get(one.state, plain(one.state)) for one in runs],
            "Started": [f"{badges.ago(one.started_at)} ({badges.exact(one.started_at)})" for one in runs],
            "Error": [plain(one.error) for one in runs],
        },
        border="horizontal", hide_index=True, alt="The latest job runs with state and error",
    )  # fmt: skip
