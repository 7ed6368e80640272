"""The pattern a project stands on: the approvals it inherits, those that are open and why, and its deviations."""

from __future__ import annotations

import re

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.patterns import approval_queries as queries
from core.patterns.approval_queries import ProjectStanding
from core.patterns.inheritance import Item
from core.projects.queries import ProjectRow
from pages.parts import badges, pattern_deviations, pattern_use
from pages.parts.notices import plain

_LINK = re.compile(r"https?://[^\s<>\"'()\[\]\\]+")


def show(actor: Actor, project: ProjectRow) -> None:
    """The Pattern tab of a project."""
    may_change = project.running and policy.may(actor, "entry.adopt", project.scope)
    with db.reading() as session:
        standing = queries.standing(session, actor, project.id)
        waiting = queries.open_deviations_of(session, actor, project_id=project.id) if standing else []
    if standing is None:
        _without(actor, project, may_change=may_change)
        return
    _where(standing)
    inherited(standing.items)
    still_open(standing.items)
    pattern_deviations.decisions(actor, waiting, key="project")
    _history(standing)
    if may_change:
        pattern_deviations.declare(actor, standing)
        pattern_deviations.resolve(actor, standing)
        asked = "pattern" in st.query_params  # another one was chosen, on its page or in the reuse review
        with st.expander("Change how the project uses the pattern", icon=":material/tune:", expanded=asked):
            pattern_use.form(actor, project.id, standing.use)
        pattern_use.leave(actor, standing.use)


def inherited(items: list[Item]) -> None:
    """The approvals that the project has, calmly."""
    had = [one for one in items if one.inherited]
    st.subheader(f"Inherited approvals: {len(had)} of {sum(one.applies for one in items)}", anchor=False)
    if not had:
        st.info("The project inherits no approval yet; below stands what is missing for each.", icon=":material/verified_user:")  # fmt: skip
        return
    st.table(
        {
            "Approval": [plain(one.item) for one in had],
            "By": [one.by for one in had],
            "For": [plain(one.scope) for one in had],
            "Evidence": [evidence(one.evidence) for one in had],
            "Until": [_last_day(one) for one in had],
        },
        border="horizontal", hide_index=True, alt=f"{len(had)} approvals that the project inherits, with their evidence",
    )  # fmt: skip


def evidence(words: str) -> str:
    """A link that can be followed, or the words as they are."""
    return f"[{plain(words)}]({words})" if _LINK.fullmatch(words) else plain(words)


def still_open(items: list[Item]) -> None:
    """The approvals that the project lacks, each with its reasons; those for other data in one line."""
    for one in items:
        if one.inherited or not one.applies:
            continue
        reasons = "\n".join(f"- {plain(reason.words)}" for reason in one.reasons)
        st.warning(f"**{plain(one.item)}** ({one.by}) is open: {plain(one.scope)}\n\n{reasons}", icon=":material/lock_open:")  # fmt: skip
    if other := [f"{one.item} ({one.by})" for one in items if not one.applies]:
        st.caption(f"Meant for other data than the project's: {plain(', '.join(other))}")


def _without(actor: Actor, project: ProjectRow, *, may_change: bool) -> None:
    st.info(
        "The project stands on no pattern yet. On a pattern it inherits the approvals whose conditions it keeps.",
        icon=":material/schema:",
    )
    st.page_link("patterns.py", label="See which pattern fits", icon=":material/search:")
    if may_change:
        pattern_use.form(actor, project.id, None)


def _where(standing: ProjectStanding) -> None:
    use = standing.use
    st.page_link("entry.py", label=f"{plain(use.pattern)}, version {plain(use.version)}", query_params={"ref": use.pattern_key}, icon=badges.kind_icon("pattern"))  # fmt: skip
    services = sorted({name for names in use.services.values() for name in names})
    facts = {
        "region": ", ".join(sorted(use.facts.values["region"])), "data": use.classification, "tier": use.tier,
        "services": ", ".join(services), "personal data": ", ".join(use.facts.values["personal data"]),
    }  # fmt: skip
    st.caption(" · ".join(f"{name}: {plain(value or 'not known')}" for name, value in facts.items()))
    if use.version != use.current_version:
        st.info(
            f"Version {plain(use.current_version)} is out. The form below shows what moving to it reopens.",
            icon=":material/update:",
        )
    if use.declared_for != use.version:
        st.info("The project moved to another version since its facts were declared; look them through.", icon=":material/rule:")  # fmt: skip


def _history(standing: ProjectStanding) -> None:
    rows = [one for one in standing.deviations if one.state != "open"]
    if not rows:
        return
    with db.reading() as session:
        names = people.names(session, {one.decided_by for one in rows if one.decided_by})
    st.subheader("Deviations decided or ended", anchor=False)
    st.table(
        {
            "Approval": [plain(one.item) for one in rows],
            "Deviation": [plain(one.what) for one in rows],
            "State": [one.state for one in rows],
            "By": [plain(names.get(one.decided_by, "")) for one in rows],
            "Note": [plain(one.decision_note) for one in rows],
            "Until": [one.expires_on.strftime("%d %b %Y") if one.expires_on else "" for one in rows],
        },
        border="horizontal", hide_index=True, alt=f"{len(rows)} deviations with what became of them",
    )  # fmt: skip


def _last_day(item: Item) -> str:
    day = item.until.strftime("%d %b %Y") if item.until else ""
    return f"{day}, with an accepted deviation" if item.accepted else day
