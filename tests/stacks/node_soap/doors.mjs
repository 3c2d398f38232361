// Who may come in: a WS-Security UsernameToken with a digest of a nonce that was never seen before.
import { createHash } from 'node:crypto';

const seen = new Set();

const textOf = (node) => (node && typeof node === 'object' ? node.$value : node);

export function mayComeIn(security, { username, password }) {
  const token = security?.UsernameToken;
  if (!token || textOf(token.Username) !== username) return false;
  if (!token.Password?.attributes?.Type?.endsWith('#PasswordDigest')) return false;
  const nonce = textOf(token.Nonce);
  if (!nonce || seen.has(nonce)) return false;
  seen.add(nonce);
  const proof = createHash('sha1');
  proof.update(Buffer.from(nonce, 'base64')).update(textOf(token.Created) ?? '').update(password);
  return proof.digest('base64') === textOf(token.Password);
}
