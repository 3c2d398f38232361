// Apollo Client with the typed documents of GraphQL Code Generator: each brings the id under which the server trusts it.
import { OrganisationsAndCategoriesDocument } from '../codegen/dist/graphql.ts';
import { connect } from './client.mjs';

const { client, close } = connect(process.env.OKNO_URL, null, {
  persisted: true,
  generateHash: (document) => document.__meta__.hash.slice('sha256:'.length),
});

client
  .query({ query: OrganisationsAndCategoriesDocument })
  .then(({ data }) => console.log(JSON.stringify(data.organisations.nodes.map((one) => one.__typename))))
  .finally(close);
