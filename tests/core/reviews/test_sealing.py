"""A signature as bytes: it holds for exactly what was signed, by exactly that key."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.activity import chain
from core.reviews import sealing


def test_a_signature_holds_for_its_payload_and_key() -> None:
    payload = sealing.payload({"case": 1, "name": "Zoë 🔏"})
    signature, key = sealing.seal(payload)
    assert sealing.holds(payload, signature, key)
    assert key == sealing.public_key()
    assert json.loads(payload)["kind"] == sealing.KIND


@given(st.data())
def test_any_changed_character_breaks_it(data: st.DataObject) -> None:
    payload = sealing.payload({"case": 1, "decision": "approve"})
    parts = [payload, *sealing.seal(payload)]
    which = data.draw(st.integers(0, 2))
    place = data.draw(st.integers(0, len(parts[which]) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != parts[which][place]))
    parts[which] = parts[which][:place] + other + parts[which][place + 1 :]
    assert not sealing.holds(*parts)


@pytest.mark.parametrize(
    ("signature", "key"), [("", ""), ("%", "00" * 32), (b64encode(b"0" * 64).decode(), "xyz"), ("é", "é")]
)
def test_what_is_malformed_does_not_hold(signature: str, key: str) -> None:
    assert not sealing.holds("{}", signature, key)


def test_what_the_key_of_the_log_sealed_is_no_signature_of_a_person() -> None:
    key = chain.signing_key(chain.new_key())
    public, seal = chain.seal(key, 1, "0" * 64, "2026")
    assert not sealing.holds(chain.statement(1, "0" * 64, "2026").decode() + " ", seal, public)
