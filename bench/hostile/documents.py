"""What hostile clients write into the body of a request. Each attack is a list of prepared requests that are sent in turn."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from bench.wire import post

_DIFFERENT = 200
"""Requests of an attack whose parts must never be seen twice; by the time they come round again, memories of them are worth nothing."""
_INTROSPECTION = """
query All {
  __schema { types { name kind fields { name type { name ofType { name ofType { name ofType { name } } } } args { name } } } }
}
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an attacker has to work with: a token of their own, as everybody can have one, and the chance of this run."""

    token: str
    chance: random.Random

    @property
    def signed_in(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Requests:
    """An attack by requests: how many a second one client sends, and what."""

    per_s: float
    write: Callable[[Ground], list[bytes]]


def _query(text: str, headers: dict[str, str] | None = None, **variables: object) -> bytes:
    return post("/graphql", {"query": text, "variables": variables}, headers)


def _exponential_fragments(ground: Ground) -> list[bytes]:
    """Each fragment spreads the next one twice: 2^25 fields in 1 KB."""
    depth = 25
    chain = [f"fragment F{level} on Organisation {{ ...F{level + 1} ...F{level + 1} }}" for level in range(depth)]
    chain.append(f"fragment F{depth} on Organisation {{ name }}")
    text = "\n".join(['query One { organisation(code: "x") { ...F0 } }', *chain])
    return [_query(text, ground.signed_in)]


def _circular_fragments(ground: Ground) -> list[bytes]:
    text = 'query One { organisation(code: "x") { ...A } } fragment A on Organisation { ...B } fragment B on Organisation { ...A }'
    return [_query(text, ground.signed_in)]


def _deep_nesting(ground: Ground) -> list[bytes]:
    deep = 'query One { organisation(code: "x") ' + "{ parent " * 500 + "{ name }" + " }" * 501
    lists = "query One { message(reference: " + "[" * 2_000 + "]" * 2_000 + ") { id } }"
    return [_query(deep, ground.signed_in), _query(lists, ground.signed_in)]


def _thousand_aliases(ground: Ground) -> list[bytes]:
    fields = " ".join(f'a{number}: organisation(code: "x") {{ name }}' for number in range(1_000))
    return [_query(f"query Many {{ {fields} }}", ground.signed_in)]


def _repeated_directives(ground: Ground) -> list[bytes]:
    return [_query("query One { viewer { __typename " + "@include(if: true) " * 2_000 + "} }", ground.signed_in)]


def _misspelt_fields(ground: Ground) -> list[bytes]:
    """Every one of them invites the server to look for what was meant."""
    fields = " ".join(f"organisatoin{number}" for number in range(400))
    return [_query(f"query Typos {{ {fields} }}", ground.signed_in)]


def _lists_in_variables(ground: Ground) -> list[bytes]:
    text = "query Q($status: [Status!]) { viewer { messages(first: 1, filter: { status: $status }) { nodes { id } } } }"
    return [_query(text, ground.signed_in, status=["SOLVED"] * 80_000)]


def _large_bodies(ground: Ground) -> list[bytes]:
    return [_query("query One { viewer { __typename } }", None, padding="x" * 25 * 1024 * 1024)]


def _malformed_json(ground: Ground) -> list[bytes]:
    broken = [
        b'{"query": ',
        b"null",
        b'"x"',
        b"[null]",
        b"[" * 2_000 + b"]" * 2_000,
        b'{"query": 1' + b"0" * 5_000 + b"}",
    ]
    broken += [b"\xff\xfe", b'{"query": "{ viewer { __typename } }", "variables": {"x": "\\ud800"}}', b'{"query": NaN}']
    head = (
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    )
    return [head % (len(body), body) for body in broken]


def _unknown_documents(ground: Ground) -> list[bytes]:
    return [
        post("/graphql", {"documentId": f"sha256:{ground.chance.getrandbits(256):064x}"}) for _ in range(_DIFFERENT)
    ]


def _never_seen_documents(ground: Ground) -> list[bytes]:
    """Valid and small, but each has to be read and judged anew."""
    numbers = count(ground.chance.randrange(10**9))
    fields = "{ id reference text status history { kind at note } answers { text verdict { answerRating } } }"
    texts = [
        f'query Q{number} {{ message(reference: "26-0000-0000-0") {fields} }}'
        for _, number in zip(range(_DIFFERENT), numbers, strict=False)
    ]
    return [_query(text, ground.signed_in) for text in texts]


def _costly_queries(ground: Ground) -> list[bytes]:
    """More than one operation may cost: refused before it is run."""
    inner = "children(first: 100) { nodes { name answers(first: 100) { nodes { text } } } }"
    return [_query(f"query Much {{ organisations(first: 100) {{ nodes {{ {inner} }} }} }}", ground.signed_in)]


def _allowed_but_large(ground: Ground) -> list[bytes]:
    """The most one may ask, as often as one can: what is left is the rate of one caller."""
    inner = "parent { name parent { name } } territory { name parent { name } }"
    return [
        _query(
            f"query Much {{ organisations(first: 100) {{ nodes {{ code name kind level {inner} }} }} }}",
            ground.signed_in,
        )
    ]


def _introspection(ground: Ground) -> list[bytes]:
    return [_query(_INTROSPECTION)]


def _forged_tokens(ground: Ground) -> list[bytes]:
    """No algorithm, somebody else's signature, a key that does not exist: never the same twice."""
    head, claims, signature = ground.token.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    unknown = base64.urlsafe_b64encode(json.dumps({"alg": "Ed25519", "kid": "nobody"}).encode()).decode().rstrip("=")
    forged = [f"{none}.{claims}.", f"{unknown}.{claims}.{signature}"]
    for _ in range(_DIFFERENT):
        false = base64.urlsafe_b64encode(ground.chance.randbytes(64)).decode().rstrip("=")
        forged.append(f"{head}.{claims}.{false}")
    return [_query("query Me { viewer { __typename } }", {"Authorization": f"Bearer {one}"}) for one in forged]


