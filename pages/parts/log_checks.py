"""What one does with the log as a whole: verify it, seal it, take it away."""

from __future__ import annotations

from functools import partial
from time import perf_counter

import streamlit as st

from core import db, jobs
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.activity import queries
from core.errors import PortalError
from pages.parts import badges, notices, texts

MOST_TO_DOWNLOAD = 200_000


def show(actor: Actor) -> None:
    """The buttons, and below them what came out."""
    with st.container(horizontal=True):
        verify = st.button("Verify the log", icon=":material/verified_user:", type="primary")
        seal = policy.may(actor, "admin.jobs") and st.button(
            "Seal now",
            icon=":material/lock:",
            help="Signs the log as it stands; it happens by itself every ten minutes.",
        )
        export = st.popover("Export", icon=":material/download:", on_change="rerun", key="export")
    if export.open:
        with export:
            _export(actor)
    if verify:
        _verify(actor)
    if seal:
        _seal(actor)


def _verify(actor: Actor) -> None:
    started = perf_counter()
    with st.spinner("Reading the whole log …"), db.reading() as session:
        found = queries.verify(session, actor)
    took = f"{perf_counter() - started:.2f} s"
    for remark in found.remarks:
        st.warning(f"{notices.plain(remark.capitalize())}.", icon=":material/content_cut:")
    sealed = f"sealed up to record {found.sealed_to:,}" if found.sealed_to else "not sealed yet"
    if found.state == "intact":
        st.success(
            f"Intact: {badges.count(found.records, 'record')}, {sealed}, read in {took}.",
            icon=":material/verified_user:",
        )
        if found.keys:
            st.caption(
                "Sealed with the key of this fingerprint; whoever keeps it can insist on it when they verify an export."
            )
            texts.code("\n".join(found.keys))
        return
    st.error(
        f"**{found.state.capitalize()}** at record {found.record:,}: {notices.plain(found.reason)}. The "
        f"{found.records:,} before it hold; {sealed}. Compare with a backup before anybody writes on.",
        icon=":material/gpp_bad:",
    )  # fmt: skip


def _seal(actor: Actor) -> None:
    try:
        jobs.enqueue(actor, "seal-log")
    except PortalError as error:
        notices.refuse(error)
    else:
        st.success("The log will be sealed in a few seconds.", icon=":material/lock:")


def _export(actor: Actor) -> None:
    with db.reading() as session:
        length = queries.length(session, actor)
    if length > MOST_TO_DOWNLOAD:
        st.markdown("The log is too long for a download. On the portal's machine:")
        texts.code("python -m core verify --export log.jsonl")
        return
    st.markdown("All records and seals as JSON lines; anybody can verify them without the portal.")
    st.download_button(
        "Download",
        data=partial(exported, actor.id),
        file_name="activity.jsonl",
        mime="application/jsonl",
        icon=":material/download:",
    )


def exported(person_id: str) -> bytes:
    """The log as a person may have it at the moment of the click, which is later than that of the page."""
    with db.reading() as session:
        actor = people.actor_for(session, person_id)
        return "".join(queries.export(session, actor)).encode() if actor else b""
