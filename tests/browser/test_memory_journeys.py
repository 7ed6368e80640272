"""The factory's memory in a real browser: what exists is found first, and what was learnt comes back to the next team."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import running
from tests.browser.running import Portal, settle
from tests.browser.walking import Enter, choose, go, people_of, press, tick, told, turn_to, write

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]  # one portal and one browser for all journeys


@pytest.fixture
def enter(demo: Portal, chromium: Browser) -> Iterator[Enter]:
    """Open the demo portal as somebody, in a browser of their own: ``enter("Priya Raman", "/projects")``."""
    with people_of(demo, chromium) as as_person:
        yield as_person


def register(page: Page, portal: Portal, title: str, problem: str, **more: str) -> str:
    """Register a project through the form; returns its id."""
    go(page, f"{portal.url}/project?new=1")
    write(page, "Title", title)
    write(page, "Business problem", problem)
    write(page, "Stop rule", "Stop when the advisers do no better than by today's rule.")
    write(page, "Data access and security", "Account histories, released for exploration by the data platform.")
    if "kind" in more:
        choose(page, "Kind of data", more["kind"])
    if "region" in more:
        choose_region(page, more["region"])
    for label, words in more.items():
        if label not in ("kind", "region"):
            write(page, label.capitalize().replace("_", " "), words)
    settle(page)
    press(page, "Register")
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    settle(page)
    return re.sub(r"[^a-z0-9]+", "-", title.lower())


def decide(page: Page, title: str, decision: str, reason: str) -> None:
    """Decide on one hit of the reuse review."""
    form = page.get_by_test_id("stForm").filter(has_text=f"Decision on {title}")
    form.get_by_text(decision, exact=True).click()
    form.get_by_role("textbox", name="Reason").fill(reason)
    press(form, re.compile("Save decision"))
    told(page, f"Decided on {title}.")


def test_a_new_project_starts_from_what_exists_and_its_decisions_become_adoptions(demo: Portal, enter: Enter) -> None:
    priya = enter("Priya Raman")
    project = register(
        priya, demo, "Churn of card customers",
        "Predict which card customers churn in the first year. Check that no variable leaks from after the closure.",
        kind="Tabular", what_is_predicted="which customers churn", tags="churn customers",
    )  # fmt: skip
    turn_to(priya, "Reuse")
    told(priya, "What it found.")
    hits = priya.get_by_test_id("stMain").inner_text()
    assert "Early signs of account closures" in hits
    assert "the reasons for closing are recorded when the account is closed" in hits
    assert "same target: which customers churn" in hits, "it says why"
    first = hits.index("Early signs of account closures")
    assert first < hits.index("Account histories") < hits.index("Leakage check"), "project, dataset and asset on top"

    strong = re.findall(r"Decision on (.+)", hits)
    wanted = {
        "Early signs of account closures": ("Build on what it found", "We record the reasons of contact first."),
        "Account histories of retail customers": ("Adapt a copy of it", "With the reasons of contact added."),
        "Leakage check": ("Reuse it as it is", "The last attempt failed by a leak."),
    }
    assert wanted.keys() <= set(strong)
    for title in strong:
        decide(priya, title, *wanted.get(title, ("Build our own", "It solves something else.")))
    press(priya, re.compile("Complete the review"))
    told(priya, "Completed")

    for ref in ("asset:default/leakage-check", "dataset:default/account-histories"):
        go(priya, f"{demo.url}/entry?ref={ref}&tab=Adopters")
        told(priya, "Churn of card customers")
    go(priya, f"{demo.url}/project?id={project}&tab=Adoptions")
    told(priya, "Leakage check")


def test_what_three_people_of_two_units_miss_leads_the_demand_and_its_answer_reaches_them(
    demo: Portal, enter: Enter
) -> None:
    wanted = "uplift of retention offers"
    asking = ["Priya Raman", "Helena Kowalska", "Mateo Fernández"]  # two of retail banking, one of manufacturing
    for name in asking:
        page = enter(name, f"/catalog?q={wanted}")
        told(page, re.compile("Nothing matches"))
    amara = enter("Amara Okafor", "/demand")
    ranked = amara.get_by_test_id("stMain").inner_text()
    leading = ranked[: ranked.index("Asked", ranked.index("Asked") + 1)]  # all that stands above the second one's count
    assert wanted in leading, ranked
    told(amara, re.compile("Asked 3 times by 2 units"))
    go(amara, f"{demo.url}/demand?text={wanted}")
    press(amara, re.compile("Take it up"))
    told(amara, re.compile("works on it since"))

    go(amara, f"{demo.url}/propose?kind=asset")
    write(amara, "Name", "offer-uplift")
    write(amara, "Title", "Uplift of retention offers")
    write(amara, "Description", "Compares customers with and without an offer before a model chooses whom to call.")
    choose(amara, "Owner", "ML engineering")
    press(amara, re.compile("Send proposal"))
    expect(amara).to_have_url(re.compile("proposal="))
    settle(amara)
    rajesh = enter("Rajesh Iyer", amara.url.removeprefix(demo.url))
    press(rajesh, re.compile("Approve"))
    told(rajesh, re.compile("Approved by"))

    go(amara, f"{demo.url}/demand?text={wanted}")
    press(amara, re.compile("Link the entry that answers it"))
    settle(amara)
    choose(amara, "Reference", "Uplift of retention offers")
    press(amara, "Link")
    told(amara, re.compile("Answered by"))
    for name in asking:
        told(enter(name), re.compile("Uplift of retention offers"))


def test_the_advisor_explains_and_a_pattern_brings_approvals_that_a_change_of_region_reopens_one_by_one(
    demo: Portal, enter: Enter
) -> None:
    priya = enter("Priya Raman", "/patterns?view=advice&classification=regulated&latency=milliseconds")
    ranked = priya.get_by_test_id("stMain").inner_text()
    assert re.search(r"1\. .*\n", ranked), ranked
    priya.get_by_role("link", name=re.compile("^Compare|Compare ")).first.click()
    told(priya, re.compile(r"\d+ of \d+ rows differ"))
    expect(priya.get_by_role("heading", name="Diagrams")).to_be_visible()

    project = register(
        priya, demo, "Reminders before a payment fails", "Score every account each night and remind customers in time.",
        kind="Tabular", region="eu-west",
    )  # fmt: skip
    turn_to(priya, "Pattern")
    choose(priya, "Pattern", "Batch scoring")
    for statement in (
        "Resources stay within the quota of the unit",
        "The image derives from an approved base and is rebuilt at least every 30 days",
        "The job finishes inside the agreed window or is stopped",
        "Service identity without interactive login",
        "No network egress except to warehouse, registry and tracking server",
    ):
        tick(priya, statement)
    told(priya, re.compile("So declared, the project inherits 3 of 4 approvals"))
    press(priya, re.compile("Use this pattern"))
    told(priya, "Evidence")
    standing = priya.get_by_test_id("stMain").inner_text()
    assert open_items(standing) == {"PRI-1"}, "nobody has said yet whether it reads personal data"

    go(priya, f"{demo.url}/project?id={project}")
    press(priya, re.compile("^edit Change$|^Change$"))
    told(priya, "Change Reminders before a payment fails")
    choose_region(priya, "us-east")
    told(priya, re.compile(r"Saving this reopens approvals .* IT-1 \(IT\)\."))
    press(priya, re.compile("Save"))
    told(priya, re.compile("Next:"))
    go(priya, f"{demo.url}/project?id={project}&tab=Pattern")
    assert open_items(priya.get_by_test_id("stMain").inner_text()) == {"IT-1", "PRI-1"}, "it reopened one item only"


def open_items(page: str) -> set[str]:
    """The approvals that a page names as open."""
    return set(re.findall(r"([A-Z]+-\d+) \(\w+\) is open", page))


def choose_region(page: Page, region: str) -> None:
    """Type into the list of regions and take what it offers."""
    box = page.get_by_role("combobox", name="Region", exact=True)
    box.fill(region)
    page.get_by_role("option", name=region).first.click()
    settle(page)


def test_a_finding_reaches_the_next_team_and_a_project_closes_only_with_its_harvest(demo: Portal, enter: Enter) -> None:
    priya = enter("Priya Raman")
    register(
        priya, demo, "Cross-selling of savings plans", "Tell from transfers who would take a savings plan.",
        kind="Tabular", what_is_predicted="who takes a savings plan",
    )  # fmt: skip
    press(priya, re.compile("Move stage"))
    priya.get_by_text("Stopped", exact=True).click()
    finding = "Not feasible with transfers alone: salaries arrive at other banks for half of the customers."
    write(priya, "Finding", finding)
    press(priya, "Move")
    told(priya, re.compile("What was learnt"))
    next_one = register(
        priya, demo, "Savings plans for families", "Find families who would take a savings plan, from their transfers.",
        kind="Tabular", what_is_predicted="who takes a savings plan",
    )  # fmt: skip
    go(priya, f"{demo.url}/project?id={next_one}&tab=Reuse")
    told(priya, re.compile("salaries arrive at other banks"))

    oluwaseun = enter("Oluwaseun Adeyemi", "/project?id=postcode-reader&tab=Retrospective")
    expect(oluwaseun.get_by_role("button", name="Close the project")).to_be_disabled()
    told(oluwaseun, re.compile("To close, the project still needs"))
    for question, answer in {
        "What went well?": "The baseline of the first week was never beaten by much.",
        "What was expensive?": "Cutting the digits out of scanned forms.",
        "What should others know?": "Scans below 200 dpi cannot be read by people either; ask for better ones first.",
    }.items():
        write(oluwaseun, question, answer)
    press(oluwaseun, re.compile("Save the retrospective"))
    told(oluwaseun, "The retrospective is saved.")  # a page asked again before it answered forgets the first click
    told(oluwaseun, re.compile("still needs"))
    expect(oluwaseun.get_by_role("button", name="Close the project")).to_be_disabled()
    write(oluwaseun, "What is it?", "Digits cut out of scanned forms")
    write(oluwaseun, "Why?", "Every team that reads forms cuts digits out first.")
    press(oluwaseun, re.compile("Decide"))
    told(oluwaseun, "Draft waits for a curator")
    press(oluwaseun, re.compile("Close the project"))
    press(oluwaseun, re.compile("Yes, close the project"))
    told(oluwaseun, "Closed")
    go(oluwaseun, f"{demo.url}/propose")
    oluwaseun.get_by_role("link", name=re.compile("Digits cut out of scanned forms")).click()
    expect(oluwaseun.get_by_role("heading", name="New: Digits cut out of scanned forms")).to_be_visible()
    expect(oluwaseun.get_by_role("button", name="Approve")).to_have_count(0)

    amara = enter("Amara Okafor", "/harvest")
    amara.get_by_role("link", name=re.compile("Digits cut out of scanned forms")).first.click()
    expect(amara.get_by_role("heading", name="New: Digits cut out of scanned forms")).to_be_visible()
    settle(amara)
    press(amara, re.compile("Approve"))
    told(amara, re.compile("Approved by"))
    go(priya, f"{demo.url}/entry?ref=asset:default/digits-cut-out-of-scanned-forms")
    told(priya, re.compile("from the project Postcodes on account forms"))
    press(priya, re.compile("Adopt for a project"))
    choose(priya, "Project", "Amounts on paper cheques")
    press(priya, "Adopt")
    told(priya, "uses this entry from now on")
    go(priya, f"{demo.url}/harvest")
    told(priya, "1 published")


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Path]]:
    """A portal with the demo's people and no models, and the file that holds how many hours its clock is ahead."""
    folder = tmp_path_factory.mktemp("clocked")
    clock = folder / "hours"
    clock.write_text("0")
    portal = running.start(
        folder / "data", PORTAL_DEMO="1", MLFLOW_TRACKING_URI="http://127.0.0.1:9", PORTAL_TEST_CLOCK=str(clock),
        PYTHONPATH=str(Path(__file__).parent / "clock"),
    )  # fmt: skip
    yield portal, clock
    portal.stop()


