"""Certified pipelines on the Reviews tab of a project."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core import db
from core.projects.tables import Project
from core.reviews import certifying
from tests.core.reviews.bank import Bank
from tests.core.reviews.conftest import bank, clock, quick_pins  # noqa: F401

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def tab(app: AppTest) -> AppTest:
    app.query_params.update({"id": "churn", "tab": "Reviews"})
    app.switch_page("project.py").run()
    assert not app.exception
    return app


def test_a_pipeline_is_proposed_and_what_is_wrong_is_said(bank: Bank, portal_as: Callable[..., AppTest]) -> None:  # noqa: F811
    with db.writing() as session:
        session.get_one(Project, "churn").tier = "limited"
    app = tab(portal_as(bank.olga))
    assert any("no person" in one.value.replace("\\", "") for one in app.caption)
    fields = {one.label: one for one in app.text_input}
    fields["Name"].input("nightly")
    fields["Repository"].input("https://git.example/team/validation")
    fields["Workflow"].input("validate.yml")
    fields["Commit"].input("abc")
    next(one for one in app.button if one.label == "Propose").click().run()
    assert app.error, "a commit is named by its whole hash"
    with db.reading() as session:
        assert certifying.of_project(session, bank.olga, "churn") == []


def test_those_who_only_look_are_offered_no_form(bank: Bank, portal_as: Callable[..., AppTest]) -> None:  # noqa: F811
    app = tab(portal_as(bank.audrey))
    assert not [one for one in app.button if one.label == "Propose"]
