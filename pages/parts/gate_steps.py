"""How a pipeline asks the gate about a model, ready to paste."""

from __future__ import annotations

import streamlit as st

from core.config import settings
from core.gates import steps


def show(model: str) -> None:
    """The steps with the model's name filled in, behind a fold."""
    panel = st.expander(
        "Ask the gate from a pipeline", on_change="rerun", key="gate_steps", icon=":material/door_front:"
    )
    if not panel.open:
        return
    made = steps.steps(model, portal=settings().base_url)
    with panel:
        st.markdown(
            "Each step ends with an error unless the gate says yes to this very version. It takes a token with the scope "
            "`gate:ask`, and `curl` and `jq`."
        )
        st.page_link(
            "entry.py", label="Deploy through a gate", icon=":material/menu_book:",
            query_params={"ref": "guide:default/deploy-through-a-gate"},
        )  # fmt: skip
        for step, tab in zip(made, st.tabs([one.title for one in made]), strict=True):
            with tab:
                st.caption(step.note)
                st.code(step.code, language="bash" if step.language == "sh" else step.language)
