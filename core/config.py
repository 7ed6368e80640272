"""Settings of the portal: environment variables, checked at start, documented in the README's table."""

from __future__ import annotations

import json
import re
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core import roles
from core.errors import Invalid, Unavailable

ROOT = Path(__file__).resolve().parents[1]

_UNITS = ((1, 60), (60, 60), (3600, 24))
"""A second, a minute and an hour in seconds, and how many of it make the next larger unit."""

SYNC_SECONDS = [
    *(unit * part for unit, parts in _UNITS for part in range(1, parts) if parts % part == 0 and unit * part >= 5),
    86_400,
]
"""The gaps between two syncs that a schedule keeps: equal parts of a minute, an hour or a day."""


class Settings(BaseSettings):
    """Every setting, its default and what it does; the environment variable is ``PORTAL_`` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", env_ignore_empty=True, frozen=True)

    data: Path = Field(ROOT / ".portal", description="Data folder: SQLite files, keys, evidence; created on first use.")
    database_url: str = Field("", description="PostgreSQL URL; without it, SQLite in the data folder.")
    catalog: Path = Field(ROOT / "catalog", description="Folder of catalog definitions that is loaded at start.")
    demo: bool = Field(False, description="Build the demo organisation at start.")
    address: str = Field("127.0.0.1", description="Address the portal listens on (set by `serve --address`).")
    port: int = Field(8501, ge=0, le=65535, description="Port the portal listens on (set by `serve --port`).")
    public_url: str = Field("", description="URL people reach the portal under, for links and sign-in redirects.")
    local_signin: Literal["loopback", "any", "off"] = Field(
        "loopback", description="Sign-in without a provider: on loopback addresses only, on any address, or never."
    )
    oidc_metadata_url: str = Field("", description="OpenID Connect discovery document of the identity provider.")
    oidc_client_id: str = Field("", description="Client id registered with the identity provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Client secret; never stored or logged.")
    oidc_groups_claim: str = Field("groups", description="Claim of the identity token that lists a person's groups.")
    oidc_roles: Annotated[dict[str, str], NoDecode] = Field(
        {}, description='JSON: group → role, or group → role@unit/name, such as {"risk": "reviewer"}.'
    )
    administrator: str = Field("", description="E-mail address of the first administrator, granted at sign-in.")
    session_hours: int = Field(12, ge=1, le=720, description="Hours until a sign-in ends.")
    jobs: Literal["inside", "worker"] = Field(
        "inside", description="Where jobs run: inside the portal's process, or in `python -m core worker`."
    )
    sync_seconds: int = Field(
        60,
        ge=SYNC_SECONDS[0],
        le=SYNC_SECONDS[-1],
        description="Seconds between two syncs of the model mirror: an equal part of a minute, an hour or a day, such as "
        "30, 300 or 7200.",
    )
    git_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("github.com", "gitlab.com", "bitbucket.org", "dev.azure.com"),
        description="Comma-separated hosts that a git import may reach.",
    )
    git_remotes: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated prefixes, each ending in '/', of git addresses that deliveries may push to.",
    )
    grant_webhook_url: str = Field(
        "", description="Address that approved data requests are posted to; without it, people grant with evidence."
    )
    grant_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Key of the signature (HMAC-SHA256) on those posts; goes with the address."
    )
    evidence_url: str = Field(
        "",
        description="Where uploaded evidence is kept, such as `s3://bucket/folder`, with `?endpoint_override=host:port` for "
        "another service than Amazon's; without it, in the data folder.",
    )
    evidence_upload_mb: int = Field(
        20, ge=1, le=1000, description="Largest file of evidence that can be uploaded, in MB."
    )
    evidence_file_mb: int = Field(
        50,
        ge=1,
        le=2000,
        description="Largest artifact of MLflow that is read for its hash, in MB; larger ones by size alone.",
    )
    evidence_total_mb: int = Field(
        200, ge=1, le=20_000, description="How much of the artifacts of one model version is read for hashes, in MB."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much the log tells.")
    mlflow_tracking_uri: str = Field(
        "",
        validation_alias=AliasChoices("MLFLOW_TRACKING_URI"),
        description="MLflow server to mirror; without it, `serve` starts a bundled one on loopback.",
    )

    @field_validator("git_remotes")
    @classmethod
    def _whole_prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if urlsplit(one).scheme not in ("file", "https", "ssh") or not one.endswith("/"):
                raise ValueError(f"{one!r} is not a prefix such as https://git.example.org/teams/, ending in '/'")
        return value

    @field_validator("evidence_url")
    @classmethod
    def _folder_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme in ("", "http", "https") or not (parts.netloc or parts.path.strip("/"))):
            raise ValueError(
                f"{value!r} names no store for files, such as file:///srv/evidence or s3://bucket/evidence"
            )
        return value.rstrip("/")

    @field_validator("git_hosts", "git_remotes", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _read_roles(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"is not JSON ({error})") from error

    @field_validator("oidc_roles")
    @classmethod
    def _known_roles(cls, value: dict[str, str]) -> dict[str, str]:
        for group, role in value.items():
            try:
                roles.held(role)
            except ValueError as error:
                raise ValueError(f"the group {group!r} maps to a role that does not exist: {error}") from error
        return value

    @field_validator("sync_seconds")
    @classmethod
    def _equal_part(cls, value: int) -> int:
        if value not in SYNC_SECONDS:
            below = max(one for one in SYNC_SECONDS if one < value)
            above = min(one for one in SYNC_SECONDS if one > value)
            raise ValueError(
                f"{value} seconds are no equal part of a minute, an hour or a day; the nearest are {below} and {above}"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise ValueError("names a database that is not PostgreSQL; leave it out for SQLite in the data folder")
        return value

    @field_validator("mlflow_tracking_uri", "public_url", "oidc_metadata_url", "grant_webhook_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("is not an http or https URL")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _complete_provider(self) -> Settings:
        given = [self.oidc_metadata_url, self.oidc_client_id, self.oidc_client_secret.get_secret_value()]
        if any(given) and not all(given):
            raise ValueError(
                "PORTAL_OIDC_METADATA_URL, PORTAL_OIDC_CLIENT_ID and PORTAL_OIDC_CLIENT_SECRET go together; set all three"
            )
        return self

    @model_validator(mode="after")
    def _signed_webhook(self) -> Settings:
        if bool(self.grant_webhook_url) != bool(self.grant_webhook_secret.get_secret_value()):
            raise ValueError("PORTAL_GRANT_WEBHOOK_URL and PORTAL_GRANT_WEBHOOK_SECRET go together; set both")
        return self

    @property
    def has_provider(self) -> bool:
        """Whether people sign in through an identity provider."""
        return bool(self.oidc_metadata_url)

    @property
    def admits_local_signin(self) -> bool:
        """Whether people may continue as a known person without a provider: never beside one, never from afar."""
        if self.has_provider or self.local_signin == "off":
            return False
        return self.local_signin == "any" or (is_loopback(self.address) and not self.has_public_name)

    @property
    def has_public_name(self) -> bool:
        """Whether ``PORTAL_PUBLIC_URL`` names more than this machine: a proxy lets others in, whatever the address."""
        return bool(self.public_url) and not is_loopback(urlsplit(self.public_url).hostname or "")

    @property
    def base_url(self) -> str:
        """The URL people reach the portal under."""
        return self.public_url or f"http://{self.address}:{self.port}"

    @property
    def sync_schedule(self) -> str:
        """When the mirror is synced, as a cron expression; one of six fields starts with the second."""
        if self.sync_seconds < 60:
            return f"*/{self.sync_seconds} * * * * *"
        if self.sync_seconds < 3600:
            return f"*/{self.sync_seconds // 60} * * * *"
        return f"0 */{self.sync_seconds // 3600} * * *"

    @property
    def sqlalchemy_url(self) -> str:
        """The store's URL for SQLAlchemy."""
        if not self.database_url:
            return f"sqlite:///{self.data / 'portal.sqlite'}"
        return "postgresql+psycopg://" + self.database_url.split("://", 1)[1]


def is_loopback(address: str) -> bool:
    """Whether ``address`` can be reached from this machine alone."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::[0-9]{1,5})?", re.IGNORECASE)


def names_loopback(host: str | None) -> bool:
    """Whether a request's Host header, with any port, names this machine by a loopback address or as localhost."""
    found = _HOST.fullmatch(host or "")
    return found is not None and is_loopback((found[1] or found[2]).lower())


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises :class:`~core.errors.Invalid` naming the environment variable whose value is refused.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        variable = name if name.isupper() else f"PORTAL_{name.upper()}" if name else "Settings"
        reason = first["msg"].removeprefix("Value error, ")
        raise Invalid(
            f"{variable}: {reason}.", hint="The README's settings table lists what each variable takes."
        ) from None


def data_folder() -> Path:
    """The data folder, created for its owner alone where it is missing."""
    folder = settings().data
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(
            f"The data folder {folder} cannot be created: {error.strerror}.",
            hint="Set PORTAL_DATA to a folder this user may write.",
        ) from error
    return folder
