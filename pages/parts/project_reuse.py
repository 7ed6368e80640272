"""The reuse review of a project: what exists already, why it is similar, and a decision on each strong hit."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.errors import PortalError
from core.projects import adoption
from core.projects.queries import ProjectRow
from core.reuse import actions, queries
from core.reuse.candidates import GROUPS
from core.reuse.queries import Decision, Hit, Review
from pages.parts import addresses, badges, notices, writing
from pages.parts.notices import plain

_ORDERS = {"": "One ranked list", "group": "By kind of thing"}
_LEARN = {"reuse": "Build on what it found", "adapt": "Learn from parts of it", "build": "Not relevant for us"}
"""What the decisions mean where the hit is a project, which nobody adopts."""


def show(actor: Actor, project: ProjectRow) -> None:
    """The ranked list with its reasons, the decisions, and the completion."""
    try:
        with db.reading() as session:
            review = queries.review(session, actor, project.id)
            deciders = {one.decision.decided_by for one in review.hits if one.decision}
            names = people.names(session, deciders | {one.decided_by for one in review.others})
    except PortalError as error:
        notices.refuse(error)
        return
    may_decide = project.running and policy.may(actor, "entry.adopt", project.scope)
    _progress(actor, project, review, may_decide)
    _tell_of_new(project, review)
    if not review.hits:
        st.info(
            "Nothing in the catalog is like this project. The more it says of its problem, target and data, the more is found.",
            icon=":material/search_off:",
        )
    elif addresses.switch("Order", "reuse_order", _ORDERS) == "group":
        for group in GROUPS:
            _group(group, [one for one in review.hits if one.group == group], actor, project, names, may_decide)
    else:
        for hit in review.hits:
            _hit(hit, actor, project, names, may_decide)
    _others(review.others, names)


def _progress(actor: Actor, project: ProjectRow, review: Review, may_decide: bool) -> None:
    strong, decided = len(review.strong), len(review.strong) - len(review.undecided)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(gap="xsmall"):
            st.markdown(f"**{decided} of {badges.count(strong, 'strong hit')} decided**" if strong else "**No strong hit**")  # fmt: skip
            st.caption(
                f"A hit is strong at a similarity of {queries.STRONG} or more, with at least "
                f"{queries.STRONG_SHARE:.0%} of the best of its kind, three of a kind at most."
            )
        if review.reviewed_at:
            badges.when("Completed", review.reviewed_at)
        label = "Complete it again" if review.reviewed_at else "Complete the review"
        is_due = review.reviewed_at is None or review.is_outdated
        if may_decide and is_due and st.button(label, type="primary", icon=":material/task_alt:", key="reuse_complete"):
            writing.attempt(
                actions.complete, actor=actor, review=review, done=f"The reuse review of {project.title} is complete."
            )  # fmt: skip


def _tell_of_new(project: ProjectRow, review: Review) -> None:
    """Say what a completed review does not know of: the catalog and the project have changed since."""
    if review.new_since and project.running:
        listed = ", ".join(plain(one.title) for one in review.new_since)
        st.warning(f"**{badges.count(len(review.new_since), 'new strong hit')} since** the review was completed: {listed}. Decide on them, then complete it again.", icon=":material/new_releases:")  # fmt: skip


def _group(
    group: str, hits: list[Hit], actor: Actor, project: ProjectRow, names: dict[str, str], may_decide: bool
) -> None:
    st.subheader(group.capitalize(), anchor=False)
    if not hits:
        st.caption("Nothing similar.")
    for hit in hits:
        _hit(hit, actor, project, names, may_decide)


def _hit(hit: Hit, actor: Actor, project: ProjectRow, names: dict[str, str], may_decide: bool) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("entry.py", label=f"**{plain(hit.title)}**", query_params={"ref": hit.key}, icon=badges.kind_icon(hit.kind))  # fmt: skip
            strong = badges.text("Strong hit", ":material/star:", "blue") if hit.strong else ""
            st.markdown(f"{badges.status_line(hit.kind, hit.lifecycle)} {strong}")
        st.markdown(plain(hit.summary))
        if hit.finding:
            st.info(f"**What it found.** {plain(hit.finding)}", icon=":material/lightbulb:")
        st.caption(plain(f"Similarity {hit.score:.2f}: " + " · ".join(hit.reasons)))
        st.caption(plain(" ".join(_told(hit))))
        if hit.decision:
            _decided(hit.decision, names)
            if may_decide and _is_wanted_pattern(hit):
                st.button("Choose it on the Pattern tab", key=f"stand_on_{hit.key}", icon=":material/schema:", on_click=_to_pattern, args=(hit.key,))  # fmt: skip
        if may_decide and hit.strong:
            _decide(hit, actor, project)
        elif may_decide and (more := st.expander("Decide on it too", on_change="rerun", key=f"more_{hit.key}")).open:
            with more:
                _decide(hit, actor, project)


def _is_wanted_pattern(hit: Hit) -> bool:
    """Whether the project decided for a pattern without standing on it yet: a decision alone declares no use."""
    wanted = hit.decision is not None and hit.decision.decision in adoption.WAYS
    return hit.kind == adoption.PATTERN and wanted and not hit.adopted


def _to_pattern(key: str) -> None:
    st.query_params["pattern"] = key
    st.session_state["tab"] = "Pattern"


def _told(hit: Hit) -> list[str]:
    told = [hit.why]
    if hit.replaces:
        told.append(f"It replaces {hit.replaces}, which is deprecated.")
    if hit.adopted:
        told.append(f"The project uses version {hit.adopted}.")
    elif hit.kind != "project":
        told.append(f"Used by {badges.count(hit.adoptions, 'project')}.")
    return told


def _decided(decision: Decision, names: dict[str, str]) -> None:
    meaning = (_LEARN if decision.kind == "project" else actions.DECISIONS)[decision.decision]
    who = names.get(decision.decided_by, decision.decided_by)
    st.markdown(f":material/check_circle: **{meaning}**, {plain(who)}, {badges.ago(decision.decided_at)}: {plain(decision.reason)}")  # fmt: skip


def _decide(hit: Hit, actor: Actor, project: ProjectRow) -> None:
    options = _LEARN if hit.kind == "project" else actions.DECISIONS
    before = hit.decision
    with st.form(f"decide_{hit.key}", border=False):
        chosen = st.radio(
            f"Decision on {plain(hit.title)}", options, format_func=options.__getitem__, horizontal=True,
            index=list(options).index(before.decision) if before else None,
        )  # fmt: skip
        reason = st.text_area("Reason", before.reason if before else "", height=80, max_chars=actions.REASON_LENGTH)
        if not st.form_submit_button("Save decision", icon=":material/save:"):
            return
        if chosen is None:
            st.error("Choose a decision first.", icon=":material/error:")
            return
        writing.attempt(
            actions.decide, actor=actor, project_id=project.id, entry_ref=hit.key, decision=chosen, reason=reason,
            seen=hit, done=f"Decided on {hit.title}.",
        )  # fmt: skip


def _others(decisions: list[Decision], names: dict[str, str]) -> None:
    if not decisions:
        return
    st.subheader("Decided earlier", anchor=False)
    st.caption("These are no longer among the similar ones.")
    for one in decisions:
        st.page_link("entry.py", label=plain(one.title), query_params={"ref": one.key}, icon=badges.kind_icon(one.kind))
        _decided(one, names)
