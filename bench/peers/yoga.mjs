// GraphQL Yoga with hand-written resolvers and loaders. It keeps parsed and validated documents, as it does by default.
import { createServer } from "node:http";

import { createYoga } from "graphql-yoga";

import { host, openPool, port } from "./ground.mjs";
import { contextOf, schema } from "./resolvers.mjs";

const pool = openPool();
const yoga = createYoga({
  schema,
  context: ({ req }) => contextOf(pool, req.headers),
  graphiql: false,
  landingPage: false,
  logging: false,
  maskedErrors: false,
});
createServer(yoga).listen(port, host);
