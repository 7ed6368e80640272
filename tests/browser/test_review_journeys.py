"""Assurance in a real browser: a case that is sent back, the next version of it, and an approval that opens the gate."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.demo.cases import PIN
from tests.browser.running import PATIENCE_MS, Portal
from tests.browser.walking import Enter, go, people_of, press, told, turn_to

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]  # one portal and one browser for all journeys


@pytest.fixture
def enter(demo: Portal, chromium: Browser) -> Iterator[Enter]:
    """Open the demo portal as somebody, in a browser of their own."""
    with people_of(demo, chromium) as as_person:
        yield as_person


def ask(demo: Portal, statement: str, *values: object) -> list[tuple[str, ...]]:
    """What the store says, read beside the portal."""
    with sqlite3.connect(f"file:{demo.data / 'portal.sqlite'}?mode=ro", uri=True) as store:
        return store.execute(statement, values).fetchall()


def case_of(demo: Portal, project: str) -> tuple[str, str, str]:
    """Id, model and version of the demo's case of a project."""
    wanted = (
        "SELECT c.id, c.name, c.version FROM review_case c JOIN case_seat s ON s.case_id = c.id"
        " WHERE c.project_id = ? ORDER BY c.id"
    )
    until = time.monotonic() + 300
    while not (found := ask(demo, wanted, project)) and time.monotonic() < until:
        time.sleep(1)  # the demo is still trained
    number, name, version = found[0]
    return str(number), name, version


def seated(demo: Portal, case: str, role: str) -> str:
    """Who sits in a case for a role."""
    wanted = "SELECT p.name FROM case_seat s JOIN person p ON p.id = s.person_id WHERE s.case_id = ? AND s.role = ? AND s.released_at IS NULL"  # fmt: skip
    return ask(demo, wanted, case, role)[0][0]


