// Mercurius on Fastify with its JIT (an operation is compiled at its first run) and the same resolvers and loaders.
import Fastify from "fastify";
import mercurius from "mercurius";

import { host, openPool, port } from "./ground.mjs";
import { contextOf, schema } from "./resolvers.mjs";

const pool = openPool();
const app = Fastify();
await app.register(mercurius, { schema, jit: 1, graphiql: false, context: (request) => contextOf(pool, request.headers) });
await app.listen({ port, host });
