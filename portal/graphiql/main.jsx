// GraphiQL with the portal's own operations as its tabs. `/graphql#token=…` opens it signed in.
import 'graphiql/style.css';

import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';

import { fetcher } from './fetcher.js';
import { TABS } from './tabs.js';

const WORKERS = { json: 'json.worker', graphql: 'graphql.worker' };

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(`/graphiql/${WORKERS[label] ?? 'editor.worker'}.js`),
};

function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  // A token in the address would stay in the browser's history.
  if (token) history.replaceState(null, '', location.pathname);
  return token;
}

const token = takeToken();
const headers = JSON.stringify(
  { Authorization: token ? `Bearer ${token}` : '', 'Accept-Language': 'ru' },
  null,
  2,
);
const tabs = TABS.map(({ query, variables }) => ({ query, variables: JSON.stringify(variables, null, 2), headers }));

if (token) {
  // A new sign-in is a new beginning: tabs of an earlier visit would hide the operations and carry old headers.
  for (const key of Object.keys(localStorage)) if (key.startsWith('graphiql:')) localStorage.removeItem(key);
}

// GraphiQL fills the first tab's variables only from here; a returning visitor has their own.
const first = localStorage.getItem('graphiql:tabState') ? {} : { initialVariables: tabs[0].variables };

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    defaultTabs={tabs}
    defaultHeaders={headers}
    initialHeaders={headers}
    {...first}
    defaultEditorToolsVisibility="headers"
    plugins={[HISTORY_PLUGIN]}
    isHeadersEditorEnabled
  />,
);
