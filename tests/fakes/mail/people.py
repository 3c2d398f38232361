"""The people of the agency: what they write when they answer a mail of ours, and what their machines write."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime


class People:
    """Answers to one mail of ours, as bytes."""

    def __init__(self, received: bytes, address: str = "roads@north.example") -> None:
        parsed = message_from_bytes(received, policy=default)
        assert isinstance(parsed, EmailMessage)
        self.received = parsed
        self._address = address

    @property
    def text(self) -> str:
        """What our mail says."""
        body = self.received.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def reply(self, text: str, *, to: str | None = None, **headers: str) -> bytes:
        """A reply as mail programs write it, with the quotation of ours below."""
        quoted = "\n".join(f"> {line}" for line in self.text.splitlines())
        mail = self._mail(to or str(self.received["Reply-To"]), f"Re: {self.received['Subject']}")
        mail.set_content(f"{text}\n\n02.03.2026 12:00, Платформа пишет:\n{quoted}\n")
        return self._with(mail, headers)

    def reply_in_html(self, page: str, charset: str = "utf-8") -> bytes:
        """A reply of a program that writes pages only."""
        mail = self._mail(str(self.received["Reply-To"]), "Re: ваше письмо")
        mail.set_content(page, subtype="html", charset=charset)
        return self._with(mail, {})

    def bounce(self, action: str = "failed", status: str = "5.1.1", *, to: str | None = None) -> bytes:
        """A delivery report about our mail."""
        report = (
            "Content-Type: message/delivery-status\r\n\r\n"
            "Reporting-MTA: dns; post.example\r\n\r\n"
            f"Final-Recipient: rfc822; {self._address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        )
        headers = "".join(f"{name}: {self.received[name]}\r\n" for name in ("From", "Reply-To", "Message-ID"))
        return (
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@post.example\r\nSubject: Undelivered mail\r\n"
            f"To: {to or self.received['Reply-To']}\r\nDate: Mon, 02 Mar 2026 12:00:00 +0300\r\nMIME-Version: 1.0\r\n"
            'Auto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            f"--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n--b\r\n{report}"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{headers}\r\n--b--\r\n"
        ).encode()

    def _mail(self, to: str, subject: str) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f"Северная управа <{self._address}>"
        mail["To"] = to
        mail["Subject"] = subject
        mail["Date"] = format_datetime(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
        mail["In-Reply-To"] = str(self.received["Message-ID"])
        return mail

    @staticmethod
    def _with(mail: EmailMessage, headers: dict[str, str]) -> bytes:
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        return mail.as_bytes()
