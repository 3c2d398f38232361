"""The schema as text, for `schema.graphql` at the root of the repository: `python -m schema.export > schema.graphql`."""

from __future__ import annotations

import sys

from schema.root import build_schema


def schema_text() -> str:
    """The whole schema in the GraphQL schema language, ending with a newline."""
    return build_schema().as_str().rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
