"""The mirror. Every row names its server, so that several can be mirrored side by side; values are copies."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import JSON, Column, Field, SQLModel


class MirrorServer(SQLModel, table=True):
    """A mirrored MLflow server and how its last sync went; the watermark moves in the transaction of the rows."""

    __tablename__ = "mirror_server"

    id: int | None = Field(default=None, primary_key=True)
    uri: str = Field(unique=True, max_length=500)
    synced_at: datetime | None = None
    swept_at: datetime | None = None
    """When all versions, tags and deleted runs were last compared in full."""
    run_watermark: int = Field(default=0, sa_type=BigInteger)
    """The largest end time of a run seen, in milliseconds since 1970."""
    model_cursor: str = Field(default="", max_length=500)
    """MLflow's page token of the next models whose aliases are compared; empty starts with the first."""
    moves: int = 0
    """Counts the transactions of syncs; a sync that finds it moved by another one stops."""
    failed_at: datetime | None = None
    failure: str = Field(default="", max_length=1000)
    took_ms: int = 0


class MirrorExperiment(SQLModel, table=True):
    """An experiment."""

    __tablename__ = "mirror_experiment"

    server_id: int = Field(primary_key=True, foreign_key="mirror_server.id", ondelete="CASCADE")
    experiment_id: str = Field(primary_key=True, max_length=40)
    name: str = Field(max_length=500)
    project: str = Field(default="", max_length=63)
    """The id of the project its runs belong to: its tag ``project``, or else its name up to the first ``/``."""
    updated_ms: int = Field(default=0, sa_type=BigInteger)
    tags: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class MirrorRun(SQLModel, table=True):
    """A run with its parameters and tags; its last metrics stand in ``mirror_metric``."""

    __tablename__ = "mirror_run"

    server_id: int = Field(primary_key=True, foreign_key="mirror_server.id", ondelete="CASCADE")
    run_id: str = Field(primary_key=True, max_length=40)
    experiment_id: str = Field(max_length=40)
    project: str = Field(default="", max_length=63)
    """The id of its project: its tag ``project``, or else its experiment's project."""
    name: str = Field(default="", max_length=500)
    status: str = Field(max_length=20)
    user: str = Field(default="", max_length=256)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    params: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    tags: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    datasets: list[dict[str, str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))

    __table_args__ = (
        Index("mirror_run_by_experiment", "server_id", "experiment_id", "started_at"),
        Index("mirror_run_by_project", "server_id", "project", "started_at"),
        Index("mirror_run_by_status", "server_id", "status", "started_at"),
        Index("mirror_run_by_start", "server_id", "started_at"),
    )


class MirrorMetric(SQLModel, table=True):
    """The last value of a run's metric; one that is no number (a diverged loss) is left out."""

    __tablename__ = "mirror_metric"

    server_id: int = Field(primary_key=True, foreign_key="mirror_server.id", ondelete="CASCADE")
    run_id: str = Field(primary_key=True, max_length=40)
    key: str = Field(primary_key=True, max_length=250)
    value: float

    __table_args__ = ({"sqlite_with_rowid": False},)


class MirrorInput(SQLModel, table=True):
    """A dataset that a run logged as its input: the same as in the run's ``datasets``, to be found by its name."""

    __tablename__ = "mirror_input"

    server_id: int = Field(primary_key=True, foreign_key="mirror_server.id", ondelete="CASCADE")
    run_id: str = Field(primary_key=True, max_length=40)
    name: str = Field(primary_key=True, max_length=500)
    digest: str = Field(primary_key=True, max_length=64)
    context: str = Field(default="", max_length=500)
    """What the run used it for, such as ``training``; several are joined by commas."""

    __table_args__ = (
        Index("mirror_input_by_name", "server_id", "name", "digest"),
        {"sqlite_with_rowid": False},
    )


class MirrorModel(SQLModel, table=True):
    """A registered model."""

    __tablename__ = "mirror_model"

    server_id: int = Field(primary_key=True, foreign_key="mirror_server.id", ondelete="CASCADE")
    name: str = Field(primary_key=True, max_length=256)
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    updated_ms: int = Field(default=0, sa_type=BigInteger)
    """MLflow's ``last_updated_timestamp``; it does not move with aliases and tags."""
    gone_at: datetime | None = None


class MirrorVersion(SQLModel, table=True):
    """A version of a registered model."""

    __tablename__ = "mirror_version"

    server_id: int = Field(primary_key=True, foreign_key="mirror_server.id", ondelete="CASCADE")
    model: str = Field(primary_key=True, max_length=256)
    version: str = Field(primary_key=True, max_length=20)
    run_id: str = Field(default="", max_length=40)
    source: str = Field(default="", max_length=1000)
    created_at: datetime | None = None
    tags: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    gone_at: datetime | None = None


class MirrorAlias(SQLModel, table=True):
    """An alias of a registered model as it stands now; its moves are in the activity log."""

    __tablename__ = "mirror_alias"

    server_id: int = Field(primary_key=True, foreign_key="mirror_server.id", ondelete="CASCADE")
    model: str = Field(primary_key=True, max_length=256)
    alias: str = Field(primary_key=True, max_length=256)
    version: str = Field(max_length=20)
    seen_at: datetime

    __table_args__ = ({"sqlite_with_rowid": False},)
