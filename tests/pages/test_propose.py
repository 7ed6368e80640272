"""Proposals through the pages: written, kept on a refusal, sent, decided by another person."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import Actor
from core.catalog import actions, forms
from core.catalog.kinds import SPECS
from core.catalog.tables import Entry, Proposal
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
People = Callable[..., Actor]


def opened(app: AppTest, **query: str) -> AppTest:
    return driving.opened(app, "propose.py", **query)


def texts(app: AppTest, kind: str = "markdown") -> str:
    return "\n".join(str(one.value) for one in app.get(kind))


def field(app: AppTest, shape: str, label: str):
    return next(one for one in app.get(shape) if one.label.startswith(label))


def document(name: str = "label-noise-finder", owner: str = "platform", **spec: object) -> dict[str, object]:
    return {
        **forms.blank("asset"),
        "metadata": {"name": name, "title": "Label noise finder", "description": "Finds rows whose label is doubtful."},
        "spec": {"owner": owner, "version": "1.0.0", **spec},
    }


@pytest.fixture
def proposer(store: str, person: People) -> Actor:
    return person("AI engineer", name="Ada Author", team="platform")


@pytest.fixture
def approver(proposer: Actor, person: People) -> Actor:
    return person("ML engineer", name="Mo Maintainer")


@pytest.fixture
def entry(proposer: Actor, approver: Actor) -> str:
    """An approved entry of the proposer's team."""
    with db.writing() as session:
        made = actions.propose(session, actor=proposer, document=document(), readme="# Label noise")
        actions.approve(session, actor=approver, proposal_id=made.id or 0)
        return made.key


def stored() -> list[Proposal]:
    with db.reading() as session:
        return list(session.exec(select(Proposal).order_by(Proposal.id)))


def test_a_new_entry_is_written_in_the_form_and_waits_for_another_person(proposer: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(proposer), kind="asset")
    field(app, "text_input", "Name").set_value("drift-explainer")
    field(app, "text_area", "Description").set_value("Explains which column moved.")
    field(app, "text_area", "Tags").set_value("drift\nexplanation\n\n")
    field(app, "selectbox", "Owner").select("platform")
    field(app, "text_area", "Usage").set_value("language: python\ncode: |\n  import drift_explainer\n")
    field(app, "text_area", "README").set_value("# Why")
    ok(app.run())
    field(app, "button", "Send proposal").click()
    ok(app.run())
    (made,) = stored()
    assert made.state == "submitted"
    assert made.document["metadata"]["tags"] == ["drift", "explanation"]
    assert made.document["spec"] == {
        "owner": "platform", "usage": {"language": "python", "code": "import drift_explainer\n"},
    }  # fmt: skip
    assert made.readme == "# Why"
    assert app.query_params["proposal"] == str(made.id)
    assert "another person decides" in texts(app, "info")


def test_a_refused_form_keeps_what_was_typed_and_names_the_fields(proposer: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(proposer), kind="checklist")
    field(app, "text_input", "Title").set_value("Ready for release")
    field(app, "text_area", "Sections").set_value("- title: First\n  items: [")
    ok(app.run())
    field(app, "button", "Send proposal").click()
    ok(app.run())
    assert stored() == []
    assert "not valid YAML" in texts(app)
    assert field(app, "text_input", "Title").value == "Ready for release"
    assert field(app, "text_area", "Sections").value == "- title: First\n  items: ["
    field(app, "text_area", "Sections").set_value("- title: First\n  items: []")
    ok(app.run())
    assert "metadata.name" in texts(app, "error").replace("\\", "")


def test_problems_are_not_shown_before_somebody_tried_to_send(proposer: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(proposer), kind="asset")
    assert not app.error


def test_form_and_yaml_show_the_same_entry(proposer: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(proposer), kind="asset")
    field(app, "text_input", "Name").set_value("drift-explainer")
    ok(app.run())
    app.radio[0].set_value("YAML")
    ok(app.run())
    written = field(app, "text_area", "The entry as YAML")
    assert "name: drift-explainer" in written.value
    written.set_value(written.value + "\nnonsense: [")
    ok(app.run())
    app.radio[0].set_value("Form")
    ok(app.run())
    assert field(app, "text_area", "The entry as YAML").value.endswith("nonsense: [")


def test_a_change_shows_its_difference_and_touches_nothing_else(entry: str, proposer: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(proposer), ref=entry)
    field(app, "text_input", "Version").set_value("1.1.0")
    app.session_state[f"draft {entry} tab"] = "Difference"
    ok(app.run())
    assert "Version" in texts(app)
    field(app, "button", "Send proposal").click()
    ok(app.run())
    made = stored()[-1]
    assert made.document == document() | {"spec": {"owner": "platform", "version": "1.1.0"}}
    assert made.base_revision == 1


def test_a_change_made_on_an_older_state_is_brought_onto_the_new_one(
    entry: str, proposer: Actor, approver: Actor, portal_as: Portal
) -> None:
    app = opened(portal_as(proposer), ref=entry)
    field(app, "text_input", "Licence").set_value("MIT")
    ok(app.run())
    with db.writing() as session:
        other = actions.propose(
            session, actor=proposer, document=document(module="noise"), readme="# New", base_revision=1
        )
        actions.approve(session, actor=approver, proposal_id=other.id or 0)
    ok(app.run())
    field(app, "button", "Send proposal").click()
    ok(app.run())
    assert "changed meanwhile" in texts(app, "error")
    field(app, "button", "Bring my changes onto it").click()
    ok(app.run())
    field(app, "button", "Send proposal").click()
    ok(app.run())
    made = stored()[-1]
    assert made.base_revision == 2
    assert made.document["spec"] == {"owner": "platform", "version": "1.0.0", "module": "noise", "licence": "MIT"}
    assert made.readme == "# New"


