"""What people looked for and did not find."""

from __future__ import annotations

import streamlit as st

st.title("Demand", anchor=False)
