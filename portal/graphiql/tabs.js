// The operations of the portal, in the order a newcomer needs them, with variables that work on the sample data.
import follow from '../operations/follow-a-message.graphql';
import mine from '../operations/my-messages.graphql';
import one from '../operations/one-message.graphql';
import organisations from '../operations/organisations-and-categories.graphql';
import preview from '../operations/route-preview.graphql';
import rate from '../operations/rate-an-answer.graphql';
import submit from '../operations/submit-a-message.graphql';
import withdraw from '../operations/withdraw-a-message.graphql';

const place = { point: { latitude: 54.5138, longitude: 36.2612 } };

export const TABS = [
  { query: preview, variables: { category: 'roads/pothole', place } },
  {
    query: submit,
    variables: {
      input: {
        idempotencyKey: crypto.randomUUID(),
        text: 'Яма на проезжей части у дома 5.',
        category: 'roads/pothole',
        place,
      },
    },
  },
  { query: mine, variables: { first: 10 } },
  { query: one, variables: { reference: '' } },
  { query: follow, variables: { reference: '' } },
  { query: rate, variables: { answer: '', answerRating: 5, solutionRating: 4, resolution: 'SOLVED' } },
  { query: withdraw, variables: { reference: '' } },
  { query: organisations, variables: {} },
];
