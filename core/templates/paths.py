"""Names of files, in a template and in what comes out of it: relative, visible, and what they look like."""

from __future__ import annotations

import re
import unicodedata

MAX_PATH = 500
MAX_PART_BYTES = 255

NAME_RULE = "Use ASCII letters, digits, '_', '-' and '.', beginning with a letter or digit, at most 100 characters."

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def path_problem(path: str) -> str:
    """What is wrong with a path, as the rest of a sentence that begins with it; empty if nothing is."""
    if not path or len(path) > MAX_PATH:
        return f"has a name of {len(path)} characters, where 1 to {MAX_PATH} are allowed"
    if not path.isprintable():
        return "has a name with characters that cannot be seen"
    if path.startswith("/") or "\\" in path:
        return "has a name that begins with '/' or holds a backslash"
    if unicodedata.normalize("NFKC", path) != path:
        return "has a name with characters that look like others"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "has a name that leaves its folder or has an empty part"
    if ".git" in (part.lower().rstrip(". ") for part in parts):
        return "lies in a folder of git's own"
    return "has a part that is too long" if any(len(part.encode()) > MAX_PART_BYTES for part in parts) else ""


def is_plain_name(text: str) -> bool:
    """Whether an answer may become part of a file's name: no look-alikes, no way out of the folder."""
    return _NAME.fullmatch(text) is not None and ".." not in text and not text.endswith(".")
