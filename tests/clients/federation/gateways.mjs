// Runs the same queries through two makers' gateways over the real hub and another subgraph, for a citizen, for a stranger and for nobody.
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { composeServices as composeByApollo } from '@apollo/composition';
import { composeServices as composeByTheGuild } from '@theguild/federation-composition';
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { execute, parse } from 'graphql';
import { askHub, headersFor, hub, profiles } from './subgraphs.mjs';

const { OKNO_TOKEN, OKNO_STRANGER, OKNO_REFERENCE } = process.env;
const ASKED = `query ($reference: String!, $mentioned: [String!]!) {
  featured { code motto name(language: EN) level }
  likedOrganisations { organisations { code motto name(language: EN) } pageInfo { hasNextPage } }
  mentioned(references: $mentioned) { reference likes text status }
  message(reference: $reference) { reference likes organisation { code motto } answers { text organisation { motto } } }
}`;

// How often the hub was asked, and for what.
const sent = [];
const note = (query) => sent.push(query.includes('_entities') ? 'entities' : 'query');

async function byApollo(subgraphs) {
  const gateway = new ApolloGateway({
    supergraphSdl: composeByApollo(subgraphs).supergraphSdl,
    buildService({ name, url }) {
      if (name === 'profiles') return new LocalGraphQLDataSource(profiles.schema);
      return new RemoteGraphQLDataSource({
        url,
        willSendRequest({ request, context }) {
          note(request.query);
          for (const [header, value] of Object.entries(headersFor(context.token))) request.http.headers.set(header, value);
        },
      });
    },
  });
  const { executor, schema } = await gateway.load();
  const nothing = { get: async () => undefined, set: async () => undefined, delete: async () => undefined };
  const ask = (query, variables, token) =>
    executor({
      document: parse(query),
      request: { query, variables },
      queryHash: query,
      context: { token },
      cache: nothing,
      logger: console,
      metrics: {},
      schema,
    });
  return { ask, stop: () => gateway.stop() };
}

async function byTheGuild(subgraphs) {
  const schema = getStitchedSchemaFromSupergraphSdl({
    supergraphSdl: composeByTheGuild(subgraphs).supergraphSdl,
    onSubschemaConfig(config) {
      const isProfiles = config.name.toLowerCase() === 'profiles';
      config.executor = ({ document, variables, context }) => {
        if (isProfiles) return execute({ schema: profiles.schema, document, variableValues: variables });
        const asked = askHub(document, variables, context.token);
        note(JSON.stringify(document));
        return asked;
      };
    },
  });
  const ask = (query, variables, token) =>
    execute({ schema, document: parse(query), variableValues: variables, contextValue: { token } });
  return { ask, stop: () => {} };
}

const okno = await hub();
const found = {};
for (const [name, make] of [['apollo', byApollo], ['guild', byTheGuild]]) {
  const gateway = await make([okno, profiles]);
  const variables = { reference: OKNO_REFERENCE, mentioned: ['26-0000-0000-0', OKNO_REFERENCE] };
  const answers = {};
  for (const [who, token] of [['citizen', OKNO_TOKEN], ['stranger', OKNO_STRANGER], ['nobody', undefined]]) {
    sent.length = 0;
    const { data, errors } = await gateway.ask(ASKED, variables, token);
    answers[who] = { data, errors: (errors ?? []).map((one) => one.message), sent: [...sent].sort() };
  }
  found[name] = answers;
  await gateway.stop();
}
console.log(JSON.stringify(found));
