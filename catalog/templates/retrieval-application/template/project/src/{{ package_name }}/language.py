"""Words, stems and sentences of English text, as index, stand-in model and guard read them."""

from __future__ import annotations

import re

WORD = re.compile(r"[a-z]+(?:-[0-9]+)?|[0-9]+(?:[.,:][0-9]+)*")
NUMBER = re.compile(r"[0-9]+(?:[.,:][0-9]+)*")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"(])")
ENDINGS = ("ments", "ment", "ings", "ing", "ies", "ed", "es", "s", "e", "y")
SHORTEST_STEM = 3

_COMMON = """
a about all am an and any are as at be been before below but by can could did do does during each
every for from get give had has have how i if in into is it its long many may me more most much
must my no not of off on one only or our should so some take tell than that the their them then
there these they this those to too up us was we were what when where which while who whom whose
why will with would you your
"""
STOP_WORDS = frozenset(_COMMON.split())


def words(text: str) -> list[str]:
    """Lower-case words and numbers; an apostrophe does not end a word."""
    return WORD.findall(text.lower().replace("'", "").replace("\u2019", ""))


def stem(word: str) -> str:
    """The word without its ending, so that "reported", "reports" and "reporting" are one."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def content_words(text: str) -> list[str]:
    """Words that carry meaning, as they stand."""
    return [word for word in words(text) if word not in STOP_WORDS]


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning."""
    return [stem(word) for word in content_words(text)]


def numbers(text: str) -> set[str]:
    """Every number of a text, such as 1,200 or 9:30."""
    return set(NUMBER.findall(text))


def sentences(text: str) -> list[str]:
    """The sentences of a passage, with line breaks folded."""
    return [part.strip() for part in SENTENCE_END.split(" ".join(text.split())) if part.strip()]
