"""The `text:` of an agency file: what every text goes through before that agency sees it.

Promises: nothing here raises but `CannotHold`, and that only where the file asks for it; what comes out is legal XML 1.0,
holds no half characters, fits the charset, and goes through once more unchanged; what the file hides is hidden before
any expression sees it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters import charset
from adapters.hiding import PATTERNS

HIDDEN = "***"
_QUOTES = str.maketrans(
    {"«": '"', "»": '"', "„": '"', "“": '"', "”": '"', "‘": "'", "’": "'", "‚": "'", "‹": "'", "›": "'"}
)
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")
# Pictures, their joiners and variations, skin tones, flags and keycaps: what no case system's column was made for.
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\ufe0e\ufe0f\u20e3\u200d\U000e0020-\U000e007f]+ ?"
)
_NAME = "[А-ЯЁ][а-яё]{1,30}"
_PATRONYMIC = (
    r"[А-ЯЁ][а-яё]{1,30}(?:вич|вича|вичу|вичем|виче|вна|вны|вне|вной|вну|ична|ичны|ичне|ичной|ичну|оглы|кызы)(?!\w)"
)
_HIDES: Mapping[str, re.Pattern[str]] = {
    # Eleven digits with Russia's code or ten after it, in the ways people write them; or a plus and any country's number.
    "phones": re.compile(
        r"(?<![\w-])(?:(?:\+7|8|7)[ \u00a0(-]{0,3})?\(?[3489]\d{2}\)?[ \u00a0-]{0,3}\d{3}[ \u00a0-]?\d{2}[ \u00a0-]?\d{2}(?![\w-])"
        r"|\+\d{1,3}(?:[ \u00a0().-]{0,2}\d{2,4}){2,5}(?!\d)"
    ),
    "emails": PATTERNS["emails"],
    # A name with a patronymic, or a surname with initials on either side.
    "names": re.compile(
        rf"(?<!\w){_NAME}(?:-{_NAME})? {_NAME} {_PATRONYMIC}|(?<!\w){_NAME} {_PATRONYMIC}"
        rf"|(?<!\w){_NAME}(?:-{_NAME})? [А-ЯЁ]\. ?[А-ЯЁ]\.|(?<!\w)[А-ЯЁ]\. ?[А-ЯЁ]\. ?{_NAME}"
    ),
}


class CannotHold(Exception):
    """A text holds a sign that the agency's charset lacks, and the file says that such a text is not sent."""


@dataclass(frozen=True, slots=True)
class TextRules:
    """How texts are made ready. `cannot_hold` is `replace`, `latin`, `leave_out` or `refuse`; `says` replaces signs first."""

    charset: str = "utf-8"
    cannot_hold: str = "replace"
    replacement: str = "?"
    line_ends: str = "\n"
    straight_quotes: bool = False
    no_emoji: bool = False
    says: Mapping[str, str] = field(default_factory=dict)
    hide: frozenset[str] = frozenset()

    def hidden(self, text: str) -> str:
        """A citizen's words without what must never go to this agency."""
        for name, pattern in _HIDES.items():
            if name in self.hide:
                text = pattern.sub(HIDDEN, text)
        return text

    def made_ready(self, text: str) -> str:
        """Any text as this agency takes it. Raises CannotHold."""
        whole = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text))
        for sign, instead in self.says.items():
            whole = whole.replace(sign, instead)
        if self.straight_quotes:
            whole = whole.translate(_QUOTES)
        if self.no_emoji:
            whole = _EMOJI.sub("", whole).rstrip(" ")
        whole = charset.legal_in_xml(whole)
        if not charset.holds(whole, self.charset):
            whole = self._held(whole)
        return whole if self.line_ends == "\n" else whole.replace("\n", self.line_ends)

    def _held(self, text: str) -> str:
        if self.cannot_hold == "refuse":
            raise CannotHold
        if self.cannot_hold == "latin":
            text = "".join(sign if charset.holds(sign, self.charset) else charset.in_latin(sign) for sign in text)
            return charset.encodable(text, self.charset, self.replacement)
        return charset.encodable(text, self.charset, self.replacement if self.cannot_hold == "replace" else "")

    def cut(self, text: str, max_chars: int | None, max_bytes: int | None, ending: str | None) -> str:
        """At most so many characters and bytes of the charset, `ending` (or a sign that something is missing) included."""
        mark = self.made_ready(ending) if ending is not None else "…" if charset.holds("…", self.charset) else "..."
        if max_chars is not None and len(text) > max_chars:
            text = text[: max(max_chars - len(mark), 0)].rstrip() + mark[:max_chars]
        if max_bytes is not None and len(raw := text.encode(self.charset, "replace")) > max_bytes:
            text = text.removesuffix(mark)
            room = max_bytes - len(mark.encode(self.charset, "replace"))
            raw = text.encode(self.charset, "replace")[: max(room, 0)]
            text = raw.decode(self.charset, "ignore").rstrip() + (mark if room >= 0 else "")
        return text


PLAIN = TextRules()
"""What counts bytes and cuts where a file has no `text:`."""