def test_another_person_approves_and_the_entry_is_there(
    entry: str, proposer: Actor, approver: Actor, portal_as: Portal
) -> None:
    with db.writing() as session:
        number = actions.propose(
            session, actor=proposer, document=document(licence="MIT"), base_revision=1, note="Say it"
        ).id
    app = opened(portal_as(approver), proposal=str(number))
    assert "Say it" in texts(app)
    field(app, "button", "Approve").click()
    ok(app.run())
    assert stored()[-1].state == "approved"
    assert "Mo Maintainer" in texts(app, "info")
    with db.reading() as session:
        assert session.exec(select(Entry.licence).where(Entry.key == entry)).one() == "MIT"


def test_a_rejection_needs_a_reason_and_the_proposer_reads_it(
    proposer: Actor, approver: Actor, portal_as: Portal
) -> None:
    with db.writing() as session:
        number = actions.propose(session, actor=proposer, document=document()).id
    app = opened(portal_as(approver), proposal=str(number))
    field(app, "button", "Reject").click()
    ok(app.run())
    assert "needs a reason" in texts(app, "error")
    field(app, "text_area", "What would have to change").set_value("Name the method.")
    field(app, "button", "Reject").click()
    ok(app.run())
    assert stored()[-1].reason == "Name the method."
    app = opened(portal_as(proposer), proposal=str(number))
    assert "Name the method" in texts(app, "info").replace("\\", "")
    app = opened(app)
    app.session_state["decided"] = True
    ok(app.run())
    assert "Rejected" in texts(app)


def test_the_proposer_can_only_withdraw(proposer: Actor, person: People, portal_as: Portal) -> None:
    both = person("ML engineer", team="platform")
    with db.writing() as session:
        number = actions.propose(session, actor=both, document=document()).id
    app = opened(portal_as(both), proposal=str(number))
    assert "Approve" not in [one.label for one in app.button]
    field(app, "button", "Withdraw").click()
    ok(app.run())
    assert stored()[-1].state == "withdrawn"


def test_the_queue_shows_what_waits_for_whom(proposer: Actor, approver: Actor, portal_as: Portal) -> None:
    with db.writing() as session:
        actions.propose(session, actor=proposer, document=document())
    assert "Yours, waiting" in texts(opened(portal_as(proposer)), "subheader")
    assert "Waiting for your decision · 1" in texts(opened(portal_as(approver)), "subheader")


def test_markup_in_a_proposal_is_text(proposer: Actor, approver: Actor, portal_as: Portal) -> None:
    evil = document()
    evil["metadata"] |= {"title": "<img src=x> **bold** :material/home: [x](javascript:1)"}  # type: ignore[operator]
    with db.writing() as session:
        number = actions.propose(session, actor=proposer, document=evil, note="<script>1</script>").id
    app = opened(portal_as(approver), proposal=str(number))
    shown = texts(app) + texts(app, "title")
    assert not re.search(r"(?<!\\)(<|\*\*bold|\[x)", shown)


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "nonsense"}, {"ref": "asset:default/absent"}, {"ref": "\x00"}, {"proposal": "0"}, {"proposal": "99999999"},
        {"proposal": "x"}, {"proposal": "1e9"}, {"proposal": "٣"}, {"ref": "a" * 5000},
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere_says_so(query: dict[str, str], proposer: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(proposer), **query)
    assert app.error
    assert "went wrong" not in texts(app, "error")


def test_the_proposer_completes_a_waiting_change_and_its_name_stays(
    entry: str, proposer: Actor, approver: Actor, portal_as: Portal
) -> None:
    with db.writing() as session:
        doc = document(version="1.1.0")
        made = actions.propose(session, actor=proposer, document=doc, readme="# Label noise", base_revision=1, note="Faster.")  # fmt: skip
    app = opened(portal_as(proposer), proposal=str(made.id), edit="yes")
    assert field(app, "text_input", "Name").disabled
    assert field(app, "text_area", "Note").value == "Faster."
    field(app, "text_input", "Version").set_value("1.2.0")
    ok(app.run())
    field(app, "button", "Save proposal").click()
    ok(app.run())
    kept = stored()[-1]
    assert (kept.id, kept.revision, kept.base_revision, kept.document["spec"]["version"]) == (made.id, 2, 1, "1.2.0")
    with db.writing() as session:
        assert actions.approve(session, actor=approver, proposal_id=made.id or 0).version == "1.2.0"
    assert "can no longer be edited" in texts(opened(app, proposal=str(made.id), edit="yes"), "error")


def test_those_of_another_team_may_not_propose_a_change(entry: str, person: People, portal_as: Portal) -> None:
    app = opened(portal_as(person("data scientist", team="risk")), ref=entry)
    assert "may not do this" in texts(app, "error")
    assert not app.text_input(key="header_search").disabled
    assert "Send proposal" not in [one.label for one in app.button]


def test_every_kind_has_a_form(proposer: Actor, portal_as: Portal) -> None:
    app = portal_as(proposer)
    for kind in SPECS:
        opened(app, kind=kind)
        assert "Send proposal" in [one.label for one in app.button]
