import random

import pandas as pd
import pytest
from pii_scan import Finding, card_is_valid, iban_is_valid, kinds_in, scan

IBAN = "DE89 3704 0044 0532 0130 00"  # the registry's example
CARD = "4111 1111 1111 1111"  # a test number
MAIL = "jane.doe+news@mail.example.co.uk"
PHONE = "+44 20 7946 0958"  # reserved for drama


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (MAIL, "e-mail address"),
        (f"write to <{MAIL}>, please", "e-mail address"),
        (IBAN, "IBAN"),
        (IBAN.replace(" ", ""), "IBAN"),
        (IBAN.lower(), "IBAN"),
        (f"{IBAN} is my account since 2019", "IBAN"),
        ("GB82WEST12345698765432", "IBAN"),
        (CARD, "payment card"),
        ("5500-0000-0000-0004", "payment card"),
        ("paid by 378282246310005.", "payment card"),
        (f"{CARD} 12/29", "payment card"),
        (PHONE, "telephone number"),
        ("call 0049 (30) 901820", "telephone number"),
    ],
)
def test_each_kind_is_found_alone_and_within_text(text, kind):
    assert kinds_in(text) == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version 1.2.3 of 2026-11-20 10:15:00",
        "a@b",
        "user@@example.org",
        "see @example.org",
        "1700000000000",
        "0000000000000000",
        "order 20261120",
        "192.168.100.200",
        "0.4111111111111111",
        "550e8400-e29b-41d4-a716-446655440000",
        "GB82WEST12345698765433",
        "4111 1111 1111 1112",
        "+12",
    ],
)
def test_what_only_resembles_personal_data_is_left_alone(text):
    assert kinds_in(text) == set()


def test_several_kinds_in_one_text_are_all_found():
    assert kinds_in(f"{MAIL}; {IBAN}; {CARD}; {PHONE}") == {
        "e-mail address",
        "IBAN",
        "payment card",
        "telephone number",
    }


def test_every_single_wrong_digit_breaks_an_iban_and_a_card():
    for text, is_valid in ((IBAN.replace(" ", ""), iban_is_valid), (CARD.replace(" ", ""), card_is_valid)):
        assert is_valid(text)
        for place in range(4, len(text)):
            wrong = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
            assert not is_valid(wrong)


def test_exchanged_neighbours_break_an_iban():
    text = IBAN.replace(" ", "")
    swapped = [text[:place] + text[place + 1] + text[place] + text[place + 2 :] for place in range(4, len(text) - 1)]
    assert not any(iban_is_valid(one) for one in swapped if one != text)


def test_an_iban_of_the_wrong_length_for_its_country_is_none():
    too_long = next(f"DE{check:02d}{'1' * 20}" for check in range(2, 99) if int(f"{'1' * 20}1314{check:02d}") % 97 == 1)
    assert not iban_is_valid(too_long)


def test_random_numbers_pass_as_cards_about_once_in_twenty():
    rng = random.Random(4)
    hits = sum(card_is_valid(str(rng.randrange(10**15, 10**16))) for _ in range(4000))
    assert 0.03 < hits / 4000 < 0.08  # first digit 2 to 6: five ninths; Luhn: one tenth


def test_the_report_counts_rows_per_column_and_kind():
    frame = pd.DataFrame({"note": [f"{MAIL} {MAIL}", MAIL, "nothing", None], "other": ["x"] * 4})
    (found,) = scan(frame)
    assert found == Finding("note", "e-mail address", 2, 3)
    assert found.share == pytest.approx(2 / 3)


def test_card_numbers_are_found_in_number_columns_even_when_stored_as_float():
    number = int(CARD.replace(" ", ""))
    frame = pd.DataFrame({"whole": [number, number], "with_gap": [number, None]})
    assert [(one.column, one.rows, one.scanned) for one in scan(frame)] == [("whole", 2, 2), ("with_gap", 1, 1)]


def test_dates_truth_values_and_measurements_have_no_findings():
    frame = pd.DataFrame(
        {
            "at": pd.date_range("2026-01-01", periods=50),
            "flag": [True] * 50,
            "milliseconds": range(1_700_000_000_000, 1_700_000_000_050),
            "share": [place / 7 for place in range(50)],
        }
    )
    assert scan(frame) == []


def test_no_finding_repeats_a_value():
    assert MAIL not in repr(scan(pd.DataFrame({"note": [MAIL]})))


def test_a_sample_limits_the_rows_and_is_repeatable():
    frame = pd.DataFrame({"note": [MAIL] * 100})
    assert scan(frame, sample=10) == scan(frame, sample=10) == [Finding("note", "e-mail address", 10, 10)]
    assert scan(frame, sample=1000)[0].scanned == 100
    with pytest.raises(ValueError, match="at least one row"):
        scan(frame, sample=0)


def test_columns_of_the_same_name_are_both_scanned():
    frame = pd.DataFrame([[MAIL, PHONE]], columns=["contact", "contact"])
    assert [one.kind for one in scan(frame)] == ["e-mail address", "telephone number"]
