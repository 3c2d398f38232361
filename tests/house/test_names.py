"""Our packages have plain names at the top level; nobody else's installed distribution may own one of them."""

from __future__ import annotations

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["uv"]["build-backend"]["module-name"]


def test_no_installed_distribution_owns_one_of_our_names() -> None:
    owners = packages_distributions()
    taken = {name: owners[name] for name in [*PACKAGES, "tests", "bench"] if set(owners.get(name, [])) - {"okno"}}
    assert taken == {}


def test_every_package_is_known_to_the_import_contract_the_type_checker_and_the_build() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert folders == set(PACKAGES)
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == folders
    assert set(PROJECT["tool"]["mypy"]["packages"]) == folders | {"tests", "bench"}


def test_no_file_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "manager", "misc"}
    assert [path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py") if path.stem in empty] == []
