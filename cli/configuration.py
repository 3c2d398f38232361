"""What `config/` says, as commands need it: the agencies for this mode, and plain words about what is missing."""

from __future__ import annotations

import os

from agencies.registry import Environment
from agencies.reloading import ReloadingRegistry
from agencies.rubricator_file import load_rubricator
from cli.failure import Failure
from store.home import Home


def agency_environment() -> Environment:
    """Which address of an agency is called: production's in production, its sandbox's otherwise."""
    return "production" if os.environ.get("OKNO_MODE") == "production" else "sandbox"


def load_agencies(home: Home) -> ReloadingRegistry:
    """The agencies of the installation; faults of their files are in the result. Raises FileFaults for the rubricator, Failure without a folder."""
    if not home.config.is_dir():
        raise Failure(f"There is no folder {home.config}. Name the folder with the reference data in OKNO_CONFIG.")
    categories = {one.code for one in load_rubricator(home.config / "rubricator.yaml").categories}
    return ReloadingRegistry(home.config, environment=agency_environment(), categories=categories)
