"""A repository before it exists, or as it was made: its tree, and any file to read."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.templates.snapshot import Snapshot
from pages.parts import badges, texts
from pages.parts.notices import plain

LONGEST = 60_000
"""Characters of a file that are shown."""


def show(files: Snapshot, *, key: str) -> None:
    """The tree at the left, the chosen file at the right."""
    left, right = st.columns([2, 3], gap="large")
    paths = list(files.files)
    with left:
        size = sum(len(one.content) for one in files.files.values())
        st.caption(f"{badges.count(len(paths), 'file')}, {size / 1024:,.0f} KB")
        texts.code("\n".join(tree(paths)))
    with right:
        first = next((one for one in paths if one.lower() == "readme.md"), paths[0] if paths else None)
        index = paths.index(first) if first else None
        path = st.selectbox("File", paths, index=index, key=f"{key} file")
        if path:
            _file(files, path)


def tree(paths: Iterable[str]) -> list[str]:
    """The paths as an indented tree, folders first named."""
    lines: list[str] = []
    seen: set[str] = set()
    for path in sorted(paths, key=lambda one: [(part.lower(), part) for part in one.split("/")]):
        *folders, name = path.split("/")
        for depth, folder in enumerate(folders):
            whole = "/".join(folders[: depth + 1])
            if whole not in seen:
                seen.add(whole)
                lines.append(f"{'  ' * depth}{folder}/")
        lines.append(f"{'  ' * len(folders)}{name}")
    return lines


def _file(files: Snapshot, path: str) -> None:
    try:
        content = files.files[path].content.decode("utf-8")
    except UnicodeDecodeError:
        st.caption(f"{plain(path)} is binary, {len(files.files[path].content):,} bytes.")
        return
    st.code(content[:LONGEST], language="python" if path.endswith(".py") else None, line_numbers=True)
    if len(content) > LONGEST:
        st.caption("The rest is in the download.")
