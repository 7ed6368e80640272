from dataclasses import replace
from datetime import date, timedelta

import pytest
from retraining_policy import Policy, Window, decide, false_alarm_rate

TODAY = date(2026, 11, 20)
POLICY = Policy(k=3, n=5)


def windows(pattern, quality="green", rows=500):
    """Daily windows, oldest first: "x" exceeds the limit, "." does not."""
    start = TODAY - timedelta(days=len(pattern) - 1)
    return [
        Window(start + timedelta(days=place), rows, 0.3 if mark == "x" else 0.02, 0.1, quality)
        for place, mark in enumerate(pattern)
    ]


def action(pattern, **options):
    return decide(POLICY, windows(pattern), TODAY, **options).action


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("x.x.x", "retrain"),
        ("xxxxx", "retrain"),
        ("....x", "wait"),
        ("xx...", "wait"),
        ("xxx.....", "wait"),
        (".....xxx", "retrain"),
        ("xxxx", "not enough data"),
        ("", "not enough data"),
    ],
)
def test_three_of_the_last_five_windows_are_needed(pattern, expected):
    assert action(pattern) == expected


def test_a_value_on_its_limit_is_no_alarm():
    on_limit = [replace(one, value=one.limit) for one in windows("xxxxx")]
    assert decide(POLICY, on_limit, TODAY).action == "wait"


def test_the_order_in_which_windows_arrive_does_not_count():
    assert decide(POLICY, windows("..xxx")[::-1], TODAY) == decide(POLICY, windows("..xxx"), TODAY)


def test_windows_with_too_few_rows_neither_alarm_nor_calm():
    thin = [replace(one, rows=99) if one.value > 0.1 else one for one in windows("xx..x...")]
    result = decide(POLICY, thin, TODAY)
    assert (result.action, len(result.evidence)) == ("wait", 5)
    assert decide(POLICY, windows("xxxxx", rows=99), TODAY).action == "not enough data"


@pytest.mark.parametrize("quality", ["amber", "red"])
def test_a_broken_feed_asks_for_repair_and_not_for_retraining(quality):
    result = decide(POLICY, windows("xxxxx", quality), TODAY)
    assert result.action == "repair the data"
    assert quality in result.reason


def test_a_past_quality_problem_is_left_out_of_the_count():
    past = windows("xxx....x")
    past[:3] = [replace(one, quality="red") for one in past[:3]]
    result = decide(POLICY, past, TODAY)
    assert result.action == "wait"
    assert all(one.quality == "green" for one in result.evidence)


@pytest.mark.parametrize(("days_ago", "expected"), [(0, "wait"), (13, "wait"), (14, "retrain"), (100, "retrain")])
def test_the_cooldown_holds_back_until_its_last_day_is_over(days_ago, expected):
    result = decide(POLICY, windows("xxxxx"), TODAY, last_retraining=TODAY - timedelta(days=days_ago))
    assert result.action == expected
    assert (result.not_before is None) == (expected == "retrain")


def test_an_open_request_is_not_doubled():
    assert action("xxxxx", request_open=True) == "wait"


@pytest.mark.parametrize(("age", "expected"), [(7, "retrain"), (8, "not enough data")])
def test_silence_of_the_monitor_is_not_taken_for_calm_or_alarm(age, expected):
    assert decide(POLICY, windows("xxxxx"), TODAY + timedelta(days=age)).action == expected


def test_a_window_without_a_number_is_not_usable():
    broken = [replace(one, value=float("nan")) for one in windows("xxxxx")]
    assert decide(POLICY, broken, TODAY).action == "not enough data"


def test_the_decision_carries_its_evidence_newest_first():
    result = decide(POLICY, windows("...x.xx"), TODAY)
    assert [one.day for one in result.evidence] == [TODAY - timedelta(days=days) for days in range(5)]
    assert result.policy is POLICY


def test_one_more_alarm_never_turns_a_retraining_into_waiting():
    for number in range(32):
        pattern = f"{number:05b}".replace("1", "x").replace("0", ".")
        if action(pattern) == "retrain":
            assert action(pattern.replace(".", "x", 1)) == "retrain"


def test_the_false_alarm_rate_is_the_binomial_tail():
    assert false_alarm_rate(Policy(k=1, n=1), 0.05) == pytest.approx(0.05)
    assert false_alarm_rate(Policy(k=1, n=5), 0.05) == pytest.approx(1 - 0.95**5)
    assert false_alarm_rate(POLICY, 0.01) == pytest.approx(9.85e-6, rel=1e-3)
    assert false_alarm_rate(POLICY, 1) == pytest.approx(1)


def test_impossible_policies_windows_and_clocks_are_refused():
    with pytest.raises(ValueError, match="not 6 of 5"):
        Policy(k=6, n=5)
    with pytest.raises(ValueError, match="cooldown_days"):
        Policy(cooldown_days=-1)
    with pytest.raises(ValueError, match="not 'yellow'"):
        Window(TODAY, 1, 0.0, 0.1, "yellow")
    with pytest.raises(ValueError, match="the clock"):
        decide(POLICY, windows("xxxxx"), TODAY - timedelta(days=1))
    with pytest.raises(ValueError, match="same day"):
        decide(POLICY, windows("x") * 2, TODAY)
    with pytest.raises(ValueError, match="between 0 and 1"):
        false_alarm_rate(POLICY, 1.1)
