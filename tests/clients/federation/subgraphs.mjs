// The two subgraphs of these tests: the hub over HTTP, and one that another team of the portal would write. The latter knows a few things about
// organisations and messages of the hub, by the keys that people know.
import { parse, print } from 'graphql';
import { buildSubgraphSchema } from '@apollo/subgraph';

const PROFILES = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])

  type Query {
    featured: Organisation
    "Messages by the numbers that were given, whoever may see them."
    mentioned(references: [String!]!): [Message]!
    likedOrganisations: OrganisationLikes!
  }

  type OrganisationLikes {
    organisations: [Organisation]!
    pageInfo: PageInfo!
  }

  type Organisation @key(fields: "code") {
    code: String!
    motto: String
  }

  type Message @key(fields: "reference") {
    reference: String!
    likes: Int!
  }

  type Category @key(fields: "id", resolvable: false) {
    id: ID!
  }

  type PageInfo @shareable {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }
`);

const MOTTOS = { 'city-roads': 'Дорогу осилит идущий.' };
const ONE_PAGE = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null };

const resolvers = {
  Query: {
    featured: () => ({ code: 'city-roads' }),
    mentioned: (_, { references }) => references.map((reference) => ({ reference })),
    likedOrganisations: () => ({ organisations: [{ code: 'nowhere' }, { code: 'city-roads' }], pageInfo: ONE_PAGE }),
  },
  Organisation: { motto: ({ code }) => MOTTOS[code] ?? null },
  Message: { likes: ({ reference }) => reference.length },
};

export const profiles = {
  name: 'profiles',
  url: 'http://profiles.invalid/graphql', // never called: it runs in this process
  typeDefs: PROFILES,
  schema: buildSubgraphSchema({ typeDefs: PROFILES, resolvers }),
};

// A subgraph with Relay's nodes of its own.
export const polls = {
  name: 'polls',
  url: 'http://polls.invalid/graphql',
  typeDefs: parse(`
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@inaccessible"])

    type Query {
      node(id: ID!): Node @shareable @inaccessible
      poll: Poll
    }

    interface Node {
      id: ID!
    }

    type Poll implements Node @key(fields: "id") {
      id: ID!
      about: Territory
    }

    type Territory @key(fields: "code", resolvable: false) {
      code: String!
    }
  `),
};

// What is sent to the hub: who asks for the citizen, and which program asks.
export function headersFor(token) {
  const headers = { 'x-okno-gateway': process.env.OKNO_SECRET };
  return token ? { ...headers, authorization: `Bearer ${token}` } : headers;
}

export async function askHub(query, variables, token) {
  const headers = { 'content-type': 'application/json', 'accept-language': 'en', ...headersFor(token) };
  const text = typeof query === 'string' ? query : print(query);
  const response = await fetch(process.env.OKNO_URL, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) });
  return response.json();
}

// The hub as a gateway first meets it.
export async function hub() {
  const { data } = await askHub('{ _service { sdl } }');
  return { name: 'okno', url: process.env.OKNO_URL, typeDefs: parse(data._service.sdl) };
}
