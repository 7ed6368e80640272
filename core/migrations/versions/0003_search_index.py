"""The search index: FTS5 and trigrams on SQLite, a generated tsvector (and trigrams, where allowed) on PostgreSQL"""

from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("name", "title", "tags", "summary", "words", "readme")

SQLITE = [
    "CREATE VIRTUAL TABLE entry_search USING fts5({columns}, content='entry_text', content_rowid='entry_id', "
    "tokenize='porter unicode61 remove_diacritics 2', prefix='2 3')",
    "INSERT INTO entry_search (entry_search, rank) VALUES ('rank', 'bm25(10, 8, 5, 3, 2, 1)')",
    "CREATE VIRTUAL TABLE entry_trigram USING fts5(name, title, content='entry_text', content_rowid='entry_id', "
    "tokenize='trigram')",
]
REMEMBER = """
INSERT INTO entry_search (rowid, {columns}) VALUES (new.entry_id, {new});
INSERT INTO entry_trigram (rowid, name, title) VALUES (new.entry_id, new.name, new.title);
"""
# an external-content index forgets a row only when it is told what the row said before
FORGET = """
INSERT INTO entry_search (entry_search, rowid, {columns}) VALUES ('delete', old.entry_id, {old});
INSERT INTO entry_trigram (entry_trigram, rowid, name, title) VALUES ('delete', old.entry_id, old.name, old.title);
"""
TRIGGERS = {"INSERT": REMEMBER, "DELETE": FORGET, "UPDATE": FORGET + REMEMBER}

# PostgreSQL reads "train.py" and "champion/challenger" as one word each; with blanks it finds the words that FTS5 finds.
# A tsvector holds 1 MB, which 100,000 characters of any script do not reach.
VECTOR = " || ".join(
    f"setweight(to_tsvector('english', translate({text}, '-/_.:@', '      ')), '{weight}')"
    for text, weight in (
        ("name || ' ' || title", "A"),
        ("tags", "B"),
        ("summary", "C"),
        ("left(words, 100000) || ' ' || left(readme, 100000)", "D"),
    )
)
POSTGRESQL = [
    # by default rows over 2 kB are compressed, and ranking would unpack every vector it reads
    "ALTER TABLE entry_text SET (toast_tuple_target = 8160)",
    f"ALTER TABLE entry_text ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS ({VECTOR}) STORED",
    "CREATE INDEX entry_search ON entry_text USING gin (search)",
]
TRIGRAMS = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX entry_trigram ON entry_text USING gin ((name || ' ' || title) gin_trgm_ops)",
]


def upgrade() -> None:
    op.create_index("entry_by_adoptions", "entry", ["adoptions", "title"])
    op.create_index("entry_by_facet", "entry", ["kind", "owner", "lifecycle", "classification", "unit"])
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()


def _upgrade_sqlite() -> None:
    columns = {
        "columns": ", ".join(COLUMNS),
        "new": ", ".join(f"new.{column}" for column in COLUMNS),
        "old": ", ".join(f"old.{column}" for column in COLUMNS),
    }
    for statement in SQLITE:
        op.execute(statement.format(**columns))
    for event, body in TRIGGERS.items():
        name = f"entry_text_after_{event.lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON entry_text BEGIN {body.format(**columns)} END")


def _upgrade_postgresql() -> None:
    for statement in POSTGRESQL:
        op.execute(statement)
    try:
        with op.get_bind().begin_nested():
            for statement in TRIGRAMS:
                op.execute(statement)
    except DBAPIError:
        pass  # not installed, or not ours to create: parts of words are then found by reading every title


def downgrade() -> None:
    raise NotImplementedError("the search index is not taken down: every release after this one reads it")
