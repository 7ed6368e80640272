"""The log and its seals. Guards (triggers) that forbid change stand in the migration."""

from sqlmodel import Field, SQLModel


class Activity(SQLModel, table=True):
    """One record of the log. Text columns only: what is hashed is what is stored, byte for byte."""

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str = Field(max_length=40)
    actor: str = Field(max_length=80, index=True)
    event: str = Field(max_length=60, index=True)
    subject: str = Field(max_length=220, index=True)
    data: str
    previous: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class Checkpoint(SQLModel, table=True):
    """A signed statement that the log had ``seq`` records ending in ``hash``; the key is outside the store."""

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    hash: str = Field(max_length=64)
    at: str = Field(max_length=40)
    key: str = Field(max_length=64)
    signature: str = Field(max_length=128)
