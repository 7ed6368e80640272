"""Importing what a person uploads: first what it would do, then, if they want that, the import."""

from __future__ import annotations

import hashlib

import streamlit as st

from core.access.policy import Actor
from core.catalog import archives, loader, sources
from core.catalog.loader import Report
from core.errors import PortalError
from pages.parts import notices
from pages.parts.admin import import_report

UPLOAD = "import:upload"


def show(actor: Actor, teams: dict[str, str]) -> None:
    """The file, the team of what names no owner, and both steps."""
    file = st.file_uploader(
        "File or zip with definitions", max_upload_size=archives.MAX_BYTES // 1024**2,
        help=f"{sources.UPLOADED} Ours, Backstage, Azure ML, MLflow projects or deon; what it does not mention stays as it is.",
    )  # fmt: skip
    owner = st.selectbox(
        "Team for definitions that name no owner", teams, index=None, format_func=teams.__getitem__, key="default_owner"
    )
    if file is None:
        st.session_state.pop("import_checked", None)
        return
    content, name = file.getvalue(), file.name
    print_ = hashlib.sha256(f"{owner}\0{name}\0".encode("utf-8", "replace") + content).hexdigest()
    with st.container(horizontal=True):
        check = st.button("Check what it would do", icon=":material/rule:")
        checked, report = st.session_state.get("import_checked", ("", None))
        apply = checked == print_ and not check and st.button("Apply", type="primary", icon=":material/publish:")
    if check or apply:
        report = _run(actor, name, content, owner, dry_run=not apply)
        if report is None:
            return
        st.session_state["import_checked"] = (print_ if report.dry_run else "", report)
        st.rerun()
    if report is not None:
        import_report.show(report.counts, report.first(import_report.MOST_ROWS), dry_run=report.dry_run)


def _run(actor: Actor, name: str, content: bytes, owner: str | None, *, dry_run: bool) -> Report | None:
    try:
        with sources.uploaded(name, content, default_owner=owner) as files:
            return loader.run(actor, source=UPLOAD, files=files, whole=False, dry_run=dry_run)
    except PortalError as error:
        notices.refuse(error)
    return None
