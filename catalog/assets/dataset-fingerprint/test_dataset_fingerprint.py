import datetime as dt
import io

import numpy as np
import pandas as pd
import pytest
from dataset_fingerprint import fingerprint, logical_type


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "amount": [1.5, np.nan, -2.0, 0.0],
            "city": ["Oslo", None, "", "Bergen"],
            "paid": [True, False, True, True],
            "at": pd.to_datetime(["2026-01-01", "2026-01-02 10:00", None, "9999-12-31"], format="ISO8601"),
        }
    )


def test_row_order_column_order_and_index_do_not_count(frame):
    shuffled = frame.sample(frac=1, random_state=3)[["paid", "city", "id", "at", "amount"]]
    assert fingerprint(shuffled) == fingerprint(frame)


@pytest.mark.parametrize(
    ("column", "value"),
    [("id", 5), ("amount", 1.5000001), ("city", "oslo"), ("paid", False), ("at", pd.Timestamp("2026-01-01 00:00:01"))],
)
def test_one_changed_cell_changes_the_content_but_not_the_schema(frame, column, value):
    changed = frame.copy()
    changed.loc[0, column] = value
    before, after = fingerprint(frame), fingerprint(changed)
    assert after.content != before.content
    assert after.schema == before.schema


def test_a_missing_text_is_not_an_empty_text(frame):
    assert fingerprint(frame.fillna({"city": ""})).content != fingerprint(frame).content


def test_a_duplicated_row_changes_the_content(frame):
    thrice = pd.concat([frame, frame.iloc[[0, 0]]])
    assert len({fingerprint(one).content for one in (frame, thrice, pd.concat([frame, frame.iloc[[0]]]))}) == 3


def test_exchanging_values_between_rows_or_columns_changes_the_content():
    one = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    between_rows = pd.DataFrame({"a": [2, 1], "b": [3, 4]})
    between_columns = pd.DataFrame({"a": [3, 4], "b": [1, 2]})
    assert len({fingerprint(table).content for table in (one, between_rows, between_columns)}) == 3


def test_a_renamed_column_changes_schema_and_content(frame):
    renamed = fingerprint(frame.rename(columns={"id": "key"}))
    assert renamed.schema != fingerprint(frame).schema
    assert renamed.content != fingerprint(frame).content


def test_storage_details_do_not_count(frame):
    stored = frame.astype({"id": "int32", "city": "category", "paid": "boolean"})
    stored["at"] = stored["at"].dt.as_unit("us").dt.tz_localize("UTC")
    assert fingerprint(stored) == fingerprint(frame)


def test_the_instant_counts_and_not_the_time_zone_it_is_written_in():
    utc = pd.DataFrame({"at": pd.to_datetime(["2026-06-01 12:00"], utc=True)})
    assert fingerprint(utc.assign(at=utc["at"].dt.tz_convert("Asia/Tokyo"))) == fingerprint(utc)


def test_integers_with_missing_values_keep_their_type_in_nullable_and_object_columns():
    nullable = pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64")})
    objects = pd.DataFrame({"n": pd.Series([1, None, 3], dtype=object)})
    assert fingerprint(nullable) == fingerprint(objects)


def test_integers_and_floats_are_different_types():
    assert fingerprint(pd.DataFrame({"n": [1, 2]})).schema != fingerprint(pd.DataFrame({"n": [1.0, 2.0]})).schema


def test_large_integers_that_floats_cannot_tell_apart_are_told_apart():
    big = 2**53
    assert fingerprint(pd.DataFrame({"n": [big]})).content != fingerprint(pd.DataFrame({"n": [big + 1]})).content


def test_a_csv_round_trip_of_plain_types_keeps_the_fingerprint(frame):
    plain = frame[["id", "amount", "paid"]]
    again = pd.read_csv(io.StringIO(plain.to_csv(index=False)))
    assert fingerprint(again) == fingerprint(plain)


def test_negative_zero_is_zero():
    assert fingerprint(pd.DataFrame({"x": [-0.0]})) == fingerprint(pd.DataFrame({"x": [0.0]}))


def test_empty_tables_differ_by_their_schema_only():
    one, other = pd.DataFrame({"a": pd.Series(dtype="int64")}), pd.DataFrame({"b": pd.Series(dtype="int64")})
    assert fingerprint(one).rows == 0
    assert fingerprint(one).schema != fingerprint(other).schema
    assert fingerprint(pd.DataFrame()).columns == 0


def test_the_fingerprint_of_a_known_table_never_changes():
    table = pd.DataFrame({"id": [1, 2], "name": ["a", "b"]})
    assert fingerprint(table).schema.startswith("c5cf61b1547a")
    assert fingerprint(table).content.startswith("975e57dd0fc2")


@pytest.mark.parametrize(
    ("values", "kind"),
    [([dt.date(2026, 1, 1)], "date"), (["a", None], "text"), ([pd.Timedelta("1h")], "duration"), ([None], "empty")],
)
def test_the_logical_type_comes_from_the_values(values, kind):
    assert logical_type(pd.Series(values, dtype=object)) == kind


def test_mixed_columns_and_doubled_names_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match="'x' holds mixed-integer values; convert"):
        fingerprint(pd.DataFrame({"x": [1, "1"]}))
    with pytest.raises(ValueError, match="its own name"):
        fingerprint(pd.DataFrame([[1, 2]], columns=["a", "a"]))
