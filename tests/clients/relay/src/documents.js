// What a Relay application declares: fragments beside their views, a connection, refetches, and a mutation.
import { graphql } from 'relay-runtime';

export const MessageRow = graphql`
  fragment documents_row on Message {
    reference
    status
    organisation { code name }
  }
`;

// Refetched by `node(id:)`, because Message is a Node.
export const MessageCard = graphql`
  fragment documents_card on Message @refetchable(queryName: "documentsCardQuery") {
    id
    text
    ...documents_row
    history { kind toStatus at }
  }
`;

// Refetched by `viewer`, Relay's own way for the person who is signed in.
export const NewestFirst = graphql`
  fragment documents_newest on Viewer
  @refetchable(queryName: "documentsNewestQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
    messages(first: $count, after: $cursor) @connection(key: "documents_messages") {
      edges { node { id ...documents_row } }
    }
  }
`;

export const OldestFirst = graphql`
  fragment documents_oldest on Viewer
  @refetchable(queryName: "documentsOldestQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
    oldest: messages(last: $count, before: $cursor) @connection(key: "documents_oldest") {
      edges { node { id reference } }
    }
  }
`;

export const Page = graphql`
  query documentsPageQuery {
    viewer {
      ...documents_newest
      ...documents_oldest
    }
  }
`;

export const One = graphql`
  query documentsOneQuery($reference: String!) {
    message(reference: $reference) {
      id
      ...documents_card
    }
  }
`;

export const Anything = graphql`
  query documentsAnythingQuery($id: ID!) {
    node(id: $id) { id __typename }
  }
`;

export const Withdraw = graphql`
  mutation documentsWithdrawMutation($reference: String!) {
    withdrawMessage(reference: $reference) {
      message { id status }
      errors { __typename ... on UserError { code path } }
    }
  }
`;
