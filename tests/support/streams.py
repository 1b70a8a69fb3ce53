"""A live stream as a test reads it: events as pairs of a name and what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.support.clients import PageClient, PageResponse

_TOKEN = re.compile(r'data-live="([^"]+)"')


@dataclass(frozen=True)
class Told:
    """One event."""

    event: str
    id: str
    data: dict[str, Any]


class Listener:
    """One open stream. `next()` waits for the next event that is not a beat; `position` is the last one's id."""

    def __init__(self, chunks: Iterator[bytes], close: Callable[[], None]) -> None:
        self._chunks, self.close = chunks, close
        self._buffer = ""
        self.position = ""

    def next(self, *, beats: bool = False) -> Told | None:
        """None once the stream has ended."""
        while True:
            while "\n\n" not in self._buffer:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return None
                self._buffer += chunk.decode()
            block, _, self._buffer = self._buffer.partition("\n\n")
            lines = dict(line.split(": ", 1) for line in block.splitlines())
            told = Told(lines["event"], lines["id"], json.loads(lines["data"]))
            self.position = told.id
            if beats or told.event != "beat":
                return told

    def names(self) -> list[str]:
        """The names of the next event, which must be a change."""
        told = self.next()
        assert told is not None, "the stream ended"
        assert told.event == "changed", told
        return told.data["names"]


def tokens_of(page: PageResponse) -> list[str]:
    """What the parts of a page may listen to."""
    return sorted(set(_TOKEN.findall(page.get_data(as_text=True))))


def live_path(tokens: list[str], **query: str) -> str:
    return "/live?" + urlencode([*(("on", token) for token in tokens), *query.items()])


@contextmanager
def listening(
    client: PageClient, tokens: list[str], *, headers: dict[str, str] | None = None, **query: str
) -> Iterator[Listener]:
    """A stream of this client's that is ready."""
    response = client.get(live_path(tokens, **query), headers=headers or {})
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.mimetype == "text/event-stream"
    chunks = iter(response.response)
    listener = Listener(chunks, response.close)
    try:
        ready = listener.next()
        assert ready is not None
        assert ready.event == "ready"
        yield listener
    finally:
        response.close()
