"""The contract the road agency keeps to: its own WSDL and XSD, and the check of every request against them."""

from pathlib import Path

from lxml import etree

from tests.fakes.city_roads.envelope import SoapFault

NAMESPACE = "urn:city-roads:cases:1"
OPERATIONS = ("CreateCase", "AddPhoto", "FindCases", "GetCase", "WithdrawCase", "GetChanges")

_FOLDER = Path(__file__).resolve().parents[3] / "config" / "agencies" / "city-roads"
_SOAP_ADDRESS = "{http://schemas.xmlsoap.org/wsdl/soap/}address"


class Contract:
    """The two files, loaded once."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        """Load `cases.wsdl` and `cases.xsd` from the folder the agency hands to its partners."""
        self.xsd = (folder / "cases.xsd").read_bytes()
        self._wsdl = etree.parse(str(folder / "cases.wsdl"))
        self._schema = etree.XMLSchema(etree.fromstring(self.xsd))

    def check(self, payload: etree._Element) -> None:
        """Raise SoapFault with the validator's own message unless the element is a valid request of an operation."""
        name = etree.QName(payload)
        if name.namespace != NAMESPACE or name.localname not in OPERATIONS:
            raise SoapFault.client(f"There is no operation {name.text}; there are {', '.join(OPERATIONS)}")
        try:
            self._schema.assertValid(payload)
        except etree.DocumentInvalid as problem:
            raise SoapFault.client(f"Validation failed: {problem}") from problem

    def wsdl(self, address: str) -> bytes:
        """The WSDL with the address it is served at."""
        for place in self._wsdl.iter(_SOAP_ADDRESS):
            place.set("location", address)
        written: bytes = etree.tostring(self._wsdl, xml_declaration=True, encoding="utf-8")
        return written


def action_of(operation: str) -> str:
    """The SOAPAction of an operation."""
    return f"{NAMESPACE}/{operation}"
