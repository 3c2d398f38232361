// Runs Relay without a browser against OKNO_URL as the holder of OKNO_TOKEN, and prints what its store holds after each step.
import {
  Environment,
  Network,
  RecordSource,
  Store,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getRequest,
  getFragment,
  getSelector,
} from 'relay-runtime';
import * as documents from './documents.js';

const { OKNO_URL, OKNO_TOKEN, OKNO_REFERENCE } = process.env;

async function send(request, variables) {
  const response = await fetch(OKNO_URL, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      authorization: `Bearer ${OKNO_TOKEN}`,
    },
    body: JSON.stringify({ query: request.text, variables }),
  });
  return response.json();
}

const environment = new Environment({ network: Network.create(send), store: new Store(new RecordSource()) });

const ask = (query, variables = {}) =>
  fetchQuery(environment, query, variables, { fetchPolicy: 'network-only' }).toPromise();

function read(fragment, reference, variables = {}) {
  const selector = getSelector(getFragment(fragment), reference);
  return environment.lookup({ ...selector, variables: { ...selector.variables, ...variables } }).data;
}

const references = (connection) => connection.edges.map((edge) => read(documents.MessageRow, edge.node).reference);
const refetch = (fragment) => getFragment(fragment).metadata.refetch.operation;

async function paginate() {
  const { viewer } = await ask(documents.Page);
  environment.retain(createOperationDescriptor(getRequest(documents.Page), {}));
  const newest = () => read(documents.NewestFirst, viewer).messages;
  const oldest = () => read(documents.OldestFirst, viewer).oldest;
  const forward = [references(newest())];
  const backward = [oldest().edges.map((edge) => edge.node.reference)];
  while (newest().pageInfo.hasNextPage) {
    await ask(refetch(documents.NewestFirst), { count: 2, cursor: newest().pageInfo.endCursor });
    forward.push(references(newest()));
  }
  while (oldest().pageInfo.hasPreviousPage) {
    await ask(refetch(documents.OldestFirst), { count: 2, cursor: oldest().pageInfo.startCursor });
    backward.push(oldest().edges.map((edge) => edge.node.reference));
  }
  return { forward, backward };
}

async function refetchByNode() {
  const { message } = await ask(documents.One, { reference: OKNO_REFERENCE });
  const before = read(documents.MessageCard, message);
  await ask(refetch(documents.MessageCard), { id: message.id });
  const after = read(documents.MessageCard, message);
  return { id: message.id, before: before.text, after: after.text, history: after.history.length };
}

const withdraw = () =>
  new Promise((resolve, reject) => {
    commitMutation(environment, {
      mutation: documents.Withdraw,
      variables: { reference: OKNO_REFERENCE },
      onCompleted: (payload) => resolve(payload.withdrawMessage.errors),
      onError: reject,
    });
  });

async function main() {
  const pages = await paginate();
  const node = await refetchByNode();
  const status = () => environment.getStore().getSource().get(node.id).status;
  const before = status();
  const errors = await withdraw();
  const unknown = await ask(documents.Anything, { id: Buffer.from('Message:0').toString('base64') });
  return { ...pages, node, status: [before, status()], errors, unknown };
}

main().then(
  (found) => console.log(JSON.stringify(found)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
