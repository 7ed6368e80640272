import datetime as dt

import numpy as np
import pandas as pd
import pytest
from data_contract_check import check

SECRET = "jane@example.org"


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "id": range(100),
            "age": [40.0] * 100,
            "country": ["NO", "SE"] * 50,
            "email": [SECRET] * 100,
            "at": pd.date_range("2026-01-01", periods=100, freq="h"),
            "active": [True, False] * 50,
        }
    )


@pytest.fixture
def contract():
    return {
        "min_rows": 50,
        "key": ["id"],
        "extra_columns": "forbid",
        "columns": {
            "id": {"type": "integer", "unique": True},
            "age": {"type": "number", "min": 0, "max": 120},
            "country": {"type": "text", "values": ["NO", "SE", "DK"]},
            "email": {"type": "text", "pattern": r"[^@]+@[^@]+"},
            "at": {"type": "timestamp", "min": dt.date(2026, 1, 1), "max": "2026-12-31"},
            "active": {"type": "boolean"},
        },
    }


def rules(frame, contract):
    return [(one.rule, one.column, one.rows) for one in check(frame, contract)]


def test_a_table_that_keeps_its_promises_has_no_findings(frame, contract):
    assert check(frame, contract) == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("age", -1.0, "below minimum"),
        ("age", 121.0, "above maximum"),
        ("country", "XX", "unknown value"),
        ("email", "jane", "wrong pattern"),
        ("at", pd.Timestamp("2025-12-31"), "below minimum"),
        ("at", pd.Timestamp("2027-01-01"), "above maximum"),
    ],
)
def test_each_broken_promise_is_found_with_its_number_of_rows(frame, contract, column, value, rule):
    frame.loc[[3, 7], column] = value
    assert rules(frame, contract) == [(rule, column, 2)]


def test_limits_themselves_are_allowed(frame, contract):
    frame.loc[0, "age"], frame.loc[1, "age"] = 0.0, 120.0
    assert check(frame, contract) == []


def test_missing_values_are_found_above_the_allowed_share_only(frame, contract):
    frame.loc[:4, "age"] = np.nan
    assert check(frame, contract) == []
    frame.loc[:5, "age"] = np.nan
    assert rules(frame, contract) == [("missing values", "age", 6)]


def test_a_repeated_key_is_found_and_may_be_allowed_as_a_share(frame, contract):
    frame.loc[1, "id"] = 0
    assert rules(frame, contract) == [("duplicate key", "id", 1), ("not unique", "id", 1)]
    contract["max_duplicates"], contract["columns"]["id"] = 0.01, {}
    assert check(frame, contract) == []


def test_missing_and_extra_columns_are_found(frame, contract):
    assert rules(frame.rename(columns={"age": "years"}), contract) == [
        ("extra column", "years", 0),
        ("column missing", "age", 0),
    ]
    contract["extra_columns"] = "allow"
    assert check(frame.assign(more=1), contract) == []


def test_a_table_with_too_few_rows_is_found_and_an_empty_one_too(frame, contract):
    assert rules(frame.head(49), contract) == [("too few rows", "", 0)]
    assert rules(frame.head(0), {"columns": {"id": {"type": "integer"}}}) == [("too few rows", "", 0)]


def test_a_missing_key_column_is_named(frame):
    assert rules(frame, {"columns": {"id": None}, "key": ["id", "day"]}) == [("key missing", "day", 0)]


@pytest.mark.parametrize(
    ("column", "values"),
    [("id", "text"), ("age", True), ("country", 1), ("at", "2026-01-01"), ("active", 1), ("id", 1.5)],
)
def test_a_wrong_type_is_found_once_and_stops_the_other_checks_of_the_column(frame, contract, column, values):
    del contract["key"]
    assert rules(frame.assign(**{column: values}), contract) == [("wrong type", column, 100)]


def test_integers_that_became_floats_through_missing_values_are_integers(frame, contract):
    del contract["key"]
    frame["id"] = frame["id"].astype("float64").where(frame["id"] > 2)
    assert check(frame, contract) == []


def test_limits_that_do_not_fit_an_untyped_column_are_a_finding_and_no_crash(frame):
    assert rules(frame, {"columns": {"email": {"min": 3}}}) == [("wrong type", "email", 100)]


def test_dates_in_the_contract_are_read_in_the_time_zone_of_the_column(frame, contract):
    frame["at"] = frame["at"].dt.tz_localize("Europe/Oslo")
    assert check(frame, contract) == []


def test_findings_never_repeat_a_value(frame, contract):
    contract["columns"]["email"] = {"type": "text", "values": ["other"], "pattern": "x", "unique": True}
    findings = check(frame, contract)
    assert len(findings) == 3
    assert all(SECRET not in one.message for one in findings)


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ({}, "needs 'columns'"),
        ({"columns": {"id": {"typ": "integer"}}}, "did you mean 'type'"),
        ({"columns": {"id": {"type": "varchar"}}}, "use one of integer"),
        ({"columns": {"id": "integer"}}, "mapping of promises"),
        ({"columns": {"id": {}}, "minrows": 3}, "did you mean 'min_rows'"),
        ({"columns": {"id": {}}, "extra_columns": False}, "'allow' or 'forbid'"),
    ],
)
def test_a_contract_that_cannot_be_checked_is_refused(frame, contract, message):
    with pytest.raises(ValueError, match=message):
        check(frame, contract)
