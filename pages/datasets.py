"""Data, their owners, and access to them."""

from __future__ import annotations

import streamlit as st

st.title("Datasets", anchor=False)
