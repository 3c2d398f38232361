"""What each SOAP operation of the road agency does. A request has been validated against the XSD before it comes here."""

import base64
from collections.abc import Callable, Mapping

from lxml import etree

from tests.fakes.city_roads.case_rules import ANSWERED, DECLINED, KINDS, WITHDRAWN, in_area
from tests.fakes.city_roads.contract import NAMESPACE
from tests.fakes.city_roads.envelope import SoapFault
from tests.fakes.city_roads.ledger import CannotBeStored, Ledger, NewCase, to_column

BUSY = ("90", "The system is busy, come later")

_WITH_A_CODE = frozenset({"CreateCase", "AddPhoto", "GetCase", "WithdrawCase"})


class Operations:
    """The six operations over one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """Keep the ledger."""
        self._ledger = ledger
        self._by_name: Mapping[str, Callable[[etree._Element], etree._Element]] = {
            "CreateCase": self.create_case,
            "AddPhoto": self.add_photo,
            "FindCases": self.find_cases,
            "GetCase": self.get_case,
            "WithdrawCase": self.withdraw_case,
            "GetChanges": self.get_changes,
        }

    def run(self, payload: etree._Element) -> etree._Element:
        """Do what a valid request asks. Returns the response element; raises SoapFault, and then nothing is stored."""
        try:
            return self._by_name[etree.QName(payload).localname](payload)
        except CannotBeStored as problem:
            raise SoapFault.server(
                f"ORA-12899: value cannot be stored in column CASES.{problem.column.upper()} (CL8MSWIN1251)"
            ) from None

    def create_case(self, request: etree._Element) -> etree._Element:
        """Register a case."""
        given = _texts(request[0])
        kind, district = given["Kind"], given.get("District")
        if kind not in KINDS:
            return _result("CreateCase", "10", f"Unknown kind {kind}")
        if not in_area(district):
            return _result("CreateCase", "11", f"District {district} is outside the service area")
        address = given.get("Address")
        number, made = self._ledger.create(
            NewCase(
                external_id=given["ExternalId"],
                subject=to_column(given["Subject"], "Subject"),
                text=to_column(given["Text"], "Text"),
                kind=kind,
                created_at=_second(given["CreatedAt"]),
                latitude=_decimal(given.get("Latitude")),
                longitude=_decimal(given.get("Longitude")),
                address=None if address is None else to_column(address, "Address"),
                district=district,
                photo_count=int(given["PhotoCount"]) if "PhotoCount" in given else None,
            )
        )
        if made:
            return _result("CreateCase", "0", "Accepted", CaseNumber=number)
        return _result("CreateCase", "17", "A case with this ExternalId already exists", CaseNumber=number)

    def add_photo(self, request: etree._Element) -> etree._Element:
        """Add one photo."""
        given = _texts(request)
        number, name = given["CaseNumber"], given["FileName"]
        if not name.isascii():
            raise SoapFault.server("java.io.IOException: cannot create file: malformed input or unmappable characters")
        if self._ledger.state_of(number) is None:
            return _result("AddPhoto", "20", "No such case")
        if self._ledger.add_photo(number, name, base64.b64decode(given["Content"])):
            return _result("AddPhoto", "0", "Added")
        return _result("AddPhoto", "17", "A photo with this name is already there")

    def find_cases(self, request: etree._Element) -> etree._Element:
        """Find a case by the sender's number."""
        response, result = _response("FindCases")
        for case in self._ledger.found_by(_texts(request)["ExternalId"]):
            _append(
                result,
                "Case",
                CaseNumber=case.number,
                ExternalId=case.external_id,
                State=case.state,
                ChangedAt=case.changed_at,
            )
        return response

    def get_case(self, request: etree._Element) -> etree._Element:
        """Read one case as it stands now."""
        last = self._ledger.last_change_of(_texts(request)["CaseNumber"])
        if last is None:
            return _result("GetCase", "20", "No such case")
        response = _result("GetCase", "0", "Found")
        _append(
            response[0], "Case", CaseNumber=last.number, State=last.state, ChangedAt=last.changed_at, Remark=last.remark
        )
        return response

    def withdraw_case(self, request: etree._Element) -> etree._Element:
        """Withdraw a case."""
        given = _texts(request)
        number, reason = given["CaseNumber"], to_column(given["Reason"], "Reason")
        state = self._ledger.state_of(number)
        if state is None:
            return _result("WithdrawCase", "20", "No such case")
        if state == WITHDRAWN:
            return _result("WithdrawCase", "17", "The case is already withdrawn")
        if state in {ANSWERED, DECLINED}:
            return _result("WithdrawCase", "21", "The case is already answered")
        self._ledger.change([number], WITHDRAWN, reason)
        return _result("WithdrawCase", "0", "Withdrawn")

    def get_changes(self, request: etree._Element) -> etree._Element:
        """List changes since a moment, that second included."""
        response, result = _response("GetChanges")
        for change in self._ledger.changes_since(_second(_texts(request)["Since"])):
            _append(
                result,
                "Change",
                CaseNumber=change.number,
                State=change.state,
                ChangedAt=change.changed_at,
                Remark=change.remark,
                Answer=change.answer,
            )
        return response


def busy(operation: str) -> etree._Element:
    """The response "come later". Raises SoapFault for an operation whose result has no place for a code."""
    if operation not in _WITH_A_CODE:
        raise SoapFault.server(BUSY[1])
    return _result(operation, *BUSY)


def _texts(parent: etree._Element) -> dict[str, str]:
    """Local name -> text of each child; an empty element is an empty text."""
    return {etree.QName(child).localname: child.text or "" for child in parent}


def _second(written: str) -> str:
    """A valid local time, cut to `2026-07-01T12:00:00`."""
    return written.strip()[:19]


def _decimal(written: str | None) -> float | None:
    return None if written is None else float(written)


def _response(operation: str) -> tuple[etree._Element, etree._Element]:
    response = etree.Element(f"{{{NAMESPACE}}}{operation}Response", nsmap={"c": NAMESPACE})
    return response, etree.SubElement(response, f"{{{NAMESPACE}}}{operation}Result")


def _result(operation: str, code: str, message: str, **more: str) -> etree._Element:
    response, result = _response(operation)
    for name, text in {"Code": code, "Message": message, **more}.items():
        etree.SubElement(result, f"{{{NAMESPACE}}}{name}").text = text
    return response


def _append(parent: etree._Element, name: str, **texts: str | None) -> None:
    entry = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    for child, text in texts.items():
        if text is not None:
            etree.SubElement(entry, f"{{{NAMESPACE}}}{child}").text = text
