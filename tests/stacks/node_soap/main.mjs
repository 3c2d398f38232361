// `node main.mjs WSDL`: the road agency's WSDL served by the npm package `soap`. Prints one JSON line when it listens; ends with its standard input.
// It wants a UsernameToken digest; with STACK_CERTIFICATE a signature by that certificate instead.
// GET /held shows what it holds, POST /change adds a change, DELETE /held forgets everything: for the tests, no part of SOAP.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import soap from 'soap';
import { mayComeIn } from './doors.mjs';
import { Ledger } from './ledger.mjs';
import { isSigned } from './signatures.mjs';

const [wsdl] = process.argv.slice(2);
const account = { username: process.env.STACK_USER, password: process.env.STACK_PASSWORD };
const certificate = process.env.STACK_CERTIFICATE && readFileSync(process.env.STACK_CERTIFICATE, 'utf8');
const ledger = new Ledger();

const fault = (code, text) => ({ Fault: { faultcode: code, faultstring: text, statusCode: 500 } });

const operations = {
  CreateCase({ case: given }) {
    if (given.Subject === 'fault') throw fault('soap:Server', 'ORA-12899: value <too> large & wide');
    return { CreateCaseResult: ledger.create(given) };
  },
  AddPhoto: (given) => ({ AddPhotoResult: ledger.photo(given) }),
  FindCases: ({ ExternalId }) => ({ FindCasesResult: { Case: ledger.find(ExternalId) } }),
  GetCase: ({ CaseNumber }) => ({ GetCaseResult: ledger.get(CaseNumber) }),
  WithdrawCase: ({ CaseNumber }) => ({ WithdrawCaseResult: ledger.withdraw(CaseNumber) }),
  GetChanges: () => ({ GetChangesResult: { Change: ledger.page() } }),
};

async function beside(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.method === 'POST') {
    const { number, state, answer } = JSON.parse(Buffer.concat(chunks));
    ledger.change(number, state, answer);
  } else if (request.method === 'DELETE') {
    ledger.clear();
  }
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify([...ledger.cases.values()]));
}

const server = createServer(beside);
server.listen(0, '127.0.0.1', () => {
  const service = soap.listen(server, {
    path: '/soap',
    services: { Cases: { CasesSoap: operations } },
    xml: readFileSync(wsdl, 'utf8'),
    uri: wsdl,
    suppressStack: true,
    callback: () => process.stdout.write(`${JSON.stringify({ address: `http://127.0.0.1:${server.address().port}` })}\n`),
  });
  const envelopes = new WeakMap();
  service.log = (kind, text, request) => kind === 'received' && envelopes.set(request, text);
  service.authenticate = certificate
    ? (_security, _done, request) => isSigned(envelopes.get(request), certificate)
    : (security) => mayComeIn(security, account);
});
process.stdin.resume().on('end', () => process.exit(0));