def command(demo: Portal, *words: str, elsewhere: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command on the machine of the portal, or ``elsewhere``, where nothing of it is."""
    environment = os.environ | {
        "PORTAL_DATA": str(elsewhere or demo.data), "MLFLOW_TRACKING_URI": (demo.data / "mlflow" / "uri").read_text().strip(),
    }  # fmt: skip
    environment.pop("PORTAL_DATABASE_URL", None)
    return subprocess.run([sys.executable, "-m", "core", *words], env=environment, capture_output=True, text=True)


def sign(page: Page, decision: str) -> None:
    """Press a decision, go through what is signed, and give the PIN."""
    press(page, decision)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_text("SHA-256 of the record")).to_be_visible(timeout=PATIENCE_MS)
    dialog.get_by_label("Your signing PIN").fill(PIN)
    dialog.get_by_role("button", name="Sign", exact=True).click()
    expect(dialog).to_have_count(0, timeout=PATIENCE_MS)


def test_a_failing_fairness_rule_is_sent_back_and_the_next_version_carries_over(demo: Portal, enter: Enter) -> None:
    case, model, _ = case_of(demo, "follow-up-priority")
    validator = enter(seated(demo, case, "model validator"), f"/review?id={case}&item=MOD-13")
    told(validator, re.compile("ratio of selection rates"))
    told(validator, "fails")
    expect(validator.get_by_text("inconclusive").first).to_be_visible()
    press(validator, "Ask for changes")
    for field in validator.get_by_role("textbox", name=re.compile("What should change in")).all():
        field.fill("One group is hardly ever called; look at the weighed version.")
        field.press("Tab")
    press(validator, "Ask")
    told(validator, "Changes requested")

    owner = enter("Freja Lindqvist")
    told(owner, re.compile("Change your case on"))
    go(owner, f"{demo.url}/reviews?open_for=follow-up-priority&model={model}/3")
    press(owner, re.compile("Open the case"))
    told(owner, re.compile(r"carried over"))
    turn_to(owner, "Evidence")
    press(owner, re.compile("Copy the evidence"))
    told(owner, "Same as in MLflow")
    told(owner, "Against version 1")
    expect(owner.get_by_text(re.compile("MOD-13 .*: judged differently|MOD-13 ")).first).to_be_visible()


def settle_items(demo: Portal, case: str, validator: str) -> None:
    """What would be many clicks: a reviewer agrees with what does not apply, and a manager lets the group size pass."""
    script = Path(__file__).with_name("settling.py")
    environment = os.environ | {"PORTAL_DATA": str(demo.data), "PYTHONPATH": "."}
    environment.pop("PORTAL_DATABASE_URL", None)
    done = subprocess.run([sys.executable, script, case, validator], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_four_people_sign_the_gate_opens_and_a_changed_metric_closes_it(
    demo: Portal, enter: Enter, tmp_path: Path
) -> None:
    case, model, version = case_of(demo, "progression-forecast")
    asked = command(demo, "gate", f"models:/{model}/{version}", "--environment", "production")
    assert asked.returncode == 1, asked.stdout + asked.stderr

    linh = enter("Linh Nguyen", f"/review?id={case}&item=MOD-24")
    told(linh, "asks for a change")
    linh.get_by_role("spinbutton").first.fill("70")
    linh.get_by_role("spinbutton").first.press("Tab")
    press(linh, re.compile("Save the answer"))
    told(linh, "MOD-24 is answered")
    expect(linh.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    sign(linh, "Submit")
    told(linh, re.compile("The case is in review now"))

    validator = seated(demo, case, "model validator")
    settle_items(demo, case, validator)
    for role in ("model validator", "domain expert", "reviewer"):
        page = enter(seated(demo, case, role), f"/review?id={case}")
        sign(page, "Approve")
        told(page, re.compile("Signed. The case is (in review|approved) now"))
    attested = tmp_path / "attestation.json"
    asked = command(demo, "gate", f"models:/{model}/{version}", "--attest", str(attested))
    assert asked.returncode == 0, asked.stdout + asked.stderr
    (tmp_path / "key.pem").write_text(command(demo, "gate-key").stdout)
    offline = ("verify-attestation", str(attested), "--key", str(tmp_path / "key.pem"), "--environment", "production")
    checked = command(demo, *offline, "--about", f"models:/{model}/{version}", elsewhere=tmp_path / "nothing")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    envelope = json.loads(attested.read_bytes())
    envelope["payload"] = b64encode(b64decode(envelope["payload"]).replace(b"production", b"everywhere")).decode()
    attested.write_text(json.dumps(envelope))
    assert command(demo, *offline, elsewhere=tmp_path / "nothing").returncode == 4, "not genuine"

    turn_to(page, "Signatures")
    with page.expect_download() as download:
        press(page, re.compile("Verifiable export"))
    export = tmp_path / "case.zip"
    download.value.save_as(export)
    with zipfile.ZipFile(export) as archive:
        archive.extract("verify.py", tmp_path)
        assert archive.read("sign-off.pdf").startswith(b"%PDF-")
    verified = subprocess.run([sys.executable, "-I", tmp_path / "verify.py", export], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.count("on this record; counts") == 3, "waivers came after Linh had signed"

    is_written(demo, model, version, "approved")
    overwrite_a_metric(demo, model, version)
    turn_to(page, "Evidence")
    press(page, re.compile("Compare it with MLflow now"))
    told(page, "Suspended")
    asked = command(demo, "gate", f"models:/{model}/{version}", "--environment", "production")
    assert asked.returncode == 1
    assert "suspended" in asked.stdout
    go(linh, demo.url)
    told(linh, re.compile("suspended"))


def tracking(demo: Portal) -> object:
    """A client of the demo's MLflow, as a data scientist has it."""
    from mlflow import MlflowClient

    return MlflowClient((demo.data / "mlflow" / "uri").read_text().strip())


def is_written(demo: Portal, model: str, version: str, status: str) -> None:
    """Wait until the verdict stands in MLflow."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        tags = tracking(demo).get_model_version(model, version).tags  # type: ignore[attr-defined]
        if tags.get("factory.validation_status") == status:
            return
        time.sleep(1)
    pytest.fail(f"MLflow says {tags}")


def overwrite_a_metric(demo: Portal, model: str, version: str) -> None:
    """What MLflow lets anybody do with a finished run."""
    client = tracking(demo)
    run = client.get_model_version(model, version).run_id  # type: ignore[attr-defined]
    client.log_metric(run, "rmse", 12.3)  # type: ignore[attr-defined]
