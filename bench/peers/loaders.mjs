// Hand-written loaders on `pg`: one prepared statement for each kind of row and request, however many rows a page asks for.
import DataLoader from "dataloader";
import pg from "pg";

const TIMESTAMPTZ = 1184;
const DATE = 1082;
const INT8 = 20;
// As the wire writes it (`2026-11-22 09:30:00+00`), made ISO 8601 without going through a Date.
pg.types.setTypeParser(TIMESTAMPTZ, (text) => `${text.slice(0, 10)}T${text.slice(11)}:00`);
pg.types.setTypeParser(DATE, (text) => text);
pg.types.setTypeParser(INT8, Number);

const MESSAGE = `m.id, m.reference, m.text, m.status, m.status_since AS "statusSince", m.received_at AS "receivedAt", m.deadline_on AS "deadlineOn",
  m.category_code, m.organisation_code, m.route_rule, m.route_reason_ru, m.route_reason_en, m.route_warning_ru, m.route_warning_en`;
const EVENT = `e.message_id, e.kind, e.from_status AS "fromStatus", e.to_status AS "toStatus", e.applied, e.reason, e.observed_at AS "at",
  e.occurred_at AS "occurredAt", e.organisation_code, CASE WHEN e.note_is_public THEN e.note END AS "note"`;
const ANSWER = `a.id, a.message_id, a.version, a.text, a.decision, a.responsible, a.occurred_at AS "occurredAt", a.observed_at AS "observedAt",
  a.organisation_code`;

const SQL = {
  messageByReference: `SELECT ${MESSAGE} FROM message m WHERE m.reference = $1 AND m.person_id = $2`,
  messagesOfPerson: `SELECT ${MESSAGE} FROM message m WHERE m.person_id = $1 ORDER BY m.received_at DESC, m.id DESC LIMIT $2`,
  messagesOfOrganisation: `SELECT ${MESSAGE} FROM message m
    WHERE m.organisation_code = $1 AND ($2::text[] IS NULL OR m.status = ANY($2)) AND ($3::timestamptz IS NULL OR m.received_at >= $3)
    ORDER BY m.received_at DESC, m.id DESC LIMIT $4`,
  organisations: `SELECT code, name_ru, name_en, parent_code, territory_code FROM organisation WHERE code = ANY($1)`,
  categories: `SELECT code, name_ru, name_en FROM category WHERE code = ANY($1)`,
  territories: `SELECT code, name_ru, name_en FROM territory WHERE code = ANY($1)`,
  events: `SELECT ${EVENT} FROM event e WHERE e.message_id = ANY($1) ORDER BY e.id`,
  lastEvents: `SELECT e.* FROM unnest($1::uuid[]) AS w(id)
    CROSS JOIN LATERAL (SELECT e.id, ${EVENT} FROM event e WHERE e.message_id = w.id ORDER BY e.id DESC LIMIT $2) e ORDER BY e.id`,
  answers: `SELECT ${ANSWER} FROM answer a WHERE a.message_id = ANY($1) ORDER BY a.version`,
  lastAnswers: `SELECT a.* FROM unnest($1::uuid[]) AS w(id)
    CROSS JOIN LATERAL (SELECT ${ANSWER} FROM answer a WHERE a.message_id = w.id ORDER BY a.version DESC LIMIT $2) a ORDER BY a.version`,
  verdicts: `SELECT answer_id, answer_rating AS "answerRating", solution_rating AS "solutionRating", resolution FROM verdict WHERE answer_id = ANY($1)`,
  attachments: `SELECT message_id, file_name AS "fileName", media_type AS "mediaType", size_bytes AS "sizeBytes" FROM attachment
    WHERE message_id = ANY($1) ORDER BY position`,
  cases: `SELECT message_id, case_id AS "caseId", organisation_code FROM agency_case WHERE message_id = ANY($1) ORDER BY id`,
  answersOfOrganisation: `SELECT ${ANSWER} FROM answer a WHERE a.organisation_code = $1 ORDER BY a.observed_at DESC, a.id DESC LIMIT $2`,
  countsOf: `SELECT * FROM bench.counts_of($1)`,
  countsOfAll: `SELECT * FROM bench.counts_of_all()`,
  ratingsOfAll: `SELECT * FROM bench.ratings_of_all()`,
  hotSpotsOfAll: `SELECT * FROM bench.hot_spots_of_all($1)`,
  deliveries: `SELECT message_id, purpose, state, attempts, coalesce(finished_at, waits_since, created_at) AS "since" FROM delivery
    WHERE message_id = ANY($1) ORDER BY position`,
};

export function openLoaders(pool) {
  const rows = async (name, values) => (await pool.query({ name, text: SQL[name], values })).rows;

  // One row for each key, in the order of the keys.
  const one = (name, key) =>
    new DataLoader(async (keys) => {
      const found = new Map((await rows(name, [keys])).map((row) => [row[key], row]));
      return keys.map((wanted) => found.get(wanted) ?? null);
    });

  // Many rows for each key.
  const many = (name, key, ...more) =>
    new DataLoader(async (keys) => {
      const found = new Map(keys.map((wanted) => [wanted, []]));
      for (const row of await rows(name, [keys, ...more])) found.get(row[key]).push(row);
      return keys.map((wanted) => found.get(wanted));
    });

  const last = new Map();
  const lastOf = (name, count) => {
    const place = `${name}/${count}`;
    if (!last.has(place)) last.set(place, many(name, "message_id", count));
    return last.get(place);
  };

  return {
    rows,
    organisation: one("organisations", "code"),
    category: one("categories", "code"),
    territory: one("territories", "code"),
    verdict: one("verdicts", "answer_id"),
    events: many("events", "message_id"),
    answers: many("answers", "message_id"),
    attachments: many("attachments", "message_id"),
    cases: many("cases", "message_id"),
    deliveries: many("deliveries", "message_id"),
    lastEvents: (count) => lastOf("lastEvents", count),
    lastAnswers: (count) => lastOf("lastAnswers", count),
  };
}
