"""The tabs of the entry page; each is drawn only when it is open."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import db
from core.access.policy import Actor
from core.activity import queries as activity
from core.catalog import export
from core.catalog.kinds import SPECS
from core.catalog.queries import EntryPage, Relation
from core.reviews import readable
from pages.parts import adoption_impact, badges, diagrams, pattern_approvals, specification, texts, timeline
from pages.parts.notices import plain


def usage(_actor: Actor, page: EntryPage) -> None:
    """Code to copy, the specification, and the document itself."""
    if page.entry.kind in SPECS:
        if snippet := page.spec.get("usage"):
            texts.code(snippet["code"])
        specification.show(page.spec)
    else:
        specification.show_foreign(page.spec)
    for link in page.document.get("metadata", {}).get("links", []):
        st.link_button(plain(link.get("title", "Link")), link["url"], icon=":material/open_in_new:")
    source = st.expander("As YAML", icon=":material/data_object:", on_change="rerun", key="as_yaml")
    if source.open:
        with source:
            texts.code(export.to_yaml(page.document))


def readme(_actor: Actor, page: EntryPage) -> None:
    """The entry's README."""
    if page.readme:
        texts.readme(page.readme)
    else:
        st.info("This entry has no README. Propose a change to add one.", icon=":material/description:")


def versions(_actor: Actor, page: EntryPage) -> None:
    """Every version the entry has or had."""
    st.table(
        {
            "Version": [plain(one.version) for one in page.versions],
            "Released": [one.released or "not dated" for one in page.versions],
            "Notes": [plain(one.notes) or "no notes" for one in page.versions],
        },
        border="horizontal", hide_index=True, alt=f"Versions of {page.entry.title}",
    )  # fmt: skip
    if page.provenance:
        edited = ", ".join(sorted(page.provenance))
        st.caption(f"Edited in the portal, kept when the source is read again: {plain(edited)}")


def relations(_actor: Actor, page: EntryPage) -> None:
    """The diagram and the same as links."""
    if not page.relations and not page.named_by:
        st.info("This entry names no other, and none names it.", icon=":material/link_off:")
        return
    diagram, words = diagrams.relations(page)
    st.mermaid_chart(diagram, alt=words)
    _links("This entry", page.relations)
    _links("Named by", page.named_by)


def _links(heading: str, listed: list[Relation]) -> None:
    if listed:
        st.markdown(f"**{heading}**")
    for one in listed:
        if one.title:
            st.page_link("entry.py", label=f"{plain(one.relation)}: {plain(one.title)}", query_params={"ref": one.key}, icon=badges.kind_icon(one.kind))  # fmt: skip
        else:
            st.caption(f"{plain(one.relation)}: {plain(one.key)} (not in the catalog)")


def adopters(actor: Actor, page: EntryPage) -> None:
    """Who uses which version since when, who is hit by a change, and what reuse was worth."""
    adoption_impact.show(actor, page.entry)


def history(actor: Actor, page: EntryPage) -> None:
    """What happened to the entry, from the activity log, as far as this person may read it."""
    with db.reading() as session:
        lines = activity.object_history(session, actor, page.entry.key, seen=readable.seen_by(session, actor))
        timeline.show(session, lines)
    if not lines:
        st.info("Nothing that you may read has been recorded about this entry.", icon=":material/history:")
    st.caption("Left out is what concerns projects, or access to data, that you do not see.")


TABS = {
    "How to use": usage,
    "README": readme,
    "Versions": versions,
    "Relations": relations,
    "Adopters": adopters,
    "History": history,
}
"""Tab → what draws it."""

TABS_OF_KIND = {"pattern": {"Approvals": pattern_approvals.show}}
"""Kind → the tabs that only its entries have."""


def tabs_of(kind: str) -> dict[str, Callable[[Actor, EntryPage], None]]:
    """The tabs of an entry of this kind."""
    return TABS | TABS_OF_KIND.get(kind, {})
