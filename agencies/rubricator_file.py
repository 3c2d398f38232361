"""`config/rubricator.yaml`: its shape, and the `Rubricator` it means.

Promises: a rubricator that loads is whole (every branch has `other`, every keyword can match); every fault says where.
"""

from __future__ import annotations

import pathlib
from typing import Annotated

from pydantic import AfterValidator, Field

from agencies.file_words import BilingualFile, Slug
from agencies.source import FileFaults, FileModel, Source
from domain.rubricator import Category, Rubricator, keyword_fault


def _known_form(keyword: str) -> str:
    if fault := keyword_fault(keyword):
        raise ValueError(fault)
    return keyword


Keyword = Annotated[str, AfterValidator(_known_form)]


class LeafFile(FileModel):
    """A category a message can have."""

    name: BilingualFile
    keywords: tuple[Keyword, ...] = ()


class BranchFile(FileModel):
    """A top category and its leaves by their slug."""

    name: BilingualFile
    keywords: tuple[Keyword, ...] = ()
    leaves: dict[Slug, LeafFile]


class RubricatorFile(FileModel):
    """The whole file."""

    version: Annotated[str, Field(pattern=r"^[0-9]{4}\.[0-9]+$")]
    branches: dict[Slug, BranchFile]


def load_rubricator(path: pathlib.Path) -> Rubricator:
    """The rubricator. Raises `FileFaults`."""
    source = Source.read(path)
    file = source.typed(RubricatorFile)
    faults = [
        source.fault(("branches", slug), "missing-key", "needs the leaf `other`: no message may lack a category")
        for slug, branch in file.branches.items()
        if "other" not in branch.leaves
    ]
    if "other" not in file.branches:
        faults.append(source.fault(("branches",), "missing-key", "needs the branch `other` for what fits nowhere"))
    if faults:
        raise FileFaults(faults)
    categories: list[Category] = []
    for slug, branch in file.branches.items():
        categories.append(Category(slug, branch.name.bilingual(), None, branch.keywords))
        categories += (
            Category(f"{slug}/{leaf_slug}", leaf.name.bilingual(), slug, leaf.keywords)
            for leaf_slug, leaf in branch.leaves.items()
        )
    return Rubricator(file.version, tuple(categories))
