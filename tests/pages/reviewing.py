"""A bank whose reviews the pages show, at the present time; MLflow is told to say that the evidence is the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from streamlit.testing.v1 import AppTest

from core import db
from core.reviews import pins
from tests.core.datasets.house import Clock, Make
from tests.core.reviews import bank as banks
from tests.core.reviews.bank import Bank

Portal = Callable[..., AppTest]


def bank_now(person: Make, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """A bank whose clock began to stand still just now, with PINs that are quick to hash."""
    monkeypatch.setattr(pins, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    clock = Clock()
    clock.at = db.now()
    return banks.build(person, clock)


def texts(app: AppTest, *kinds: str) -> str:
    """What the page says, without the escapes; in these kinds of elements, or in all that hold prose."""
    found = [one for kind in kinds or ("title", "subheader", "markdown", "caption", "info", "warning", "error", "success") for one in app.get(kind)]  # fmt: skip
    return "\n".join(str(one.value) for one in found).replace("\\", "")


def links(app: AppTest) -> list[str]:
    """The words of the links of the page."""
    return [one.proto.label.replace("\\", "") for one in app.get("page_link")]


def buttons(app: AppTest) -> set[str]:
    """The words of the buttons of the page, those of forms and popovers too."""
    return {one.label for one in app.button} | {one.proto.popover.label for one in app.get("popover")}
