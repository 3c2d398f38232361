// What the service knows, in memory: cases by their number, photos as digests, every change in order.
import { createHash } from 'node:crypto';

const PAGE = 500;
const NOW = '2026-03-02T09:15:07';

export class Ledger {
  cases = new Map();
  changes = [];

  create(given) {
    const known = [...this.cases.values()].find((one) => one.given.ExternalId === given.ExternalId);
    if (known) return { Code: '17', Message: 'exists', CaseNumber: known.number };
    if (given.Kind === '0000') return { Code: '10', Message: 'unknown kind' };
    const number = `NS-${String(this.cases.size + 1).padStart(6, '0')}`;
    this.cases.set(number, { number, given, state: '1', photos: [] });
    this.change(number, '1');
    return { Code: '0', Message: 'Accepted', CaseNumber: number };
  }

  photo({ CaseNumber, FileName, Content }) {
    const kept = this.cases.get(CaseNumber);
    if (!kept) return { Code: '20', Message: 'no such case' };
    if (kept.photos.some((one) => one.name === FileName)) return { Code: '17', Message: 'there already' };
    const content = Buffer.from(Content, 'base64');
    kept.photos.push({ name: FileName, sha256: createHash('sha256').update(content).digest('hex') });
    return { Code: '0', Message: 'added' };
  }

  find(externalId) {
    return [...this.cases.values()]
      .filter((one) => one.given.ExternalId === externalId)
      .map((one) => ({ CaseNumber: one.number, ExternalId: externalId, State: one.state, ChangedAt: NOW }));
  }

  get(number) {
    const kept = this.cases.get(number);
    if (!kept) return { Code: '20', Message: 'no such case' };
    return { Code: '0', Message: 'Found', Case: { CaseNumber: number, State: kept.state, ChangedAt: NOW } };
  }

  withdraw(number) {
    const kept = this.cases.get(number);
    if (!kept) return { Code: '20', Message: 'no such case' };
    if (kept.state === '7') return { Code: '17', Message: 'withdrawn already' };
    this.change(number, '7');
    return { Code: '0', Message: 'withdrawn' };
  }

  change(number, state, answer) {
    this.cases.get(number).state = state;
    this.changes.push({ CaseNumber: number, State: state, ChangedAt: NOW, ...(answer ? { Answer: answer } : {}) });
  }

  page() {
    return this.changes.slice(0, PAGE);
  }

  clear() {
    this.cases.clear();
    this.changes.length = 0;
  }
}
