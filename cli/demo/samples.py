"""The sample messages of `samples.yaml`, and what their citizens and clerks do."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Step = Literal["begin", "ask", "resume", "plan", "decline", "answer"]
Rating = Literal[1, 2, 3, 4, 5]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SamplePlace(_Part):
    """Where the matter lies."""

    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None
    territory: str | None = None


class Sample(_Part):
    """One message and its story."""

    citizen: str
    text: str
    category: str | None = None
    organisation: str | None = None
    place: SamplePlace | None = None
    photos: tuple[str, ...] = ()
    clerks: tuple[tuple[Step, str], ...] = ()
    verdict: tuple[Rating, Rating, Literal["SOLVED", "PARTLY", "NOT_SOLVED"]] | None = None
    withdraw: bool = Field(default=False)

    @property
    def answer(self) -> str | None:
        """What the clerks answer at the end."""
        return next((words for step, words in self.clerks if step == "answer"), None)


def load_samples() -> list[Sample]:
    text = Path(__file__).with_name("samples.yaml").read_text(encoding="utf-8")
    return TypeAdapter(list[Sample]).validate_python(yaml.safe_load(text))
