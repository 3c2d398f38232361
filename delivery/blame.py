"""Where an error came from, fit for a log: its kind and place, never its text, which may hold what a citizen wrote (P9)."""

from __future__ import annotations


def where(error: BaseException) -> str:
    """Kind and place of an error; of a group, of its first member."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{place}"
