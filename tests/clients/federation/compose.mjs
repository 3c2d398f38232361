// Composes the hub alone and with other subgraphs, under both composers; prints what each of them has to say.
import { composeServices as composeByApollo } from '@apollo/composition';
import { composeServices as composeByTheGuild } from '@theguild/federation-composition';
import { hub, polls, profiles } from './subgraphs.mjs';

const okno = await hub();
const found = {};
for (const [name, subgraphs] of [['alone', [okno]], ['with profiles', [okno, profiles]], ['with nodes', [okno, profiles, polls]]]) {
  const apollo = composeByApollo(subgraphs);
  const guild = composeByTheGuild(subgraphs);
  found[name] = {
    apollo: {
      errors: (apollo.errors ?? []).map((one) => one.message),
      hints: (apollo.hints ?? []).map((one) => `${one.definition.level.name} ${one.definition.code}: ${one.message}`),
      composed: Boolean(apollo.supergraphSdl),
    },
    guild: { errors: (guild.errors ?? []).map((one) => one.message), composed: Boolean(guild.supergraphSdl) },
    queries: apollo.schema ? Object.keys(apollo.schema.toAPISchema().toGraphQLJSSchema().getQueryType().getFields()) : [],
  };
}
console.log(JSON.stringify(found));
