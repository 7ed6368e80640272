"""The service: one model version behind an HTTP interface whose schema is the data contract.

Annotations are evaluated here, not postponed: the request's class is made from the contract while
the application is built.
"""

import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import mlflow
import pandas as pd
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, create_model
from sklearn.base import RegressorMixin

from . import data, drift, model, tracking, watch
from .settings import Settings

REFERENCE_FILE = "reference.json"
PREDICT = "/v1/predict"


@dataclass(frozen=True)
class Served:
    """The version that answers, with the reference that its requests are held against."""

    name: str
    version: str
    estimator: RegressorMixin
    profile: drift.Profile


class Prediction(BaseModel):
    """The answer for one instance."""

    value: float


class Predictions(BaseModel):
    """The answers in the order of the instances, with the version that gave them."""

    model: str
    version: str
    predictions: list[Prediction]


class Model(BaseModel):
    """Which model answers, and which inputs it takes."""

    model: str
    version: str
    alias: str
    inputs: list[str]


class Health(BaseModel):
    """A process that can answer this is alive; it starts listening only with a model in memory."""

    status: Literal["ok"] = "ok"
    version: str


class Monitoring(BaseModel):
    """What the process that answers has seen since its start."""

    model: str
    version: str
    state: watch.State
    signals: list[dict[str, Any]]


def load(settings: Settings) -> Served:
    """Resolve the alias once; from then on the process speaks of one version only."""
    client = tracking.connect(settings)
    version = tracking.version_of(client, settings, settings.serve_alias)
    if version is None:
        raise LookupError(f"no version is {settings.serve_alias}; train and promote one first")
    estimator = mlflow.sklearn.load_model(f"models:/{settings.model_name}/{version.version}")
    profile = mlflow.artifacts.load_dict(f"runs:/{version.run_id}/{REFERENCE_FILE}")
    return Served(settings.model_name, str(version.version), estimator, profile)


def instance_model(contract: data.Contract) -> type[BaseModel]:
    """The schema of one instance: the contract's columns, their ranges, and nothing else."""
    fields: dict[str, Any] = {}
    for name, column in contract.columns.items():
        limits = Field(
            ge=column.min, le=column.max, allow_inf_nan=False, description=column.description
        )
        fields[name] = (Annotated[int if column.whole else float, limits], ...)
    return create_model("Instance", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def create_app(served: Served, settings: Settings, token: str = "") -> FastAPI:
    """The application around one loaded version; with authentication by token it needs one."""
    if settings.authentication == "token" and not token:
        raise ValueError("authentication by token needs the variable SERVICE_TOKEN")
    contract = data.load_contract()
    seen = watch.Watch(served.profile, settings)
    app = FastAPI(title=settings.model_name, version=served.version)
    bearer = HTTPBearer(auto_error=False)

    def caller(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> None:
        """Refuse who does not know the token."""
        if settings.authentication == "gateway":
            return
        known = given is not None and hmac.compare_digest(
            given.credentials.encode(), token.encode()
        )
        if not known:
            raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})

    instances = Annotated[
        list[instance_model(contract)], Field(min_length=1, max_length=settings.max_instances)
    ]
    body_model = create_model(
        "Instances", __config__=ConfigDict(extra="forbid"), instances=(instances, ...)
    )

    @app.exception_handler(RequestValidationError)
    async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
        """Name the fields that are wrong, and repeat no value: it may be personal, or no JSON."""
        told = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
        return JSONResponse({"detail": told}, 422)

    @app.middleware("http")
    async def measure(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Count and time predictions; health checks would only flatter the figures."""
        if request.url.path != PREDICT:
            return await call_next(request)
        start, status = time.perf_counter(), 500
        try:
            response = await call_next(request)
            status = response.status_code
            return response
        finally:
            seen.answered(status, time.perf_counter() - start)

    @app.post(PREDICT, dependencies=[Depends(caller)])
    def predict(body: body_model) -> Predictions:
        """Predict each instance."""
        rows = [one.model_dump() for one in body.instances]
        features = pd.DataFrame(rows, columns=contract.features, dtype=float)
        values = model.predict(served.estimator, features)
        seen.predicted(features, values)
        answers = [Prediction(value=float(value)) for value in values]
        return Predictions(model=served.name, version=served.version, predictions=answers)

    @app.get("/v1/model", dependencies=[Depends(caller)])
    def describe() -> Model:
        """Say which model answers."""
        return Model(
            model=served.name,
            version=served.version,
            alias=settings.serve_alias,
            inputs=contract.features,
        )

    @app.get("/v1/monitor", dependencies=[Depends(caller)])
    def monitor() -> Monitoring:
        """Say what the last requests looked like, compared with the rows of the test."""
        signals = seen.signals()
        return Monitoring(
            model=served.name,
            version=served.version,
            state=watch.worst(signals),
            signals=[asdict(one) for one in signals],
        )

    @app.get("/health/live")
    @app.get("/health/ready")
    def health() -> Health:
        """Answer the platform's probes."""
        return Health(version=served.version)

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> str:
        """Counters for Prometheus."""
        return seen.prometheus(served.name, served.version)

    return app