def test_access_is_asked_for_approved_in_part_granted_and_ends_by_the_clock_and_auditors_see_the_past_day(
    clocked: tuple[Portal, Path], chromium: Browser
) -> None:
    portal, clock = clocked
    with people_of(portal, chromium) as enter:
        linh = enter("Linh Nguyen", "/datasets?ref=dataset:default/diabetes&tab=Access")
        write(linh, "What for", "Find out whether blood pressure alone forecasts the progression.")
        choose(linh, "Legal basis", "Public interest or official authority")
        choose(linh, "Project", "Forecast of disease progression")
        press(linh, re.compile("Ask for access"))
        told(linh, "Waits for the owners")
        go(linh, f"{portal.url}/datasets?view=mine")
        told(linh, "Nothing by a request that was made here.")

        jakub = enter("Jakub Novak", "/datasets?view=decide")
        press(jakub, re.compile("^thumb_up Approve|^Approve"))
        jakub.get_by_role("button", name="Remove s6").click()
        jakub.keyboard.press("Escape")  # closes the list of columns, and the form with it; what was typed stays
        settle(jakub)
        press(jakub, re.compile("^thumb_up Approve|^Approve"))
        press(jakub, "Approve this")
        told(jakub, "Approved, access not yet given")
        told(jakub, re.compile("approved in part"))
        press(jakub, re.compile("Access was given"))
        write(jakub, "Evidence", "DATA-2041")
        press(jakub, "Note it")
        told(jakub, re.compile("2 requests"))
        go(linh, f"{portal.url}/datasets?view=mine")
        told(linh, "Access given")
        today = datetime.now(UTC).date()

        clock.write_text(str(31 * 24))  # a month later, to this portal
        tomasz = enter("Tomasz Wójcik", "/admin?admin_tab=Jobs")
        tomasz.locator(".st-key-run_watch-grants").get_by_role("button").click()
        linh = enter("Linh Nguyen", "/datasets?view=mine")
        told(linh, "Nothing by a request that was made here.")
        told(linh, re.compile("its time was over"))

        margaret = enter("Margaret O'Neill", f"/datasets?view=audit&day={today}&dataset=dataset:default/diabetes")
        told(margaret, re.compile(f"1 access on {today:%d %b %Y}"))
        go(
            margaret,
            f"{portal.url}/datasets?view=audit&day={today + timedelta(days=31)}&dataset=dataset:default/diabetes",
        )
        told(margaret, re.compile("no accesses"))
