"""WS-Security X.509: signs what we send, and reads replies only as far as the agency signed them.

Sending: the Body and a Timestamp are signed with SHA-256 (exclusive canonicalisation); our certificate goes along as a
BinarySecurityToken. Receiving: the signature must be good under a certificate that the agency's file names (what the reply itself
brings is not believed), only SHA-2 counts, and the one Body that is read must be the very element a Reference names. So a signed
Body moved aside with a forged one in its place (signature wrapping) is refused, not read.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from lxml import etree

from connectors.base import BadConnection, Unreadable
from connectors.soap.security import BASE64_BINARY, WSSE, WSU, X509_TOKEN, in_base64, moment

_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_ENVELOPED: Final = f"{_DS}enveloped-signature"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_DIGESTS: Final = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_HASHES: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_ID_NAMES: Final = (f"{{{WSU}}}Id", "Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_SMALLEST_RSA_BITS: Final = 2048
_CLOCKS_MAY_DIFFER: Final = timedelta(minutes=5)
_MOST_REFERENCES: Final = 16
_TOKEN_ID: Final = "x509"  # noqa: S105 - an id inside the envelope

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class EnvelopeSignature:
    """All PEM: our certificate and its key, and (`replies_signed_by`) the agency's certificates; without those replies are not judged."""

    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)
    key_password: str | None = field(default=None, repr=False)
    life_s: float = 300.0
    replies_signed_by: bytes | None = field(default=None, repr=False)


