"""People, their teams and roles, their sign-ins, and the tokens of programs."""

from datetime import datetime

from sqlmodel import JSON, Column, Field, SQLModel, UniqueConstraint

from core.db import now


class Person(SQLModel, table=True):
    """A person; the only table with names, so that a name can be erased while the log stays whole."""

    id: str = Field(primary_key=True, max_length=20)
    name: str = Field(max_length=200)
    email: str | None = Field(default=None, unique=True, max_length=320)
    issuer: str | None = Field(default=None, max_length=500)
    subject: str | None = Field(default=None, max_length=255)
    title: str = Field(default="", max_length=200)
    vouched_at: datetime | None = None
    """When the identity provider issued the newest claims that were followed; older ones change nothing."""
    active: bool = True
    demo: bool = False
    created_at: datetime = Field(default_factory=now)

    __table_args__ = (UniqueConstraint("issuer", "subject", name="one_person_per_subject"),)


class BusinessUnit(SQLModel, table=True):
    """A part of the organisation that owns teams."""

    __tablename__ = "business_unit"

    id: str = Field(primary_key=True, max_length=63)
    name: str = Field(max_length=200)
    demo: bool = False


class Team(SQLModel, table=True):
    """A team: it owns entries and projects; its id is the name in ``owner`` references."""

    id: str = Field(primary_key=True, max_length=63)
    name: str = Field(max_length=200)
    description: str = Field(default="", max_length=1000)
    unit_id: str | None = Field(default=None, foreign_key="business_unit.id", max_length=63)
    active: bool = True
    demo: bool = False


class TeamMember(SQLModel, table=True):
    """A person belongs to a team."""

    __tablename__ = "team_member"

    team_id: str = Field(primary_key=True, foreign_key="team.id", max_length=63)
    person_id: str = Field(primary_key=True, foreign_key="person.id", index=True, max_length=20)


class RoleGrant(SQLModel, table=True):
    """A role held in a scope. Sensitive roles wait as ``proposed`` until a second person confirms them."""

    __tablename__ = "role_grant"

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=20)
    role: str = Field(max_length=40)
    scope_kind: str = Field(default="organisation", max_length=20)
    scope_id: str = Field(default="", max_length=63)
    state: str = Field(default="active", max_length=20)
    source: str = Field(default="portal", max_length=40)
    granted_by: str = Field(max_length=80)
    granted_at: datetime = Field(default_factory=now)
    decided_by: str | None = Field(default=None, max_length=80)
    decided_at: datetime | None = None


class Token(SQLModel, table=True):
    """A program's key: only its digest is kept, it has scopes, it expires, and it can be revoked."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    digest: str = Field(unique=True, max_length=64)
    scopes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    created_by: str = Field(max_length=80)
    created_at: datetime = Field(default_factory=now)
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class SignIn(SQLModel, table=True):
    """A local sign-in: the browser holds a signed key, the store its digest, so that it can be ended from here."""

    __tablename__ = "sign_in"

    digest: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=20)
    created_at: datetime = Field(default_factory=now)
    expires_at: datetime
    ended_at: datetime | None = None
