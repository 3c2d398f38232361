// Runs urql without a framework against OKNO_URL, and prints what the application sees after each step.
import { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient } from 'graphql-sse';

const { OKNO_URL, OKNO_TOKEN, OKNO_REFERENCE } = process.env;

const MESSAGE = gql`
  query Message($reference: String!) {
    message(reference: $reference) { id reference status }
  }
`;

const WITHDRAW = gql`
  mutation Withdraw($reference: String!) {
    withdrawMessage(reference: $reference) {
      message { id status }
      errors { ... on UserError { code path } }
    }
  }
`;

const FOLLOW = gql`
  subscription Follow($reference: String!) {
    messageChanged(reference: $reference) { id status }
  }
`;

// A name that no earlier run has made the server learn.
const CATEGORIES = gql(`
  query Categories${Date.now()} {
    categories { code name }
  }
`);

const requests = [];
const counted = (url, options = {}) => {
  const hasText = Boolean(options.body) || new URL(url).searchParams.has('query');
  requests.push(`${options.method ?? 'GET'} ${hasText ? 'text' : 'hash'}`);
  return fetch(url, options);
};

function settings(exchanges, token) {
  const headers = { 'accept-language': 'en', ...(token && { authorization: `Bearer ${token}` }) };
  return { url: OKNO_URL, exchanges, fetch: counted, fetchOptions: { headers }, preferGetMethod: false };
}

const connect = (exchanges, token) => new Client(settings(exchanges, token));

const events = createClient({
  url: OKNO_URL,
  headers: { authorization: `Bearer ${OKNO_TOKEN}` },
  retryAttempts: 0,
});

const live = subscriptionExchange({
  forwardSubscription({ query, variables }) {
    return { subscribe: (sink) => ({ unsubscribe: events.subscribe({ query, variables }, sink) }) };
  },
});

const faultOf = ({ error }) => error?.graphQLErrors.map((one) => one.extensions.code) ?? null;

// The document cache forgets a query when a mutation returns a type it holds.
async function askTwiceAndChange(client) {
  const variables = { reference: OKNO_REFERENCE };
  const ask = async () => {
    const { data, error } = await client.query(MESSAGE, variables);
    if (error) throw error;
    return data.message.status;
  };
  const first = await ask();
  const before = requests.length;
  const second = await ask();
  const fromCache = requests.length === before;
  const { data } = await client.mutation(WITHDRAW, variables);
  return { statuses: [first, second, await ask()], fromCache, errors: data.withdrawMessage.errors };
}

const follow = (client) =>
  new Promise((resolve, reject) => {
    const { unsubscribe } = client.subscription(FOLLOW, { reference: OKNO_REFERENCE }).subscribe(({ data, error }) => {
      if (error) return reject(error);
      queueMicrotask(() => unsubscribe());
      return resolve(data.messageChanged.status);
    });
  });

async function askByHash() {
  const client = connect([persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange], null);
  requests.length = 0;
  const answers = [];
  for (let time = 0; time < 2; time += 1) {
    const { data, error } = await client.query(CATEGORIES, {});
    answers.push(error ? faultOf({ error }) : data.categories.length);
  }
  return { answers, requests: [...requests] };
}

async function main() {
  const client = connect([cacheExchange, live, fetchExchange], OKNO_TOKEN);
  const changed = await askTwiceAndChange(client);
  const alone = new Client({ ...settings([fetchExchange], OKNO_TOKEN), fetchSubscriptions: true });
  const followed = { graphqlSse: await follow(client), urqlItself: await follow(alone) };
  const anonymous = connect([fetchExchange], null);
  const forged = connect([fetchExchange], 'a.b.c');
  const faults = {
    anonymous: faultOf(await anonymous.mutation(WITHDRAW, { reference: OKNO_REFERENCE })),
    forged: faultOf(await forged.query(CATEGORIES, {})),
  };
  return { changed, followed, faults, byHash: await askByHash() };
}

main()
  .then((found) => console.log(JSON.stringify(found)))
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => events.dispose());
