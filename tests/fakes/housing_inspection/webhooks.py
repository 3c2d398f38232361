"""News of changes, POSTed to the configured URL: at least once, in order within a case, from a queue on disk.

A receiver that answers 2xx is done with a change; anything else, or nothing, is tried again after 0.2 s, 0.4 s … 10 s.
Signature: hex HMAC-SHA256 of `<timestamp>.<raw body>` under the shared secret.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from typing import Any

import aiohttp

from tests.fakes.housing_inspection.ledger import Ledger, QueuedChange

_AT_ONCE = 8
_POST_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0

_log = logging.getLogger(__name__)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Value of `X-Okno-Signature` for a body sent at a Unix second."""
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={mac.hexdigest()}"


class WebhookSender:
    """Works the queue off until cancelled."""

    def __init__(self, ledger: Ledger) -> None:
        """Be woken whenever the ledger queues a change."""
        self._ledger = ledger
        self._woken = asyncio.Event()
        ledger.on_queued = self._woken.set

    async def run(self) -> None:
        """Send what is due, sleep until the next is due or something new is queued, for ever."""
        timeout = aiohttp.ClientTimeout(total=_POST_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._woken.clear()
                target = self._ledger.webhook()
                due = self._ledger.due_for_webhook(time.time(), _AT_ONCE) if target else []
                if target and due:
                    await asyncio.gather(*(self._send(session, *target, change) for change in due))
                else:
                    await self._sleep()

    async def _sleep(self) -> None:
        next_due = self._ledger.next_due()
        pause_s = None if next_due is None else max(0.01, next_due - time.time())
        try:
            async with asyncio.timeout(pause_s):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _send(self, session: aiohttp.ClientSession, url: str, secret: str, change: QueuedChange) -> None:
        problem = await _post(session, url, secret, change.item)
        if problem is None:
            self._ledger.webhook_delivered(change.seq)
            return
        pause_s = min(_FIRST_PAUSE_S * 2 ** min(change.attempts, 10), _LONGEST_PAUSE_S)
        self._ledger.webhook_failed(change.seq, time.time() + pause_s)
        _log.warning("webhook %s: %s; again in %.1f s", change.item["event_id"], problem, pause_s)


async def _post(session: aiohttp.ClientSession, url: str, secret: str, item: dict[str, Any]) -> str | None:
    """Send one change; None when the receiver took it, else what went wrong."""
    body = json.dumps(item, ensure_ascii=False).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Okno-Timestamp": timestamp,
        "X-Okno-Signature": signature(secret, timestamp, body),
    }
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as reply:
            return None if 200 <= reply.status < 300 else f"the receiver answered {reply.status}"
    except (aiohttp.ClientError, TimeoutError) as problem:
        return type(problem).__name__
