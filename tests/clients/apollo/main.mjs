// Runs Apollo Client without React against OKNO_URL, and prints what the application and its cache see after each step.
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { readFile } from 'node:fs/promises';
import { connect, sha256 } from './client.mjs';
import { FOLLOW, MINE, UPLOAD, WITHDRAW } from './documents.mjs';

const { OKNO_URL, OKNO_TOKEN, OKNO_PHOTO } = process.env;
const { client, close } = connect(OKNO_URL, OKNO_TOKEN);

const mine = () => client.readQuery({ query: MINE, variables: { first: 2 } }).viewer.messages;
const references = () => mine().edges.map(({ node }) => node.reference);

async function paginate() {
  const watched = client.watchQuery({ query: MINE, variables: { first: 2 } });
  const watching = watched.subscribe({});
  await watched.refetch();
  const pages = [references()];
  while (mine().pageInfo.hasNextPage) {
    await watched.fetchMore({ variables: { after: mine().pageInfo.endCursor } });
    pages.push(references());
  }
  watching.unsubscribe();
  return pages;
}

// A mutation changes the message in the list and in the subscription, because both know it by its id.
async function withdrawWhileFollowing(reference) {
  const seen = [];
  const finished = new Promise((resolve, reject) => {
    const following = client.subscribe({ query: FOLLOW, variables: { reference } }).subscribe({
      next({ data, error }) {
        if (error) return reject(error);
        seen.push(data.messageChanged.status);
        if (seen.length === 1) client.mutate({ mutation: WITHDRAW, variables: { reference } }).catch(reject);
        if (data.messageChanged.status !== 'WITHDRAWN') return undefined;
        following.unsubscribe();
        return resolve();
      },
      error: reject,
    });
  });
  await finished;
  const { node } = mine().edges.find((edge) => edge.node.reference === reference);
  return { seen, listed: node.status, normalised: client.extract()[`Message:${node.id}`].status };
}

async function upload() {
  const content = await readFile(OKNO_PHOTO);
  const file = new File([content], 'яма.jpg', { type: 'image/jpeg' });
  const { data } = await client.mutate({ mutation: UPLOAD, variables: { file } });
  return { ...data.uploadAttachment, expected: sha256(content) };
}

// What an application can tell its user from: the code, and the status where there is one.
async function faultOf(token, request) {
  const other = connect(OKNO_URL, token);
  try {
    await request(other.client);
    return null;
  } catch (error) {
    return CombinedGraphQLErrors.is(error) ? error.errors.map((one) => one.extensions.code) : [error.name, error.message];
  } finally {
    other.close();
  }
}

async function main() {
  const pages = await paginate();
  const withdrawn = await withdrawWhileFollowing(pages[0][0]);
  const variables = { reference: pages[0][1] };
  const faults = {
    anonymous: await faultOf(null, (one) => one.mutate({ mutation: WITHDRAW, variables })),
    forged: await faultOf('a.b.c', (one) => one.query({ query: MINE, variables: { first: 2 } })),
    tooMany: await faultOf(OKNO_TOKEN, (one) => one.query({ query: MINE, variables: { first: 100000 } })),
    followedWithoutSignIn: await faultOf(null, (one) => new Promise((resolve, reject) => {
      one.subscribe({ query: FOLLOW, variables }).subscribe({
        next: ({ error, data }) => (error ? reject(error) : resolve(data)),
        error: reject,
      });
    })),
  };
  return { pages, withdrawn, uploaded: await upload(), faults };
}

main()
  .then((found) => console.log(JSON.stringify(found)))
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(close);