def throwaway_signature(life_s: float) -> EnvelopeSignature:
    """A signature with a key made here and now, for requests that only show their form."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    return EnvelopeSignature(
        certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), life_s=life_s
    )


class Signer:
    """Signs envelopes for one connection."""

    def __init__(self, settings: EnvelopeSignature) -> None:
        """Raises BadConnection for a certificate and a key that are none, are weak or do not belong together."""
        self._life = timedelta(seconds=settings.life_s)
        self._key = _private_key(settings)
        certificate = _certificates(settings.certificate, "security.certificate")[0]
        if certificate.public_key() != self._key.public_key():
            raise BadConnection("security.key: does not belong to `certificate`")
        self._token = in_base64(certificate.public_bytes(Encoding.DER))

    def elements(self, now: datetime | None = None) -> str:
        """What the security header needs before it is signed: our certificate and the time stamp."""
        created = now or datetime.now(UTC)
        return (
            f'<wsse:BinarySecurityToken EncodingType="{BASE64_BINARY}" ValueType="{X509_TOKEN}" wsu:Id="{_TOKEN_ID}">'
            f"{self._token}</wsse:BinarySecurityToken>"
            f'<wsu:Timestamp wsu:Id="{_fresh_id()}"><wsu:Created>{moment(created)}</wsu:Created>'
            f"<wsu:Expires>{moment(created + self._life)}</wsu:Expires></wsu:Timestamp>"
        )

    def signed(self, envelope: bytes, charset: str = "utf-8") -> bytes:
        """The envelope, which has the elements above in its security header, with its Body and Timestamp signed."""
        root = etree.fromstring(envelope, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
        header, body = _only(root, "Header"), _only(root, "Body")
        security = header.find(f"{{{WSSE}}}Security") if header is not None else None
        timestamp = security.find(f"{{{WSU}}}Timestamp") if security is not None else None
        if security is None or timestamp is None or body is None:
            raise AssertionError("the envelope was written without the elements to be signed")
        body.set(f"{{{WSU}}}Id", _fresh_id())
        signature = etree.SubElement(security, f"{{{_DS}}}Signature", nsmap={"ds": _DS})
        info = etree.SubElement(signature, f"{{{_DS}}}SignedInfo")
        etree.SubElement(info, f"{{{_DS}}}CanonicalizationMethod", Algorithm=_EXCLUSIVE)
        etree.SubElement(info, f"{{{_DS}}}SignatureMethod", Algorithm=self._algorithm)
        for node in (timestamp, body):
            _refer(info, node)
        value = etree.SubElement(signature, f"{{{_DS}}}SignatureValue")
        value.text = in_base64(self._sign(_canonical(info)))
        _name_token(signature)
        return cast("bytes", etree.tostring(root, xml_declaration=True, encoding=charset))

    @property
    def _algorithm(self) -> str:
        return _MORE + ("rsa-sha256" if isinstance(self._key, rsa.RSAPrivateKey) else "ecdsa-sha256")

    def _sign(self, content: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        # XML wants the two numbers side by side, where others wrap them in DER.
        first, second = decode_dss_signature(self._key.sign(content, ec.ECDSA(hashes.SHA256())))
        width = (self._key.key_size + 7) // 8
        return first.to_bytes(width, "big") + second.to_bytes(width, "big")


class Verifier:
    """Judges the replies of one connection."""

    def __init__(self, certificates: bytes) -> None:
        """`certificates` are the agency's, in PEM. Raises BadConnection."""
        self._keys: list[PublicKey] = []
        for one in _certificates(certificates, "security.replies_signed_by"):
            key = one.public_key()
            if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
                raise BadConnection("security.replies_signed_by: the key of the certificate is neither RSA nor EC")
            self._keys.append(key)

    def check(self, root: etree._Element, now: datetime | None = None) -> None:
        """Nothing when the one Body below `root` is signed by the agency. Raises Unreadable with the reason."""
        body, header = _only(root, "Body"), _only(root, "Header")
        if body is None or header is None:
            raise Unreadable("the reply is not signed: it has no header, or not exactly one Body")
        securities = header.findall(f"{{{WSSE}}}Security")
        signatures = [one for security in securities for one in security.findall(f"{{{_DS}}}Signature")]
        if len(signatures) != 1:
            raise Unreadable(f"the reply is not signed as it must be: it has {len(signatures)} signatures")
        signature = signatures[0]
        info = signature.find(f"{{{_DS}}}SignedInfo")
        if info is None:
            raise Unreadable("the signature of the reply has no SignedInfo")
        self._check_value(signature, info)
        signed = list(_signed_elements(root, info))
        if not any(one is body for one in signed):
            raise Unreadable("the signature of the reply does not cover its Body")
        for security in securities:
            for timestamp in security.findall(f"{{{WSU}}}Timestamp"):
                if not any(one is timestamp for one in signed):
                    raise Unreadable("the signature of the reply does not cover its Timestamp")
                _check_time(timestamp, now or datetime.now(UTC))

    def _check_value(self, signature: etree._Element, info: etree._Element) -> None:
        method = _algorithm(info, "CanonicalizationMethod")
        if method != _EXCLUSIVE:
            raise Unreadable("the signature of the reply uses another canonicalisation than the exclusive one")
        algorithm = _algorithm(info, "SignatureMethod")
        kind, _, digest = algorithm.removeprefix(_MORE).partition("-")
        if not algorithm.startswith(_MORE) or kind not in {"rsa", "ecdsa"} or digest not in _HASHES:
            raise Unreadable("the signature of the reply uses an algorithm that is not accepted (SHA-1, for one)")
        prefixes = _prefixes(info.find(f"{{{_DS}}}CanonicalizationMethod"))
        content, value = _canonical(info, prefixes), _bytes(signature.find(f"{{{_DS}}}SignatureValue"))
        if not any(_is_good(key, kind, value, content, _HASHES[digest]) for key in self._keys):
            raise Unreadable("the signature of the reply is not good under the certificate of `replies_signed_by`")


def _signed_elements(root: etree._Element, info: etree._Element) -> Iterator[etree._Element]:
    """The elements that the References name, each with its digest proved. Raises Unreadable when one is not."""
    references = info.findall(f"{{{_DS}}}Reference")
    if not 0 < len(references) <= _MOST_REFERENCES:
        raise Unreadable("the signature of the reply refers to nothing, or to too much")
    by_id: dict[str, list[etree._Element]] = defaultdict(list)
    for node in root.iter("*"):
        for one in {node.get(name) for name in _ID_NAMES} - {None}:
            by_id[str(one)].append(node)
    for reference in references:
        name = reference.get("URI", "")
        named = by_id.get(name[1:], [])
        if not name.startswith("#") or len(name) < 2 or len(named) != 1:
            raise Unreadable("a Reference of the signature does not name exactly one element of the reply")
        transforms = reference.findall(f"{{{_DS}}}Transforms/{{{_DS}}}Transform")
        ways = [one.get("Algorithm") for one in transforms]
        if ways[:1] == [_ENVELOPED] and not any(one is named[0] for one in info.iterancestors()):
            # "Without the signature inside": some write that of elements which hold none, where it changes nothing.
            ways, transforms = ways[1:], transforms[1:]
        if ways != [_EXCLUSIVE]:
            raise Unreadable("a Reference of the signature is transformed in a way that is not accepted")
        digest = _DIGESTS.get(_algorithm(reference, "DigestMethod"))
        if digest is None:
            raise Unreadable("the signature of the reply uses a digest that is not accepted (SHA-1, for one)")
        content = _canonical(named[0], _prefixes(transforms[0]))
        proved = hashlib.new(digest, content).digest()
        if not secrets.compare_digest(proved, _bytes(reference.find(f"{{{_DS}}}DigestValue"))):
            raise Unreadable("the reply was changed after it was signed")
        yield named[0]


