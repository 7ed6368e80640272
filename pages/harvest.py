"""What projects gave back."""

from __future__ import annotations

import streamlit as st

st.title("Harvest", anchor=False)
