"""A fake of an office that works with «Дело»: its СЭВ exchange takes our registration cards and puts notifications for us.

Written from the schemas http://www.eos.ru/2010/sev (DocInfo, Report): one document per packet, UTF-8, resources named in its header.
"""

from tests.fakes.delo.office import Office

__all__ = ["Office"]