def _check_time(timestamp: etree._Element, now: datetime) -> None:
    for name, sign in (("Created", 1), ("Expires", -1)):
        text = timestamp.findtext(f"{{{WSU}}}{name}")
        if text is None:
            continue
        try:
            at = datetime.fromisoformat(text.strip())
        except ValueError:
            raise Unreadable("the Timestamp of the reply holds no time") from None
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        if (at - now) * sign > _CLOCKS_MAY_DIFFER:
            raise Unreadable("the Timestamp of the reply has run out, or lies in the future")


def _is_good(key: PublicKey, kind: str, value: bytes, content: bytes, digest: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if kind != "rsa":
                return False
            key.verify(value, content, padding.PKCS1v15(), digest)
        else:
            half = len(value) // 2
            if kind != "ecdsa" or half == 0 or len(value) % 2:
                return False
            numbers = int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
            key.verify(encode_dss_signature(*numbers), content, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _refer(info: etree._Element, node: etree._Element) -> None:
    reference = etree.SubElement(info, f"{{{_DS}}}Reference", URI=f"#{node.get(f'{{{WSU}}}Id')}")
    transforms = etree.SubElement(reference, f"{{{_DS}}}Transforms")
    etree.SubElement(transforms, f"{{{_DS}}}Transform", Algorithm=_EXCLUSIVE)
    etree.SubElement(reference, f"{{{_DS}}}DigestMethod", Algorithm=_SHA256)
    etree.SubElement(reference, f"{{{_DS}}}DigestValue").text = in_base64(hashlib.sha256(_canonical(node)).digest())


def _name_token(signature: etree._Element) -> None:
    """Says that our BinarySecurityToken holds the key."""
    info = etree.SubElement(signature, f"{{{_DS}}}KeyInfo")
    holder = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference")
    etree.SubElement(holder, f"{{{WSSE}}}Reference", URI=f"#{_TOKEN_ID}", ValueType=X509_TOKEN)


def _canonical(node: etree._Element, prefixes: list[str] | None = None) -> bytes:
    return etree.tostring(
        node, method="c14n", exclusive=True, with_comments=False, with_tail=False, inclusive_ns_prefixes=prefixes
    )


def _prefixes(method: etree._Element | None) -> list[str] | None:
    """Prefixes that the sender treats inclusively; `#default` is left to libxml2's own spelling of it."""
    found = method.find(f"{{{_EXCLUSIVE}}}InclusiveNamespaces") if method is not None else None
    return found.get("PrefixList", "").split() or None if found is not None else None


def _algorithm(node: etree._Element, name: str) -> str:
    found = node.find(f"{{{_DS}}}{name}")
    return found.get("Algorithm", "") if found is not None else ""


def _bytes(node: etree._Element | None) -> bytes:
    try:
        return b64decode("".join((node.text or "").split()), validate=True) if node is not None else b""
    except ValueError:
        return b""


def _only(root: etree._Element, name: str) -> etree._Element | None:
    """The child of that local name, when there is exactly one."""
    found = [child for child in root.iterchildren("*") if etree.QName(child).localname == name]
    return found[0] if len(found) == 1 else None


def _fresh_id() -> str:
    return f"id-{secrets.token_hex(12)}"


def _private_key(settings: EnvelopeSignature) -> PrivateKey:
    password = settings.key_password.encode() if settings.key_password else None
    try:
        key = load_pem_private_key(settings.key, password)
    except (ValueError, TypeError) as error:
        # The library's words may quote the key.
        raise BadConnection("security.key: is no private key in PEM, or `key_password` is wrong") from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise BadConnection(f"security.key: must be RSA with at least {_SMALLEST_RSA_BITS} bits, or EC on P-256")


def _certificates(pem: bytes, key: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadConnection(f"{key}: is no certificate in PEM") from error
