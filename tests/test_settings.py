"""Settings: wrong values are refused at the start, by the variable's name."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from croniter import croniter  # DBOS reads schedules with it

from core.config import SYNC_SECONDS, Settings, is_loopback, settings
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


def test_a_provider_switches_local_sign_in_off() -> None:
    chosen = Settings(
        oidc_metadata_url="http://127.0.0.1/.well-known", oidc_client_id="x", oidc_client_secret="y", local_signin="any"
    )
    assert not chosen.admits_local_signin


def test_a_host_name_is_not_taken_for_loopback() -> None:
    assert not is_loopback("127.0.0.1.example.org")
