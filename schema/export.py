"""What the repository keeps of the schema as text: `python -m schema.export > schema.graphql`, and the portal's own trusted documents with
`python -m schema.export documents > portal/operations/persisted-documents.json`.
"""

from __future__ import annotations

import sys

from schema.check.documents import table_of
from schema.root import build_schema
from store.home import PROJECT

OPERATIONS = PROJECT / "portal" / "operations"
SCHEMA_FILE = PROJECT / "schema.graphql"


def schema_text() -> str:
    """The whole schema in the GraphQL schema language, ending with a newline."""
    return build_schema().as_str().rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.write(table_of(OPERATIONS) if sys.argv[1:] == ["documents"] else schema_text())
