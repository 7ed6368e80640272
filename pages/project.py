"""One use case."""

from __future__ import annotations

import streamlit as st

st.title("Project", anchor=False)
