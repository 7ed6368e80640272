import numpy as np
import pandas as pd
import pytest
from leakage_check import check, shared_rows, target_proxies

ROWS = 600


@pytest.fixture
def frame():
    rng = np.random.default_rng(5)
    signal = rng.normal(size=ROWS)
    return pd.DataFrame(
        {
            "signal": signal,
            "colour": rng.choice(["red", "green"], ROWS),
            "customer": np.arange(ROWS),
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(ROWS), unit="h"),
            "y": (signal + rng.normal(size=ROWS) > 0).astype(int),
        }
    )


@pytest.fixture
def halves(frame):
    return frame.iloc[:400], frame.iloc[400:]


def names(findings):
    return {(one.check, one.subject) for one in findings}


def test_a_clean_split_has_no_findings(halves):
    assert check(*halves, "y", time="at", entity="customer") == []


def test_rows_copied_into_the_test_set_are_found_with_their_share(halves):
    train, test = halves
    mixed = pd.concat([test.iloc[:150], train.iloc[:50]])
    (found,) = shared_rows(train, mixed, ["signal", "colour"])
    assert found.strength == pytest.approx(0.25)


def test_shared_rows_are_found_although_the_types_differ(halves):
    train = halves[0].assign(level=1)
    test = train.astype({"level": "float32", "colour": "category"})
    (found,) = shared_rows(train, test, ["signal", "colour", "level"])
    assert found.strength == 1


def test_repeats_inside_training_are_named_beside_the_overlap():
    train = pd.DataFrame({"size": ["s", "m"] * 50})
    (found,) = shared_rows(train, train, ["size"])
    assert "repeats 98.0% of its own rows" in found.message


def test_the_same_customer_on_both_sides_is_found(halves):
    train, test = halves
    test = test.assign(customer=[0] * 20 + [9999] * 180)
    assert ("shared entities", "customer") in names(check(train, test, "y", time="at", entity="customer"))


@pytest.mark.parametrize(
    "proxy",
    [
        lambda y, noise: y * 10.0 + noise,
        lambda y, _: np.where(y == 1, "closed", "open"),
        lambda y, _: np.where(y == 1, 3.0, np.nan),
        lambda y, noise: np.where(y == 1, 0.0, np.resize([-9.0, 9.0], len(y))) + noise,
    ],
    ids=["shifted number", "status text", "missing when negative", "not monotone"],
)
def test_a_column_written_after_the_outcome_is_found(frame, proxy):
    found = list(
        target_proxies(frame.assign(after=proxy(frame["y"], np.linspace(0, 1, ROWS))), "y", ["signal", "after"])
    )
    assert names(found) == {("target proxy", "after")}


def test_an_identifier_is_no_proxy_although_it_fits_training_perfectly(frame):
    identifiers = frame.assign(id=[f"c{number}" for number in np.random.default_rng(0).permutation(ROWS)])
    assert list(target_proxies(identifiers, "y", ["id"])) == []


def test_proxies_of_a_numeric_and_of_a_many_class_target_are_found(frame):
    number = frame.assign(price=frame["signal"] * 3 + 100, gross=frame["signal"] * 3.57 + 119)
    assert names(target_proxies(number, "price", ["gross", "colour"])) == {("target proxy", "gross")}
    level = pd.qcut(frame["signal"], 4, labels=["a", "b", "c", "d"]).astype(str)
    classes = frame.assign(level=level, code=level.str.upper())
    assert names(target_proxies(classes, "level", ["code", "colour"])) == {("target proxy", "code")}


def test_a_class_of_a_few_rows_gives_no_proxy_by_chance(frame):
    rare = frame.assign(y=["rare" if row in (3, 4) else "usual" for row in range(ROWS)])
    assert list(target_proxies(rare.assign(mark=rare["y"]), "y", ["mark"])) == []


def test_training_after_the_first_test_row_is_found(frame):
    shuffled = frame.sample(frac=1, random_state=1)
    found = check(shuffled.iloc[:400], shuffled.iloc[400:], "y", time="at", entity="customer")
    assert names(found) == {("time overlap", "at")}
    assert found[0].strength > 0.9


@pytest.mark.parametrize(("hours", "late"), [(1, 0), (2, 1 / 400), (25, 24 / 400)])
def test_the_gap_asks_for_the_time_until_a_label_is_known(halves, hours, late):
    found = check(*halves, "y", time="at", entity="customer", gap=pd.Timedelta(hours=hours))
    assert sum(one.strength for one in found) == pytest.approx(late)


def test_unusable_input_is_refused_with_what_is_wrong(halves):
    train, test = halves
    with pytest.raises(ValueError, match=r"test lacks the columns \['y'\]"):
        check(train, test.drop(columns="y"), "y")
    with pytest.raises(ValueError, match="train needs rows"):
        check(train.iloc[:0], test, "y")
    with pytest.raises(ValueError, match="merge rare ones"):
        list(target_proxies(train.assign(y=[f"c{row % 30}" for row in range(400)]), "y", ["signal"]))
    with pytest.raises(ValueError, match="two different values"):
        list(target_proxies(train.assign(y=1), "y", ["signal"]))
