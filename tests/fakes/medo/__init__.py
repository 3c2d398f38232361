"""A fake of the other side of a МЭДО folder: it fetches our packets, and puts receipts, notifications and answers for us.

Written from the schema IEDMS 2.6 (element and attribute names) and its description: XML in windows-1251, qualified attributes, hashes of
received files in the receipt, an `envelope.ini` beside the document.
"""

from tests.fakes.medo.partner import Partner, Taken

__all__ = ["Partner", "Taken"]
