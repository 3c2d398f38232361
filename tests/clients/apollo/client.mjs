// Apollo Client as a portal would set it up: a normalised cache, files, and subscriptions over WebSocket.
import { ApolloClient, ApolloLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { relayStylePagination } from '@apollo/client/utilities';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { createClient } from 'graphql-ws';
import { createHash } from 'node:crypto';

export const sha256 = (text) => createHash('sha256').update(text).digest('hex');

const cache = () =>
  new InMemoryCache({
    typePolicies: {
      // There is one viewer, and it has no id.
      Viewer: { keyFields: [], fields: { messages: relayStylePagination() } },
    },
  });

// With `persisted`, queries are sent as their hash by GET, and as text only when the server asks for it. `generateHash` names the hash of a document
// that brings its own.
export function connect(url, token, { persisted = false, generateHash, fetch: fetchHere = fetch } = {}) {
  const authorization = token ? `Bearer ${token}` : undefined;
  const http = new UploadHttpLink({
    uri: url,
    headers: { 'apollo-require-preflight': 'true', 'accept-language': 'en', ...(authorization && { authorization }) },
    fetch: fetchHere,
  });
  const socket = createClient({ url: url.replace(/^http/, 'ws'), connectionParams: { authorization }, retryAttempts: 0 });
  const hashed = new PersistedQueryLink({ ...(generateHash ? { generateHash } : { sha256 }), useGETForHashedQueries: true });
  const client = new ApolloClient({
    cache: cache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      persisted ? ApolloLink.from([hashed, http]) : http,
    ),
  });
  return { client, close: () => socket.dispose() };
}
