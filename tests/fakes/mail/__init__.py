"""A fake of a body that has nothing but a mailbox: a server that takes mail (SMTP), a mailbox of ours (IMAP or Maildir), and people who reply.

Written from RFC 5321, 3501, 3464 (delivery reports) and 3834 (automatic answers).
"""

from tests.fakes.mail.people import People
from tests.fakes.mail.post import Imap, Smtp

__all__ = ["Imap", "People", "Smtp"]
