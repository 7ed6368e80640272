"""Jobs: asking for a run, how those went, and how the schedules went."""

from __future__ import annotations

import streamlit as st

from core import db, jobs
from core.access.policy import Actor
from core.errors import PortalError, Unavailable
from core.jobs import JobRun, Schedule
from pages.parts import actor as actors
from pages.parts import badges, notices
from pages.parts.notices import plain

_STATES = {
    "success": "done", "error": "failed", "max_recovery_attempts_exceeded": "given up", "enqueued": "waiting",
    "pending": "running",
}  # fmt: skip


def show(actor: Actor) -> None:
    """A button for every job, the latest runs that were asked for, and how the schedules went, renewed by itself."""
    for name, purpose in jobs.JOBS.items():
        if name in jobs.OF_A_SOURCE:  # asked for beside the source
            continue
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(purpose)}**", width="stretch")
            if st.button("Run", key=f"run_{name}", icon=":material/play_arrow:", help=purpose):
                _run(actor, name)
    _runs()


def _run(actor: Actor, name: str) -> None:
    try:
        jobs.enqueue(actor, name)
    except PortalError as error:
        notices.refuse(error)
    else:
        st.toast(f"Queued: {jobs.JOBS[name].lower()}.", icon=":material/schedule:")


@st.fragment(run_every="10s")
def _runs() -> None:
    try:
        actor = actors.current()  # it runs again without the page, long after somebody lost the role
        asked, scheduled = jobs.recent(actor), jobs.schedules(actor)
    except Unavailable as error:
        st.info(f"{plain(error.message)} {plain(error.hint)}", icon=":material/hourglass_empty:")
        return
    except PortalError as error:
        notices.refuse(error)
        return
    st.subheader("Asked for", anchor=False)
    st.caption(f"As of {badges.exact(db.now())}, renewed every ten seconds")
    _show_asked(asked)
    st.subheader("On schedule", anchor=False)
    _show_scheduled(scheduled)


def _show_asked(runs: list[JobRun]) -> None:
    if not runs:
        st.info("Nobody has asked for a job yet.", icon=":material/schedule:")
        return
    st.table(
        {
            "Job": [_purpose(one.name) for one in runs],
            "State": [_state(one) for one in runs],
            "Started": [_moment(one) for one in runs],
            "Error": [plain(one.error) for one in runs],
        },
        border="horizontal", hide_index=True, alt="The latest runs that were asked for, with state and error",
    )  # fmt: skip


def _show_scheduled(schedules: list[Schedule]) -> None:
    st.table(
        {
            "Job": [_purpose(one.job) for one in schedules],
            "Last run": [_moment(one.last) for one in schedules],
            "State": [_state(one.last) for one in schedules],
            "Last failure": [_moment(one.failure) for one in schedules],
            "Error": [plain(one.failure.error) if one.failure else "" for one in schedules],
        },
        border="horizontal", hide_index=True, alt="Every schedule with its last run and its last failure",
    )  # fmt: skip


def _purpose(name: str) -> str:
    return plain(jobs.JOBS.get(name, name.replace("-", " ").capitalize()))


def _state(run: JobRun | None) -> str:
    return _STATES.get(run.state, plain(run.state)) if run else "not yet"


def _moment(run: JobRun | None) -> str:
    return f"{badges.ago(run.started_at)} ({badges.exact(run.started_at)})" if run else ""
