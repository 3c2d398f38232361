// A citizen's visit with the typed documents of the client preset. Every request carries an id and variables, and never a text.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import {
  type Status,
  FollowAMessageDocument,
  MyMessagesDocument,
  OneMessageDocument,
  RoutePreviewDocument,
  SubmitAMessageDocument,
  WithdrawAMessageDocument,
} from './dist/graphql.ts';

declare const process: { env: Record<string, string>; exitCode: number };

const { OKNO_URL = '', OKNO_TOKEN = '' } = process.env;
const place = { point: { latitude: 54.5138, longitude: 36.2612 } };

interface Failure {
  message: string;
  extensions: { code: string };
}

async function post(body: object): Promise<{ status: number; answer: { data?: unknown; errors?: Failure[] } }> {
  const response = await fetch(OKNO_URL, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      authorization: `Bearer ${OKNO_TOKEN}`,
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

const idOf = (document: object): string => (document as { __meta__: { hash: string } }).__meta__.hash;

async function ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const { status, answer } = await post({ documentId: idOf(document), variables });
  if (status !== 200 || answer.errors) throw new Error(`${status} ${JSON.stringify(answer.errors)}`);
  return answer.data as Data;
}

async function visit() {
  const preview = await ask(RoutePreviewDocument, { category: 'roads/pothole', place });
  const input = { idempotencyKey: crypto.randomUUID(), text: 'Яма у дома 5.', category: 'roads/pothole', place };
  const { submitMessage } = await ask(SubmitAMessageDocument, { input });
  const reference = submitMessage.message?.reference ?? '';
  const listed = (await ask(MyMessagesDocument, { first: 1 })).viewer?.messages.nodes.map((node) => node.reference);
  const { withdrawMessage } = await ask(WithdrawAMessageDocument, { reference });
  const { message } = await ask(OneMessageDocument, { reference });
  const status: Status | undefined = message?.status;
  // @ts-expect-error - a field that was not asked for is not there
  void message?.channel;
  // @ts-expect-error - the number is needed
  void (() => ask(OneMessageDocument, {}));
  return {
    preview: preview.routePreview.organisation?.code,
    sent: submitMessage.errors.length === 0 && listed?.[0] === reference,
    withdrawn: [withdrawMessage.message?.status, status],
  };
}

async function refusals() {
  const unknown = await post({ documentId: `sha256:${'0'.repeat(64)}` });
  const text = await post({ query: 'query Own { categories { code } }' });
  const both = await post({ documentId: idOf(FollowAMessageDocument), query: '{ __typename }' });
  return [unknown, text, both].map(({ status, answer }) => [status, answer.errors?.[0]?.extensions.code]);
}

console.log(JSON.stringify({ ...(await visit()), refusals: await refusals() }));