def _multipart_maps(ground: Ground) -> list[bytes]:
    paths = {str(number): [f"variables.files.{number}"] for number in range(5_000)}
    one_file = {"0": [f"variables.files.{number}" for number in range(5_000)]}
    operations = json.dumps(
        {"query": "mutation U($files: Upload!) { uploadAttachment(file: $files) { errors { __typename } } }"}
    )
    shapes: list[tuple[str, str]] = [
        (operations, json.dumps(paths)),
        (operations, json.dumps(one_file)),
        ("[]", "[]"),
        (operations, '{"0": 1}'),
        ("null", '{"0": ["variables.file"]}'),
    ]
    return [_multipart(ground, [("operations", one), ("map", two), ("0", "x" * 1_000)]) for one, two in shapes]


def _multipart(ground: Ground, parts: list[tuple[str, str]]) -> bytes:
    written = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts)
    body = f"{written}--b--\r\n".encode()
    head = (
        "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Requested-With: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Authorization: Bearer {ground.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


_ONE_CLIENT = 50.0
"""Requests a second: what one client sends without an effort. More is a matter for whoever stands before the gateway."""

REQUESTS = {
    "exponential fragments": Requests(_ONE_CLIENT, _exponential_fragments),
    "circular fragments": Requests(_ONE_CLIENT, _circular_fragments),
    "deep nesting": Requests(_ONE_CLIENT, _deep_nesting),
    "thousand aliases": Requests(_ONE_CLIENT, _thousand_aliases),
    "repeated directives": Requests(_ONE_CLIENT, _repeated_directives),
    "misspelt fields": Requests(_ONE_CLIENT, _misspelt_fields),
    "lists in variables": Requests(10.0, _lists_in_variables),
    "bodies of 25 MB": Requests(5.0, _large_bodies),
    "malformed JSON": Requests(_ONE_CLIENT, _malformed_json),
    "unknown documents": Requests(_ONE_CLIENT, _unknown_documents),
    "documents never seen": Requests(_ONE_CLIENT, _never_seen_documents),
    "costly queries": Requests(_ONE_CLIENT, _costly_queries),
    "large but allowed": Requests(_ONE_CLIENT, _allowed_but_large),
    "introspection": Requests(_ONE_CLIENT, _introspection),
    "forged tokens": Requests(_ONE_CLIENT, _forged_tokens),
    "multipart maps": Requests(_ONE_CLIENT, _multipart_maps),
}
"""By name."""
