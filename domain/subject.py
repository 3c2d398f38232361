"""A subject line for systems that want one: the beginning of what the citizen wrote, on one line."""

from __future__ import annotations

SUBJECT_CHARS = 100


def subject_of(text: str) -> str:
    """The first words, cut between words where possible, with `…` where something was left out."""
    line = " ".join(text[: SUBJECT_CHARS * 4].split())
    if len(line) <= SUBJECT_CHARS and len(text) <= SUBJECT_CHARS * 4:
        return line
    cut = line[: SUBJECT_CHARS - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > SUBJECT_CHARS // 2 else cut).rstrip(" ,.;:") + "…"
