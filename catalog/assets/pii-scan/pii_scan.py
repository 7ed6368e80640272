"""Count what looks like personal data in a table, per column and kind, without ever repeating a value.

A pattern proposes and a checksum decides, where the standard has one: IBANs by mod 97 (ISO 13616, ISO 7064), payment
cards by Luhn's digit (ISO/IEC 7812-1). A random number passes mod 97 once in 97 times and Luhn once in 10, so prefix
and length are checked as well. Telephone numbers have no checksum: only the international form of ITU-T E.164 counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

IBAN_LENGTHS = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24,
    "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21,
    "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27,
}  # fmt: skip
"""Lengths in the SEPA area, from the IBAN registry; elsewhere any length from 15 to 34 may be an IBAN."""


@dataclass(frozen=True)
class Recogniser:
    """A kind of personal data: a pattern that proposes, and a test that decides."""

    kind: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool]


@dataclass(frozen=True)
class Finding:
    """``rows`` of the scanned rows of a column contain this kind."""

    column: str
    kind: str
    rows: int
    scanned: int

    @property
    def share(self) -> float:
        """The share of the rows with a value that contain the kind."""
        return self.rows / self.scanned


def iban_is_valid(text: str) -> bool:
    """Whether the length fits the country and the number is 1 modulo 97 (letters count as A = 10 to Z = 35)."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}", plain):
        return False
    if IBAN_LENGTHS.get(plain[:2], len(plain)) != len(plain):
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def card_is_valid(text: str) -> bool:
    """Whether 13 to 19 digits start as cards of a payment network do (2 to 6) and pass Luhn's check."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if not 13 <= len(digits) <= 19 or not 2 <= digits[0] <= 6 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def phone_is_valid(text: str) -> bool:
    """Whether 8 to 15 digits follow the international prefix."""
    return 8 <= len(re.sub(r"^\s*(\+|00)|\D", "", text)) <= 15


RECOGNISERS = (
    Recogniser(
        "e-mail address",
        re.compile(r"(?<![\w.+-])[A-Za-z0-9_+-][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"),
        lambda text: ".." not in text,
    ),
    Recogniser("IBAN", re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]){11,30}"), iban_is_valid),
    Recogniser(
        "payment card",
        re.compile(r"(?<![0-9A-Za-z.+])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z]|\.[0-9])"),
        card_is_valid,
    ),
    Recogniser(
        "telephone number",
        re.compile(r"(?<![0-9A-Za-z])(?:\+|00)[1-9](?:[ ()./-]{0,2}[0-9]){7,14}(?![0-9])"),
        phone_is_valid,
    ),
)
"""In order: what an earlier recogniser accepts is hidden from the later ones."""


def kinds_in(text: str, recognisers: tuple[Recogniser, ...] = RECOGNISERS) -> set[str]:
    """The kinds of personal data that a text contains."""
    found = set()
    for recogniser in recognisers:
        for candidate in list(recogniser.pattern.finditer(text)):
            if accepted := _accepted(candidate.group(), recogniser):
                found.add(recogniser.kind)
                text = text.replace(accepted, " ")
    return found


def scan(
    frame: pd.DataFrame, *, sample: int | None = None, seed: int = 0, recognisers: tuple[Recogniser, ...] = RECOGNISERS
) -> list[Finding]:
    """Findings of all columns but dates and truth values; ``sample`` limits the rows that are read."""
    if sample is not None and sample < 1:
        raise ValueError("a sample has at least one row; leave it out to scan all rows")
    rows = frame if sample is None or sample >= len(frame) else frame.sample(sample, random_state=seed)
    found = []
    for place, name in enumerate(rows.columns):
        texts = list(_texts(rows.iloc[:, place]))
        counted = Counter(kind for text in texts for kind in kinds_in(text, recognisers))
        found += [Finding(str(name), kind, hits, len(texts)) for kind, hits in sorted(counted.items())]
    return found


def _accepted(candidate: str, recogniser: Recogniser) -> str:
    """The candidate, or its longest beginning of whole words that passes: an IBAN may be followed by other words."""
    while candidate and not recogniser.accepts(candidate):
        candidate = candidate.rpartition(" ")[0]
    return candidate


def _texts(column: pd.Series) -> Iterator[str]:
    """The values as text; a card number that became a float through missing values is written as an integer."""
    present = column.dropna()
    if pd.api.types.is_bool_dtype(present) or pd.api.types.is_datetime64_any_dtype(present):
        return
    for value in present:
        yield str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
