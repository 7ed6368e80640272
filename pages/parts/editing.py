"""Writing a proposal: form or YAML, README, preview, difference, and sending it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core import db
from core.access.policy import Actor
from core.catalog import actions, export
from core.catalog import forms as fields_
from core.catalog.documents import Problem
from core.catalog.forms import FormField
from core.catalog.queries import EntryPage
from core.errors import PortalError
from pages.parts import differences, drafts, forms, notices, texts
from pages.parts.drafts import FORM, YAML, Draft, Written


def show(actor: Actor, draft: Draft, entry: EntryPage | None, teams: Mapping[str, str]) -> None:
    """The draft, in the shape its writer prefers, with everything needed before it is sent."""
    fields = fields_.fields_of(draft.document, list(teams)) if draft.mode == FORM else []
    now = drafts.written(draft, fields)
    told = now.problems if draft.tried or draft.revision or not now.readable else []
    if draft.proposal:
        st.page_link("propose.py", label="Back to the proposal", query_params={"proposal": str(draft.proposal)}, icon=":material/arrow_back:")  # fmt: skip
    if entry is not None:
        _existing(draft, fields, entry)
    modes = [FORM, YAML]
    st.radio(
        "Write as", modes, index=modes.index(draft.mode), horizontal=True, key=draft.key("mode"),
        on_change=_change_mode, args=(draft, fields),
    )  # fmt: skip
    tabs = st.tabs(["Entry", "README", "Preview as YAML", "Difference"], on_change="rerun", key=f"{draft.id} tab")
    with tabs[0]:
        if draft.mode == FORM:
            forms.show(draft, fields, told, teams)
        else:
            st.text_area("The entry as YAML", export.to_yaml(draft.document), height=520, key=draft.key("yaml"), persist_state="session")  # fmt: skip
    with tabs[1]:
        _readme(draft, now, told)
    if tabs[2].open:
        with tabs[2]:
            texts.code(export.to_yaml(now.document))
    if tabs[3].open:
        with tabs[3]:
            _difference(draft, now)
    _send(actor, draft, now, told)


def _existing(draft: Draft, fields: list[FormField], entry: EntryPage) -> None:
    st.page_link(
        "entry.py", label="Back to the entry", query_params={"ref": entry.entry.key}, icon=":material/arrow_back:"
    )
    if entry.entry.revision == draft.revision:
        return
    st.warning(
        "The entry changed since you opened this form. Bring your changes onto what stands there now, then look at the "
        "difference again.", icon=":material/sync_problem:",
    )  # fmt: skip
    with st.container(horizontal=True):
        st.button("Bring my changes onto it", type="primary", on_click=_rebase, args=(draft, fields, entry))
        st.button("Start again", on_click=drafts.forget, args=(draft,), help="Drops what you wrote here.")


def _readme(draft: Draft, now: Written, problems: list[Problem]) -> None:
    write, read = st.columns(2, gap="large")
    with write:
        st.text_area("README in Markdown", draft.readme, height=420, key=draft.key("readme"), persist_state="session")
        forms.beside(problems, "README.md")
    with read:
        st.caption("How people will read it")
        texts.readme(now.readme or "Nothing written yet.")


def _difference(draft: Draft, now: Written) -> None:
    changed = drafts.differences(draft, now)
    if not changed:
        st.info("Nothing is different from the entry as it stands.", icon=":material/check:")
    differences.show(changed)


def _send(actor: Actor, draft: Draft, now: Written, told: list[Problem]) -> None:
    st.divider()
    note = st.text_area(
        "Note to whoever decides", draft.note, max_chars=actions.NOTE_LENGTH, height=80, key=f"{draft.id} note", persist_state="session",
        placeholder="What changes, and why",
    )  # fmt: skip
    st.caption("Another person decides; nothing in the catalog changes until then.")
    label, icon = ("Save proposal", ":material/save:") if draft.proposal else ("Send proposal", ":material/send:")
    sent = st.button(label, type="primary", icon=icon, on_click=_try, args=(draft,))
    if told:
        forms.listed(told)
    elif sent:
        _keep(actor, draft, now, note or "")


def _keep(actor: Actor, draft: Draft, now: Written, note: str) -> None:
    typed = {"document": now.document, "readme": now.readme, "base_revision": draft.revision, "note": note}
    try:
        with db.writing() as session:
            if draft.proposal:
                number = actions.revise(session, actor=actor, proposal_id=draft.proposal, **typed).id
            else:
                number = actions.propose(session, actor=actor, **typed).id
    except PortalError as error:
        notices.refuse(error)
        return
    drafts.forget(draft)
    notices.after_rerun(f"Proposal {number} waits for another person.")
    st.switch_page("propose.py", query_params={"proposal": str(number)})


def _try(draft: Draft) -> None:
    draft.tried = True


def _change_mode(draft: Draft, fields: list[FormField]) -> None:
    wanted = st.session_state[draft.key("mode")]
    if wanted and not drafts.change_mode(draft, drafts.written(draft, fields), wanted):
        draft.tried = True
        st.session_state[draft.key("mode")] = draft.mode


def _rebase(draft: Draft, fields: list[FormField], entry: EntryPage) -> None:
    now = drafts.written(draft, fields)
    if now.readable:
        drafts.rebase(draft, now, entry.document, entry.readme, entry.entry.revision)
    else:
        draft.tried = True
