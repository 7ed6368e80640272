"""What an import does or would do: how many entries each action touches, and which ones, refusals first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.catalog.loader import Change
from pages.parts.notices import plain

MOST_ROWS = 200


def show(counts: Mapping[str, int], changes: Sequence[Change], *, dry_run: bool) -> None:
    """The counts in words, and at most :data:`MOST_ROWS` of the ``changes``."""
    told = ", ".join(f"{count:,} {action}" for action, count in counts.items() if count)
    if dry_run:
        st.info(f"It would: {told or 'change nothing'}. Nothing is changed yet.", icon=":material/rule:")
    else:
        st.success(f"Imported: {told or 'nothing changed'}.", icon=":material/check_circle:")
    if not changes:
        return
    rows: list[dict[str, Any]] = [
        {
            "What": one.action, "Entry": plain(one.key), "Fields": plain(", ".join(one.fields)),
            "Kept as edited here": plain(", ".join(one.kept)), "Problems": plain(" ".join(one.problems)),
        }
        for one in changes[:MOST_ROWS]
    ]  # fmt: skip
    st.table(rows, border="horizontal", hide_index=True, alt="What the import does to each entry")
    listed = sum(count for action, count in counts.items() if action != "unchanged")
    if listed > len(rows):
        st.caption(f"The first {len(rows)} of {listed:,}; unchanged entries are not listed.")
