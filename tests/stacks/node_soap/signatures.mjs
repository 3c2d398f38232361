// Whether an envelope is signed by the certificate we know, and whether its Body is among what was signed.
import { DOMParser } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';

export function isSigned(envelope, certificate) {
  const [signature] = Array.from(new DOMParser().parseFromString(envelope, 'text/xml').getElementsByTagNameNS(DSIG, 'Signature'));
  if (!signature) return false;
  const judge = new SignedXml({ publicCert: certificate, idMode: 'wssecurity' });
  judge.loadSignature(signature);
  try {
    return judge.checkSignature(envelope) && judge.getSignedReferences().some((part) => /^<[\w-]*:?Body[\s>]/.test(part));
  } catch {
    return false; // what cannot be judged is not good
  }
}
