"""What a hand-written GraphQL server asks the database: one statement for each kind of row, for many keys at once."""

from __future__ import annotations

MESSAGE = """
SELECT m.id, m.reference, m.text, m.status, m.status_since, m.received_at, m.deadline_on, m.category_code, m.organisation_code, m.route_rule,
       m.route_reason_ru, m.route_reason_en, m.route_warning_ru, m.route_warning_en
FROM message m
"""
MESSAGE_BY_REFERENCE = MESSAGE + "WHERE m.reference = $1 AND m.person_id = $2"
MESSAGES_OF_PERSON = MESSAGE + "WHERE m.person_id = $1 ORDER BY m.received_at DESC, m.id DESC LIMIT $2"
MESSAGES_OF_ORGANISATION = (
    MESSAGE
    + """
WHERE m.organisation_code = $1 AND ($2::text[] IS NULL OR m.status = ANY($2)) AND ($3::timestamptz IS NULL OR m.received_at >= $3)
ORDER BY m.received_at DESC, m.id DESC LIMIT $4
"""
)
ORGANISATIONS = (
    "SELECT code, name_ru, name_en, parent_code, territory_code FROM organisation WHERE code = ANY($1::text[])"
)
CATEGORIES = "SELECT code, name_ru, name_en FROM category WHERE code = ANY($1::text[])"
TERRITORIES = "SELECT code, name_ru, name_en FROM territory WHERE code = ANY($1::text[])"

_EVENT = """
e.id, e.message_id, e.kind, e.from_status, e.to_status, e.applied, e.reason, e.observed_at, e.occurred_at, e.organisation_code,
CASE WHEN e.note_is_public THEN e.note END AS note
"""
EVENTS = f"SELECT {_EVENT} FROM event e WHERE e.message_id = ANY($1::uuid[]) ORDER BY e.id"
LAST_EVENTS = f"""
SELECT e.* FROM unnest($1::uuid[]) AS wanted(id)
CROSS JOIN LATERAL (SELECT {_EVENT} FROM event e WHERE e.message_id = wanted.id ORDER BY e.id DESC LIMIT $2) e ORDER BY e.id
"""
_ANSWER = "a.id, a.message_id, a.version, a.text, a.decision, a.responsible, a.occurred_at, a.observed_at, a.organisation_code"
ANSWERS = f"SELECT {_ANSWER} FROM answer a WHERE a.message_id = ANY($1::uuid[]) ORDER BY a.version"
LAST_ANSWERS = f"""
SELECT a.* FROM unnest($1::uuid[]) AS wanted(id)
CROSS JOIN LATERAL (SELECT {_ANSWER} FROM answer a WHERE a.message_id = wanted.id ORDER BY a.version DESC LIMIT $2) a ORDER BY a.version
"""
VERDICTS = "SELECT answer_id, answer_rating, solution_rating, resolution FROM verdict WHERE answer_id = ANY($1::uuid[])"
ATTACHMENTS = """
SELECT message_id, file_name, media_type, size_bytes FROM attachment WHERE message_id = ANY($1::uuid[]) ORDER BY position
"""
CASES = "SELECT message_id, case_id, organisation_code FROM agency_case WHERE message_id = ANY($1::uuid[]) ORDER BY id"
DELIVERIES = """
SELECT message_id, purpose, state, attempts, coalesce(finished_at, waits_since, created_at) AS since FROM delivery
WHERE message_id = ANY($1::uuid[]) ORDER BY position
"""

ANSWERS_OF_ORGANISATION = (
    f"SELECT {_ANSWER} FROM answer a WHERE a.organisation_code = $1 ORDER BY a.observed_at DESC, a.id DESC LIMIT $2"
)
COUNTS_OF = "SELECT * FROM bench.counts_of($1)"
COUNTS_OF_ALL = "SELECT * FROM bench.counts_of_all()"
RATINGS_OF_ALL = "SELECT * FROM bench.ratings_of_all()"
HOT_SPOTS_OF_ALL = "SELECT * FROM bench.hot_spots_of_all($1)"
