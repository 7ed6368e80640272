"""Code and READMEs as everybody can read them.

Code is wrapped, so that no part of it can only be reached by a mouse, and not coloured: the colours of Streamlit's
highlighter fall short of the contrast that WCAG AA asks for on a light ground, and no theme setting reaches them.
"""

from __future__ import annotations

import streamlit as st
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark")


def code(text: str) -> None:
    """``text`` to copy."""
    st.code(text, language=None, wrap_lines=True)


def readme(text: str) -> None:
    """Markdown from people: its HTML stays text, its code blocks can be copied."""
    lines, drawn = text.splitlines(), 0
    for block in _MARKDOWN.parse(text):
        if block.level == 0 and block.type in ("fence", "code_block") and block.map:
            _prose(lines[drawn : block.map[0]])
            code(block.content.rstrip("\n"))
            drawn = block.map[1]
    _prose(lines[drawn:])


def _prose(lines: list[str]) -> None:
    if text := "\n".join(lines).strip("\n"):
        st.markdown(text)
