"""Notice text that speaks to a machine, in documents and in answers.

The list is a tripwire and not the defence. The defence is that passages are data, that the model
has no tools and no credentials, and that the guard shows only what a cited passage supports.
"""

from __future__ import annotations

import re

INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|handbook|above|previous|earlier)"
    r"|\b(?:system|hidden|secret) prompt\b"
    r"|\byou are (?:now|no longer)\b"
    r"|\b(?:reveal|print|repeat|output)\b.{0,30}\b(?:instructions?|prompt|api key)\b"
    r"|\b(?:assistant|system|user)\s*:"
    r"|\bdo not (?:cite|mention|tell) (?:the|your|this|any)\b",
    re.IGNORECASE,
)


def reads_like_an_instruction(text: str) -> bool:
    """Whether a text seems to speak to the model instead of the reader."""
    return INSTRUCTION.search(text) is not None
