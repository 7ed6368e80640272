"""The evidence of a case: the copy it rests on, uploaded files, and how it differs from the version before."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import db
from core.access.policy import Actor
from core.errors import PortalError
from core.evidence import files, keeping
from core.reviews import answering, assigning, carrying, opening, watching
from core.reviews.queries import CaseDetail
from pages.parts import badges, notices
from pages.parts.notices import plain

_OUTCOMES = {
    "same": ("Same as in MLflow", ":material/check_circle:", "green"),
    "changed": ("Changed in MLflow", ":material/warning:", "red"),
    "unreachable": ("MLflow did not answer", ":material/cloud_off:", "orange"),
}


def show(actor: Actor, detail: CaseDetail) -> None:
    """The copy with its digest, files, and the comparison."""
    if any(one.person_id == actor.id and one.opened_at is None for one in detail.seats):
        with db.writing() as session:
            assigning.note_opened(session, actor=actor, case_id=detail.case.id or 0)
    _copy(actor, detail)
    _files(actor, detail)
    _comparison(detail)


def _copy(actor: Actor, detail: CaseDetail) -> None:
    snapshot = detail.snapshot
    if snapshot is None:
        st.info("No evidence is attached yet: it is copied from MLflow, with hashes, and judged at once.", icon=":material/content_copy:")  # fmt: skip
    else:
        st.markdown(f"Copied {badges.ago(snapshot.taken_at)} · SHA-256 {snapshot.digest[:16]}… " + _checked(detail))
        if detail.check and detail.check.outcome == "changed":
            for one in detail.check.differences:
                st.caption(f":material/warning: {plain(' '.join(str(value) for value in one.values() if value))}")
        _content(snapshot.content)
        if detail.may & {"answer", "suspend", "decide"} and st.button("Compare it with MLflow now", icon=":material/compare_arrows:", key="compare"):  # fmt: skip
            _compare(actor, detail)
    if "attach" in detail.may and st.button("Copy the evidence from MLflow" if snapshot is None else "Copy it again", icon=":material/sync:", type="primary" if snapshot is None else "secondary", key="attach"):  # fmt: skip
        attach(actor, detail)


def _compare(actor: Actor, detail: CaseDetail) -> None:
    try:
        with st.spinner("Comparing with MLflow …"):
            found = watching.compare(actor, detail.case.id or 0)
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun(_OUTCOMES[found.outcome][0] + ".")
    st.rerun()


def attach(actor: Actor, detail: CaseDetail) -> None:
    """Copy what MLflow says now, outside of any transaction, and let the case rest on it."""
    try:
        with st.spinner("Copying metrics, data sets, artifacts and environment from MLflow …"):
            made = keeping.fresh(detail.case.name, detail.case.version, actor=actor)
        with db.writing() as session:
            opening.attach(session, actor=actor, case_id=detail.case.id or 0, snapshot_id=made.id or 0)
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun("The evidence is attached, and every check has judged it.")
    st.rerun()


def _checked(detail: CaseDetail) -> str:
    check = detail.check
    return f"{badges.text(*_OUTCOMES[check.outcome])} {badges.ago(check.checked_at)}" if check else ""


def _content(content: dict[str, Any]) -> None:
    metrics = content.get("metrics", {})
    rows = [
        {"Metric": name, "Value": "–" if one["value"] is None else f"{one['value']:.4g}", "Dataset": one.get("dataset") or "–",
         "Written": "more than once" if one.get("overwritten") else "once a step"}
        for name, one in sorted(metrics.items())
    ]  # fmt: skip
    if rows:
        with st.expander(f"{badges.count(len(rows), 'metric')}", icon=":material/query_stats:"):
            st.dataframe(rows, hide_index=True)
    with st.expander("Everything that was copied", icon=":material/data_object:"):
        st.json(content, expanded=1)


def _files(actor: Actor, detail: CaseDetail) -> None:
    st.markdown("**Uploaded files**")
    for one in detail.files:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"{plain(one.name)} · {plain(one.media_type)} · {one.size:,} bytes · SHA-256 {one.sha256[:12]}…"
            )
            st.download_button("Download", lambda one=one: _read(one), file_name=one.name, mime="application/octet-stream", on_click="ignore", key=f"file {one.id}", icon=":material/download:")  # type: ignore[misc]  # fmt: skip
    if not detail.files:
        st.caption("None yet: reports, minutes and photographs of tests that are in no MLflow run go here.")
    if "answer" in detail.may:
        given = st.file_uploader("Upload a file as evidence", key=f"upload {len(detail.files)}")
        if given is not None and st.button("Keep it", icon=":material/upload:", key="keep"):
            try:
                files.put(given.getvalue())
                with db.writing() as session:
                    answering.upload(
                        session, actor=actor, case_id=detail.case.id or 0, name=given.name, data=given.getvalue()
                    )
            except PortalError as error:
                notices.refuse(error)
                return
            notices.after_rerun(f"{given.name} is kept.")
            st.rerun()


def _read(file: Any) -> bytes:
    with db.reading() as session:
        return files.read(session, file)


def _comparison(detail: CaseDetail) -> None:
    if not detail.case.previous_id:
        return
    with db.reading() as session:
        found = carrying.comparison(session, detail.case)
    if found is None:
        return
    st.markdown(f"**Against version {plain(found.previous_version)}**")
    st.page_link("review.py", label=f"Case {found.previous_id}", query_params={"id": str(found.previous_id)}, icon=":material/history:")  # fmt: skip
    for item in found.reopened:
        st.caption(f"{plain(item.item_id)} {plain(item.summary)}: {plain(item.change)}")
    rows = [{"Metric": one.name, "Before": _figure(one.old), "Now": _figure(one.new), "Difference": _signed(one.difference), "Beyond chance": {True: "yes", False: "not shown", None: "unknown"}[one.apart]} for one in found.metrics]  # fmt: skip
    if rows:
        st.dataframe(rows, hide_index=True)


def _figure(one: carrying.Figure | None) -> str:
    if one is None or one.value is None:
        return "–"
    ends = one.interval
    return f"{one.value:.4g}" + (f" ({ends[0]:.4g} to {ends[1]:.4g})" if ends else "")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4g}"
