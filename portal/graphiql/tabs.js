// The operations of the portal, in the order a newcomer needs them, with variables that work on the sample data.
import dashboard from '../operations/dashboard.graphql';
import follow from '../operations/follow-a-message.graphql';
import ofOrganisation from '../operations/messages-of-an-organisation.graphql';
import mine from '../operations/my-messages.graphql';
import one from '../operations/one-message.graphql';
import page from '../operations/organisation-page.graphql';
import organisations from '../operations/organisations-and-categories.graphql';
import rate from '../operations/rate-an-answer.graphql';
import preview from '../operations/route-preview.graphql';
import search from '../operations/search-messages.graphql';
import state from '../operations/state-of-a-case.graphql';
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
  { query: state, variables: { reference: '' } },
  { query: rate, variables: { answer: '', answerRating: 5, solutionRating: 4, resolution: 'SOLVED' } },
  { query: withdraw, variables: { reference: '' } },
  { query: organisations, variables: {} },
  { query: page, variables: { code: 'city-roads' } },
  { query: ofOrganisation, variables: { code: 'city-roads', filter: { overdue: true }, first: 10 } },
  { query: dashboard, variables: { filter: { organisation: 'city-roads' } } },
  { query: search, variables: { text: 'яма' } },
];
