// PostGraphile 5 over the hub's tables: its Amber preset, lists beside connections, nothing else changed. It checks neither sign-in nor rights.
import { createServer } from "node:http";

import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PgAggregatesPreset } from "@graphile/pg-aggregates";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

import { host, openPool, port } from "./ground.mjs";

const preset = {
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset, PgAggregatesPreset],
  pgServices: [makePgService({ pool: openPool(), schemas: ["public", "bench"] })],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: { explain: false },
  // Its default offers indexed columns only, and the portal filters by status.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  schema: { defaultBehavior: "+list" },
};

const server = createServer();
const pgl = postgraphile(preset);
if (process.argv[2] === "--print") {
  const { printSchema } = await import("graphql");
  console.log(printSchema(await pgl.getSchema()));
  process.exit(0);
}
await pgl.createServ(grafserv).addTo(server);
server.listen(port, host);
