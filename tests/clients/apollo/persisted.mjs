// Sends the same query twice as its hash (GET) with a fresh cache each time, and prints what went over the wire and what came back.
import { print } from 'graphql';
import { connect, sha256 } from './client.mjs';
import { CATEGORIES } from './documents.mjs';

const requests = [];

const noted = async (url, options) => {
  const asked = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(url).searchParams);
  const response = await fetch(url, options);
  requests.push([options.method, asked.query === undefined ? 'hash' : 'text', response.status]);
  return response;
};

async function ask(persisted) {
  const { client, close } = connect(process.env.OKNO_URL, null, { persisted, fetch: noted });
  try {
    const { data } = await client.query({ query: CATEGORIES });
    return data.categories.length > 0;
  } catch (error) {
    return error.errors?.map((one) => one.extensions.code) ?? [error.name, error.message];
  } finally {
    close();
  }
}

// What Apollo sends is the document as its cache transforms it: that text is what must be hashed and trusted.
const { client, close } = connect(process.env.OKNO_URL, null);
const text = print(client.documentTransform.transformDocument(CATEGORIES));
close();

if (process.argv[2] === 'manifest') {
  const body = { id: sha256(text), name: 'Categories', type: 'query', body: text };
  console.log(JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: [body] }));
} else {
  const answers = [await ask(true), await ask(true)];
  console.log(JSON.stringify({ answers, requests }));
}
