// Carries an operation to the gateway: a query or mutation as one POST, a subscription as server-sent events over POST,
// because a browser's own EventSource can send neither a body nor the Authorization header.

const ENDPOINT = '/graphql';

export function fetcher(operation, options) {
  const headers = { 'Content-Type': 'application/json', ...withoutEmpty(options?.headers) };
  return isSubscription(operation, options) ? follow(operation, headers) : ask(operation, headers);
}

function withoutEmpty(headers = {}) {
  // The empty Authorization of a fresh tab means: nobody is signed in.
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value));
}

function isSubscription(operation, options) {
  const operations = (options?.documentAST?.definitions ?? []).filter((one) => one.kind === 'OperationDefinition');
  const wanted = operation.operationName
    ? operations.find((one) => one.name?.value === operation.operationName)
    : operations[0];
  return wanted?.operation === 'subscription';
}

async function ask(operation, headers) {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: { Accept: 'application/graphql-response+json, application/json', ...headers },
    body: JSON.stringify(operation),
  });
  return response.json();
}

async function* follow(operation, headers) {
  const stop = new AbortController();
  try {
    const response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: { ...headers, Accept: 'text/event-stream' },
      body: JSON.stringify(operation),
      signal: stop.signal,
    });
    if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
      yield await response.json();
      return;
    }
    for await (const { event, data } of eventsOf(response.body)) {
      if (event === 'complete') return;
      yield JSON.parse(data);
    }
  } finally {
    stop.abort();
  }
}

async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\r\n\r\n');
    text = events.pop();
    for (const lines of events) {
      const fields = Object.fromEntries(lines.split('\r\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      if (fields.event) yield fields;
    }
  }
}
