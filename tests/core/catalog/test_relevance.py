"""What people type leads to what they mean, in the shipped catalog."""

from __future__ import annotations

from pathlib import Path

import yaml

from core import db
from core.access import policy
from core.catalog import search

EXPECTED = yaml.safe_load(Path(__file__).with_name("relevance.yaml").read_text("utf-8"))
DEPTHS = {"first": 1, "two": 2, "three": 3}


def test_what_people_type_finds_what_they_mean_among_the_first_hits(shipped: str) -> None:
    missed = []
    with db.reading() as session:
        for depth, pairs in EXPECTED.items():
            for text, key in pairs.items():
                page = search.search(session, policy.system("test"), text)
                top = [hit.key for hit in page.items[: DEPTHS[depth]]]
                if key not in top:
                    missed.append(f"{text!r} finds {top}, not {key}")
    assert not missed, "\n".join(missed)


def test_the_set_of_examples_is_large_enough_to_tell_something() -> None:
    assert sum(map(len, EXPECTED.values())) >= 45
