"""How commands name an agency file: by its path, or by the agency's code."""

from __future__ import annotations

import pathlib

from agencies.fault import did_you_mean
from agencies.registry import Registry
from agencies.rubricator_file import load_rubricator
from agencies.source import FileFaults
from cli.configuration import agency_environment
from cli.failure import Failure
from store.home import Home


def agency_path(home: Home, named: str) -> pathlib.Path:
    """The file that a path or a code means. Raises Failure."""
    path = pathlib.Path(named)
    if path.suffix == ".yaml" or path.exists():
        if not path.is_file():
            raise Failure(f"There is no file {path}. Give the path of an agency file, or the agency's code.")
        return path
    for folder in ("agencies", "systems"):
        known = home.config / folder / f"{named}.yaml"
        if known.is_file():
            return known
    codes = [one.stem for one in all_agency_paths(home)]
    raise Failure(
        f"There is no agency {named}: {home.config / 'agencies'} has no {named}.yaml.{did_you_mean(named, codes)}"
    )


def all_agency_paths(home: Home) -> list[pathlib.Path]:
    """Every agency file and every profile of the installation."""
    return [path for folder in ("agencies", "systems") for path in sorted((home.config / folder).glob("*.yaml"))]


def known_categories(home: Home) -> frozenset[str] | None:
    """The rubricator's codes; None where the installation has no usable rubricator, and categories cannot be judged."""
    try:
        return frozenset(one.code for one in load_rubricator(home.config / "rubricator.yaml").categories)
    except FileFaults:
        return None


def registry_of(home: Home, path: pathlib.Path, *, variables: dict[str, str] | None = None) -> Registry:
    """A registry of this one file, for the environment of this process. Raises FileFaults when the file has a fault."""
    registry = Registry.of_files(
        [path], environment=agency_environment(), variables=variables, categories=known_categories(home)
    )
    if registry.faults:
        raise FileFaults(registry.faults)
    return registry
