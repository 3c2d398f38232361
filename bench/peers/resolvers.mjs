// `reading.graphql` with hand-written resolvers, shared by Yoga and Mercurius.
import { readFileSync } from "node:fs";

import { makeExecutableSchema } from "@graphql-tools/schema";

import { openLoaders } from "./loaders.mjs";

const REASONS = {
  QUEUED: "Ждёт, пока дойдёт отправленное раньше.",
  READY: "Будет отправлено в ближайшее время.",
  IN_FLIGHT: "Отправляется.",
  DELIVERED: "Доставлено в организацию.",
  ON_DESK: "Сотрудники организации видят сообщение в нашем рабочем кабинете.",
};

const globalId = (type) => (row) => Buffer.from(`${type}:${row.id}`).toString("base64");
const name = (row, { language }) => (language === "EN" ? row.name_en : row.name_ru);
const category = (row, _, { load }) => row.category_code && load.category.load(row.category_code);
const organisation = (row, _, { load }) => row.organisation_code && load.organisation.load(row.organisation_code);
const cursor = (row) => Buffer.from(JSON.stringify([row.receivedAt, row.id])).toString("base64");

// One row more than the page says whether there is a next one.
function page(rows, size) {
  const nodes = rows.slice(0, size);
  return { nodes, pageInfo: { hasNextPage: rows.length > size, endCursor: nodes.length ? cursor(nodes.at(-1)) : null } };
}

const STATUSES = `RECEIVED ON_MODERATION ROUTED DELIVERED REGISTERED IN_PROGRESS WAITING_FOR_CITIZEN PLANNED ANSWERED SOLVED
  CLOSED_UNSOLVED REFUSED WITHDRAWN`.split(/\s+/);

const sum = (rows, column) => rows.reduce((total, row) => total + row[column], 0);

// Three fields of one statement.
const counted = async (name, values, load) => ({ counts: await load.rows(name, values) });

const resolvers = {
  Query: {
    message: async (_, { reference }, { load, person }) => (await load.rows("messageByReference", [reference, person]))[0] ?? null,
    viewer: () => ({}),
    organisation: (_, { code }, { load }) => load.organisation.load(code),
    statistics: (_, args, { load }) => counted("countsOfAll", [], load),
  },
  Viewer: {
    messages: async (_, { first }, { load, person }) => page(await load.rows("messagesOfPerson", [person, first + 1]), first),
  },
  Organisation: {
    name,
    messages: async (row, { first, filter }, { load }) =>
      page(await load.rows("messagesOfOrganisation", [row.code, filter?.status ?? null, filter?.receivedFrom ?? null, first + 1]), first),
    answers: async (row, { first }, { load }) => ({ nodes: await load.rows("answersOfOrganisation", [row.code, first]) }),
    statistics: (row, _, { load }) => counted("countsOf", [row.code], load),
    parent: (row, _, { load }) => row.parent_code && load.organisation.load(row.parent_code),
    territory: (row, _, { load }) => row.territory_code && load.territory.load(row.territory_code),
  },
  Statistics: {
    total: ({ counts }) => sum(counts, "count"),
    byStatus: ({ counts }) => {
      const found = new Map(counts.map((row) => [row.status, row.count]));
      return STATUSES.map((status) => ({ status, count: found.get(status) ?? 0 }));
    },
    lateness: ({ counts }) => ({
      answeredInTime: sum(counts, "answered_in_time"),
      answeredLate: sum(counts, "answered_late"),
      openInTime: sum(counts, "open_in_time"),
      openNear: sum(counts, "open_near"),
      openLate: sum(counts, "open_late"),
    }),
    ratings: async (_, args, { load }) => {
      const [row] = await load.rows("ratingsOfAll", []);
      return {
        answer: { average: row.answer_average, count: row.answer_count },
        solution: { average: row.solution_average, count: row.solution_count },
      };
    },
    hotSpots: async (_, { first }, { load }) =>
      (await load.rows("hotSpotsOfAll", [first])).map((row) => ({
        category: { name_ru: row.category_name },
        territory: { name_ru: row.territory_name },
        count: row.count,
      })),
  },
  Category: { name },
  Territory: { name },
  Message: {
    id: globalId("Message"),
    category,
    organisation,
    route: (row) => (row.route_rule === null ? null : row),
    history: (row, { last }, { load }) => (last ? load.lastEvents(last) : load.events).load(row.id),
    answers: (row, { last }, { load }) => (last ? load.lastAnswers(last) : load.answers).load(row.id),
    attachments: (row, _, { load }) => load.attachments.load(row.id),
    cases: (row, _, { load }) => load.cases.load(row.id),
    deliveries: (row, _, { load }) => load.deliveries.load(row.id),
  },
  Route: {
    rule: (row) => row.route_rule,
    reason: (row, { language }) => (language === "EN" ? row.route_reason_en : row.route_reason_ru),
    warning: (row, { language }) => (language === "EN" ? row.route_warning_en : row.route_warning_ru),
  },
  Event: { organisation },
  Answer: { id: globalId("Answer"), organisation, verdict: (row, _, { load }) => load.verdict.load(row.id) },
  Case: { organisation },
  Delivery: { organisation, reason: (row) => REASONS[row.state] },
};

export const schema = makeExecutableSchema({
  typeDefs: readFileSync(new URL("reading.graphql", import.meta.url), "utf8"),
  resolvers,
});

// Whoever calls says who they are: signing in is no part of the comparison.
export const contextOf = (pool, headers) => ({ load: openLoaders(pool), person: headers["x-person"] });
