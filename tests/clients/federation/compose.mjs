// Composes the hub with another subgraph under both composers, and alone; prints what each of them has to say.
import { composeServices as composeByApollo } from '@apollo/composition';
import { composeServices as composeByTheGuild } from '@theguild/federation-composition';
import { hub, profiles } from './subgraphs.mjs';

const okno = await hub();
const found = {};
for (const [name, subgraphs] of [['alone', [okno]], ['together', [okno, profiles]]]) {
  const apollo = composeByApollo(subgraphs);
  const guild = composeByTheGuild(subgraphs);
  found[name] = {
    apollo: {
      errors: (apollo.errors ?? []).map((one) => one.message),
      hints: (apollo.hints ?? []).map((one) => `${one.definition.level.name} ${one.definition.code}: ${one.message}`),
      composed: Boolean(apollo.supergraphSdl),
    },
    guild: { errors: (guild.errors ?? []).map((one) => one.message), composed: Boolean(guild.supergraphSdl) },
    publicSchemaHidesNode: !/\bnode\(/.test(apollo.schema ? apollo.schema.toAPISchema().toGraphQLJSSchema().getQueryType().toString() : ''),
    queries: apollo.schema ? Object.keys(apollo.schema.toAPISchema().toGraphQLJSSchema().getQueryType().getFields()) : [],
  };
}
console.log(JSON.stringify(found));
