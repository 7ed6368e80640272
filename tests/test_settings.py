"""Settings: wrong values are refused at the start, by the variable's name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from croniter import croniter  # DBOS reads schedules with it

from core.config import SYNC_SECONDS, Settings, is_loopback, names_loopback, settings
from core.errors import Invalid


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_PORT", "eighty"),
        ("PORTAL_PORT", "70000"),
        ("PORTAL_DATABASE_URL", "mysql://somewhere/else"),
        ("PORTAL_LOCAL_SIGNIN", "always"),
        ("PORTAL_SESSION_HOURS", "0"),
        ("PORTAL_OIDC_ROLES", "not json"),
        ("PORTAL_OIDC_METADATA_URL", "ftp://provider"),
        ("PORTAL_SYNC_SECONDS", "1"),
        ("PORTAL_SYNC_SECONDS", "45"),
        ("PORTAL_SYNC_SECONDS", "90000"),
        ("PORTAL_EVIDENCE_URL", "somewhere"),
        ("PORTAL_EVIDENCE_URL", "https://example.org/evidence"),
        ("PORTAL_EVIDENCE_URL", "s3://"),
        ("PORTAL_EVIDENCE_FILE_MB", "0"),
        ("PORTAL_EVIDENCE_UPLOAD_MB", "5000"),
        ("MLFLOW_TRACKING_URI", "not-a-url"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    settings.cache_clear()
    with pytest.raises(Invalid, match=name):
        settings()


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("reviwer", "'reviewer'"),
        ("Data Scientist", "'data scientist'"),
        ("king", "possible are domain expert"),
        ("", "is no role"),
        ("reviewer@units/risk", "'unit'"),
        ("reviewer@galaxy/risk", "is no kind of scope"),
        ("reviewer@unit", "names no unit"),
        ("reviewer@team/", "names no team"),
        ("reviewer@organisation/risk", "names no organisation"),
        (f"reviewer@team/{'x' * 64}", "names no team"),
    ],
)
def test_a_group_that_maps_to_no_role_is_refused_and_told_the_nearest(
    role: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_OIDC_ROLES", json.dumps({"staff": "auditor", "risk": role}))
    settings.cache_clear()
    with pytest.raises(Invalid, match="PORTAL_OIDC_ROLES: the group 'risk'") as refusal:
        settings()
    assert told in refusal.value.message


@pytest.mark.parametrize("role", ["reviewer", "AI engineer", "data scientist@unit/health", " manager @ team/risk "])
def test_a_group_maps_to_a_role_for_the_organisation_or_a_part_of_it(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_OIDC_ROLES", json.dumps({"risk": role}))
    settings.cache_clear()
    assert settings().oidc_roles == {"risk": role}


@pytest.mark.parametrize(
    ("seconds", "nearest"), [(7, "6 and 10"), (45, "30 and 60"), (90, "60 and 120"), (86_399, "43200 and 86400")]
)
def test_a_time_between_syncs_that_no_schedule_keeps_is_refused_with_the_nearest(
    seconds: int, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_SYNC_SECONDS", str(seconds))
    settings.cache_clear()
    with pytest.raises(Invalid, match=f"PORTAL_SYNC_SECONDS: .* the nearest are {nearest}"):
        settings()


@pytest.mark.parametrize("seconds", SYNC_SECONDS)
def test_syncs_are_as_far_apart_as_the_setting_says(seconds: int) -> None:
    moments = croniter(
        Settings(sync_seconds=seconds).sync_schedule, datetime(2026, 11, 26, tzinfo=UTC), second_at_beginning=True
    )
    times = [moments.get_next(float) for _ in range(3 * 86_400 // max(seconds, 1000))]
    assert {later - earlier for earlier, later in pairwise(times)} == {seconds}


def test_half_an_identity_provider_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_OIDC_CLIENT_ID", "portal")
    settings.cache_clear()
    with pytest.raises(Invalid, match="go together"):
        settings()


@pytest.mark.parametrize(
    ("address", "mode", "admitted"),
    [
        ("127.0.0.1", "loopback", True),
        ("::1", "loopback", True),
        ("localhost", "loopback", True),
        ("0.0.0.0", "loopback", False),
        ("10.0.0.5", "loopback", False),
        ("0.0.0.0", "any", True),
        ("127.0.0.1", "off", False),
    ],
)
def test_local_sign_in_is_admitted_on_loopback_or_when_switched_on(address: str, mode: str, admitted: bool) -> None:
    assert Settings(address=address, local_signin=mode).admits_local_signin is admitted


@pytest.mark.parametrize(
    ("url", "mode", "admitted"),
    [
        ("https://factory.example", "loopback", False),
        ("http://10.0.0.5:8501", "loopback", False),
        ("https://factory.example", "any", True),
        ("http://localhost:8501", "loopback", True),
        ("http://127.0.0.1", "loopback", True),
        ("http://[::1]:8501", "loopback", True),
        ("", "loopback", True),
    ],
)
def test_behind_a_public_name_local_sign_in_is_off_whatever_the_address(url: str, mode: str, admitted: bool) -> None:
    assert Settings(address="127.0.0.1", public_url=url, local_signin=mode).admits_local_signin is admitted


def test_a_provider_switches_local_sign_in_off() -> None:
    chosen = Settings(
        oidc_metadata_url="http://127.0.0.1/.well-known", oidc_client_id="x", oidc_client_secret="y", local_signin="any"
    )
    assert not chosen.admits_local_signin


def test_a_host_name_is_not_taken_for_loopback() -> None:
    assert not is_loopback("127.0.0.1.example.org")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8501", "127.0.0.1", "127.0.0.1:8501", "127.8.9.10:1", "[::1]", "[::1]:8501"]
)
def test_a_host_header_names_this_machine_with_any_port(host: str) -> None:
    assert names_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        None, "", "evil.example", "evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example:8501", "0.0.0.0:8501",
        "192.168.1.5:8501", "x@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1/evil", "127.0.0.1:8501:1", "::1", "[::1", "[fe80::1]:8501",
    ],
)  # fmt: skip
def test_any_other_host_header_names_no_machine_of_ours(host: str | None) -> None:
    assert not names_loopback(host)
