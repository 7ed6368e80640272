"""Architectural patterns, and advice on which fits."""

from __future__ import annotations

import streamlit as st

st.title("Patterns", anchor=False)
