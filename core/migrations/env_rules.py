"""What of the store belongs to the models: for Alembic and for the test that compares both."""

from typing import Any

from core import db


def owned(object_: Any, name: str | None, type_: str, _reflected: bool, _other: Any) -> bool:
    """Whether an object belongs to the models: the search index, its shadow tables and its column do not."""
    if type_ == "column":
        return not (name == "search" and object_.table.name == "entry_text")
    return not (name or "").startswith(db.SEARCH_TABLES)
