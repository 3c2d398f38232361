"""Where an agency file asks for links to files instead of the files (`item.link`)."""

from __future__ import annotations

from adapters.expressions import ExpressionFault, parse
from agencies.build_sending import PATH_EXPRESSION
from agencies.model import AgencyFile
from agencies.model_walk import Mark, marked
from agencies.source import Path

PUBLIC_ADDRESS = "OKNO_PUBLIC_ADDRESS"
_SENDS = frozenset(
    {
        "before",
        "upload",
        "submit",
        "then",
        "attachment",
        "withdraw",
        "add_comment",
        "reopen",
        "set_priority",
    }
)


def places_of_links(file: AgencyFile) -> list[Path]:
    """The places in the file that say `link` of an attachment, in its order; what comes back has items of its own."""
    return [
        one.path
        for one in marked(file)
        if one.path[0] in _SENDS and "link" in one.text and any(map(_says_link, _expressions(one.text, one.mark)))
    ]


def _expressions(text: str, mark: Mark) -> list[str]:
    return PATH_EXPRESSION.findall(text) if mark is Mark.REQUEST else [text] if mark is Mark.EXPRESSION else []


def _says_link(text: str) -> bool:
    try:
        steps = [use.steps for use in parse(text).paths]
    except ExpressionFault:
        return False  # the checks say what is wrong with it
    ends_so = any(one[0] in ("item", "message") and one[-1] == "link" for one in steps)
    # `message.attachments | first_of('link')` names it as a text.
    return ends_so or any(one[:2] == ("message", "attachments") for one in steps)
