"""A mail in the body of a request, as the programs that pass mail on send it: read as it arrives, never held whole."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from flask import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from app.core.errors import Invalid

NAMES = ("message", "email", "body-mime", "mime", "raw")
"""Fields a mail is in: SendGrid's is `email`, Mailgun's `body-mime`."""
_BLOCK = 64 * 1024
_PARTS_MAX = 100
_NOTHING = "There is no mail in this request: send it as message/rfc822, or in a field named message."


def raw_mail(request: Request) -> BinaryIO:
    """The stream of the mail's bytes.

    Raises:
        Invalid: there is none in the request, or it is built wrongly.
        RequestEntityTooLarge: the request is larger than the route takes; also raised while it is read.
    """
    if request.mimetype == "multipart/form-data":
        boundary = request.mimetype_params.get("boundary", "")
        if not 0 < len(boundary) <= 200:
            raise Invalid({"": "The request says it has several parts, but not what stands between them."})
        return cast(BinaryIO, io.BufferedReader(_Part(cast(BinaryIO, request.stream), boundary), _BLOCK))
    if request.mimetype == "application/x-www-form-urlencoded":
        found = next((request.form[name] for name in NAMES if request.form.get(name)), None)
        if found is None:
            raise Invalid({"": _NOTHING})
        return io.BytesIO(found.encode("utf-8", "surrogateescape"))
    return cast(BinaryIO, request.stream)


class _Part(io.RawIOBase):
    """The part of a form that holds the mail."""

    def __init__(self, stream: BinaryIO, boundary: str) -> None:
        self._stream = stream
        self._decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), max_parts=_PARTS_MAX)
        self._rest = b""
        self._more = True
        self._find()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest and self._more:
            event = self._next()
            if not isinstance(event, Data):
                raise _broken()
            self._rest, self._more = event.data, event.more_data
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _find(self) -> None:
        while True:
            event = self._next()
            if isinstance(event, Epilogue):
                raise Invalid({"": _NOTHING})
            if isinstance(event, Field | File) and _is_mail(event):
                return

    def _next(self) -> object:
        try:
            while isinstance(event := self._decoder.next_event(), NeedData):
                self._decoder.receive_data(self._stream.read(_BLOCK) or None)
        except ValueError:
            raise _broken() from None
        return event


def _is_mail(part: Field | File) -> bool:
    return part.name in NAMES or part.headers.get("Content-Type", "").partition(";")[0].strip() == "message/rfc822"


def _broken() -> Invalid:
    return Invalid({"": "The request ends too early, or its parts are built wrongly."})
