import { gql } from '@apollo/client';

export const MINE = gql`
  query Mine($first: Int!, $after: String) {
    viewer {
      messages(first: $first, after: $after) {
        edges { node { id reference status organisation { id name } } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;

export const WITHDRAW = gql`
  mutation Withdraw($reference: String!) {
    withdrawMessage(reference: $reference) {
      message { id status }
      errors { ... on UserError { code path } }
    }
  }
`;

export const FOLLOW = gql`
  subscription Follow($reference: String!) {
    messageChanged(reference: $reference) { id status }
  }
`;

export const UPLOAD = gql`
  mutation Upload($file: Upload!) {
    uploadAttachment(file: $file) {
      attachment { id fileName mediaType sha256 }
      errors { ... on UserError { code path } }
    }
  }
`;

export const CATEGORIES = gql`
  query Categories {
    categories { id code name }
  }
`;
