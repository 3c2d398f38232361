"""Arguments that many fields share, with their descriptions."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema.enums import Language
from schema.plan.pages import MOST_ROWS, ROWS_UNLESS_SAID

InLanguage = Annotated[Language, strawberry.argument(description="The language of the text.")]
First = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many items from the beginning (or after `after`), 1 to {MOST_ROWS}; {ROWS_UNLESS_SAID} unless said."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many items from the end (or before `before`), 1 to {MOST_ROWS}. Not with `first`."
    ),
]
Newest = Annotated[
    int | None,
    strawberry.argument(description=f"Only so many from the end of the list, 1 to {MOST_ROWS}; still in its order."),
]
After = Annotated[
    str | None, strawberry.argument(description="Only items after this cursor (`endCursor` of the page before).")
]
Before = Annotated[
    str | None, strawberry.argument(description="Only items before this cursor (`startCursor` of the page after).")
]
