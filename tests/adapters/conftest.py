"""The adapters of the two sample agencies, from their real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.adapter import Adapter
from agencies.registry import Registry

VARIABLES = {"HOUSING_WEBHOOK_SECRET": "webhook-secret"}


@pytest.fixture(scope="session")
def registry(config_folder: Path) -> Registry:
    """Both agencies, with a webhook secret and no address."""
    return Registry.load(config_folder, variables=VARIABLES)


@pytest.fixture(scope="session")
def roads(registry: Registry) -> Adapter:
    """The SOAP agency with a dated feed."""
    return registry.adapter("city-roads")


@pytest.fixture(scope="session")
def housing(registry: Registry) -> Adapter:
    """The REST agency with a cursor feed and webhooks."""
    return registry.adapter("housing-inspection")
