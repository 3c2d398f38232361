"""The way of every message, live: a table on a terminal, a line per change elsewhere. Waiting for a message to get somewhere is here too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from cli.demo.views import MessageView
from cli.failure import Failure

_COLOURS = {
    "ROUTED": "yellow",
    "ON_MODERATION": "magenta",
    "DELIVERED": "cyan",
    "REGISTERED": "cyan",
    "IN_PROGRESS": "blue",
    "PLANNED": "blue",
    "WAITING_FOR_CITIZEN": "bright_yellow",
    "ANSWERED": "green",
    "SOLVED": "green",
    "CLOSED_UNSOLVED": "red",
    "WITHDRAWN": "bright_black",
}


class Board:
    """`async`-safe within one loop: `update` is called by whoever follows, `until` by whoever waits."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._views: dict[str, MessageView] = {}
        self._changed = asyncio.Event()
        self._live = (
            Live(console=console, auto_refresh=False, vertical_overflow="visible") if console.is_terminal else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, view: MessageView) -> None:
        """Show how a message stands now."""
        before = self._views.get(view.reference)
        if before == view:
            return
        self._views[view.reference] = view
        if self._live is not None:
            self._live.update(self.table(), refresh=True)
        elif before is None or _line(before) != _line(view):
            self._console.print(_line(view), markup=False, highlight=False, soft_wrap=True)
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(
        self, reference: str, is_there: Callable[[MessageView], bool], what: str, within_s: float
    ) -> MessageView:
        """Wait until a message is where it should be. Raises Failure when it does not get there."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    view, changed = self._views.get(reference), self._changed
                    if view is not None and is_there(view):
                        return view
                    await changed.wait()
        except TimeoutError:
            view = self._views.get(reference)
            stands = "It was never seen" if view is None else f"It stands at: {_line(view)}"
            raise Failure(
                f"Message {reference} did not get as far as {what} within {within_s:g} s. {stands}."
            ) from None

    def table(self) -> Table:
        """Everything at a glance."""
        table = Table("number", "message", "body", "status", "their case", "answer", expand=True)
        for view in self._views.values():
            colour = _COLOURS.get(view.status, "white")
            answer = view.answers[-1] if view.answers else None
            words = (
                ""
                if answer is None
                else f"{_short(answer.text, 44)}{f'  ★ {answer.verdict}' if answer.verdict else ''}"
            )
            table.add_row(
                view.reference,
                escape(_short(view.text, 44)),
                view.body or "—",
                f"[{colour}]{view.status}[/]{_at_the_desk(view)}",
                ", ".join(view.cases),
                escape(words),
            )
        return table


def _line(view: MessageView) -> str:
    parts = [view.reference, f"{view.status}{_at_the_desk(view)}", view.body or "no body yet", *view.cases]
    if view.answers:
        answer = view.answers[-1]
        parts.append(f"answered{f', rated {answer.verdict}' if answer.verdict else ''}")
    return "  ".join(parts)


def _at_the_desk(view: MessageView) -> str:
    return ", on the desk" if view.submission == "ON_DESK" else ""


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
