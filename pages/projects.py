"""Every use case of the factory."""

from __future__ import annotations

import streamlit as st

st.title("Projects", anchor=False)
