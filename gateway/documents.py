"""What the door itself must know about a GraphQL document before the schema sees it."""

from __future__ import annotations

import re

from graphql import GraphQLError, OperationDefinitionNode, parse

from gateway.refusals import bad_request

_OPERATIONS = re.compile(r"\b(?:query|mutation|subscription)\b")
_MAX_TOKENS = 10_000


def refuse_ambiguous(query: str, operation_name: str | None) -> None:
    """Of several operations one must be named: executing the first would be a guess. Raises Refusal."""
    if operation_name or len(_OPERATIONS.findall(query)) < 2:
        return
    try:
        document = parse(query, no_location=True, max_tokens=_MAX_TOKENS)
    except (GraphQLError, RecursionError):
        return  # the schema says better what is wrong with it
    if sum(isinstance(node, OperationDefinitionNode) for node in document.definitions) > 1:
        raise bad_request(
            "В документе несколько операций. Назовите нужную в поле operationName.",
            "The document holds several operations. Name the wanted one in `operationName`.",
        )
