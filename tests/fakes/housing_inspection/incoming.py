"""What the housing inspection accepts: every field named, typed strictly, nothing extra, no nulls.

An optional field is left out, never sent as null: legacy systems of this kind take a null for a value.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError


def _not_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null", "null is not a value here; leave the field out")
    return value


def _real_moment(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("moment", "there is no such date or time") from None
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Location(_Strict):
    """A point, WGS 84 degrees."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)


class NewRequest(_Strict):
    """Body of `POST /api/v1/requests`."""

    external_id: str = Field(min_length=1, max_length=40)
    kind: str = Field(min_length=1, max_length=40)
    title: str = Field(min_length=1, max_length=200)
    description: str = Field(min_length=1, max_length=10_000)
    location: Annotated[Location | None, BeforeValidator(_not_null)] = None
    address: Annotated[str | None, BeforeValidator(_not_null), Field(min_length=1, max_length=300)] = None
    territory_oktmo: Annotated[str | None, BeforeValidator(_not_null), Field(pattern=r"^[0-9]{8}$")] = None
    received_at: Annotated[
        str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"), AfterValidator(_real_moment)
    ]


class Withdrawal(_Strict):
    """Body of `POST /api/v1/requests/{id}/withdrawal`."""

    reason: str = Field(min_length=1, max_length=500)


class Move(_Strict):
    """Body of `POST /operator/cases/{id}/move`."""

    state: str
    remark: str = Field(default="", max_length=2000)


class CaseAnswer(_Strict):
    """Body of `POST /operator/cases/{id}/answer` and, without an id, of `/operator/answer-all`."""

    text: str = Field(min_length=1, max_length=10_000)
    decision: str = Field(default="resolved", max_length=100)
    responsible: str = Field(default="Отдел жилищного надзора", max_length=200)


class WebhookTarget(_Strict):
    """Body of `PUT /operator/webhook`; without a secret the one of the environment is used."""

    url: str = Field(pattern=r"^https?://[^\s]+$", max_length=500)
    secret: str | None = Field(default=None, min_length=1, max_length=200)


def problems_of(error: ValidationError) -> list[dict[str, str]]:
    """The faults of a body: `[{field, problem}]`, fields as dotted paths; the values sent are not repeated."""
    return [
        {"field": ".".join(str(part) for part in fault["loc"]), "problem": fault["msg"]}
        for fault in error.errors(include_url=False, include_input=False)
    ]
