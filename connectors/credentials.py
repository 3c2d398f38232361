"""Places in a call for what only the connector knows: a user name or password that the agency wants in the body, a login's token.

A mapping writes `credentials.password` and gets a `Credential`: a text that only shows its name. The connector puts the value there when
the request is made. So no secret passes through a mapping, a Call never holds one, and text that merely looks like such a place
(a citizen can write anything) is never one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from connectors.base import Call, NotSent, Tree


class Credential(str):
    """One such place. As a text it is its own mask, so that what is never filled in gives nothing away."""

    __slots__ = ("name",)

    name: str

    def __new__(cls, name: str) -> Credential:
        """`name` is what the agency's file calls it, such as `password`."""
        place = super().__new__(cls, f"‹{name}›")
        place.name = name
        return place

    def __str__(self) -> str:
        """Itself: made into text it must stay a place."""
        return self


class Credentials(Mapping[str, Credential]):
    """The root `credentials` of expressions: a place under every name that a file may ask for."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        """`names` are those to walk over; any other is a place too, the checks of the file judge it."""
        self._names = names

    def __getitem__(self, name: str) -> Credential:
        return Credential(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def filled(call: Call, values: Mapping[str, str]) -> Call:
    """The call with every place filled in. A place without a value stays as its own mask."""
    return replace(
        call,
        body=_tree(call.body, values),
        path=_texts(call.path, values),
        query=_texts(call.query, values),
        headers=_texts(call.headers, values),
        form=_texts(call.form, values),
    )


def check_filled(call: Call, known: Collection[str]) -> None:
    """Raises NotSent, naming the place, for a call that asks for something its connection does not have."""
    for name in _names(call):
        if name not in known:
            raise NotSent(f"credentials.{name}: `security` gives no such credential; add it there or remove the row")


def _names(call: Call) -> Iterator[str]:
    waiting: list[Tree] = [call.path, call.query, call.headers, call.form, call.body]
    while waiting:
        tree = waiting.pop()
        if type(tree) is str:
            # First, because nearly everything in a call is plain text.
            continue
        if isinstance(tree, Credential):
            yield tree.name
        elif type(tree) is dict or isinstance(tree, Mapping):
            waiting.extend(tree.values())
        elif isinstance(tree, list | tuple):
            waiting.extend(tree)


def _tree(tree: Tree, values: Mapping[str, str]) -> Tree:
    if isinstance(tree, Credential):
        return values.get(tree.name, tree)
    if isinstance(tree, Mapping):
        return {name: _tree(inner, values) for name, inner in tree.items()}
    if isinstance(tree, list | tuple):
        return [_tree(inner, values) for inner in tree]
    return tree


def _texts(rows: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {name: values.get(text.name, text) if isinstance(text, Credential) else text for name, text in rows.items()}
