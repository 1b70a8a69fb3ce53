"""A list, or the refused rows of an import, as CSV: streamed from PostgreSQL's own COPY, whatever its size.

RFC 4180: comma, quotation marks where needed, CRLF. UTF-8, without a byte order mark unless Excel asks for one.
Cells that a spreadsheet would run as a formula get an apostrophe, which our import takes off again.

A stream has a connection of its own with the tenant set for its one transaction: it runs after the request's
transaction is over, and longer than any other statement may.
"""

from __future__ import annotations

import csv
import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import ColumnElement, Select, Text, case, cast, func, literal, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from app.core.clock import new_id
from app.core.db import libpq_url
from app.core.errors import FairleadError
from app.core.events import publish
from app.core.people import list_people
from app.core.records import queries
from app.core.records.events import RecordsExported
from app.core.records.fields import (
    Boolean,
    Choice,
    Currency,
    Date,
    DateTime,
    Field,
    Money,
    Person,
    Phone,
    Reference,
    Tags,
    Url,
    WholeNumber,
)
from app.core.records.kind import RecordKind
from app.core.records.listing import ListRequest
from app.core.scope import Scope
from app.core.transfer.formulas import SQL_PATTERN, neutralise
from app.core.transfer.mapping import PROBLEM, importable
from app.core.transfer.models import Import
from app.extensions import db

MARK = "\ufeff".encode()
_BLOCK = 65_536
_MOST_COUNTED = 10_000
_MINUTES = 15
# Each stream holds a connection for as long as its reader takes: all of them, were they not counted.
_MOST_STREAMS = 8
_MOST_STREAMS_OF_A_TENANT = 3
_streams: Counter[UUID] = Counter()
_streams_lock = threading.Lock()
_APOSTROPHE: ColumnElement[str] = literal_column("''''")
Buffer = bytes | bytearray | memoryview
_PLAIN = (Boolean, Choice, Currency, Date, DateTime, Money, Person, Url, WholeNumber)
"""Types whose text can never be run as a formula."""

_PROBLEMS = """
    select cells, column_name, message from import_problems
    where import_id = %s and run = %s order by row_number
"""


class TooManyDownloads(FairleadError):
    """This process sends as many files as it may."""

    status = 503
    title = "Please try again in a moment"

    def __init__(self) -> None:
        super().__init__("Other downloads are still under way. Wait until one has finished, then try again.")


def export_columns(kind: RecordKind, request: ListRequest, *, everything: bool) -> list[str]:
    """The fields of the list on the screen: what makes up the title, then its columns in their order.

    An amount brings its currency along, as on the screen.
    """
    names = [spec.name for spec in kind.listable] if everything else [*kind.title_fields, *request.columns]
    currency_of = kind.currency_of
    wide = [part for name in names for part in (name, currency_of.get(name)) if part]
    return list(dict.fromkeys(wide))


def export_records(
    scope: Scope, kind: RecordKind, request: ListRequest, *, everything: bool, database_url: str
) -> Iterator[bytes]:
    """Writes the export into the event log and returns its bytes, to be read after the commit."""
    names = export_columns(kind, request, everything=everything)
    rows = _counted(queries.selection_query(scope, kind, request))
    event = RecordsExported(kind.name, new_id(), columns=tuple(names), query=request.search_string(), rows=rows)
    publish(scope, event)
    header = [kind.field(name).label for name in names]
    columns = [_text(scope, kind, kind.field(name)) for name in names]
    query = queries.selection_query(scope, kind, request).with_only_columns(*columns)
    return _started(_copied(scope, database_url, query, _line(header)))


def refused_rows(scope: Scope, row: Import, *, database_url: str) -> Iterator[bytes]:
    """The refused rows of an import with their problem, ready to be mended and imported again."""
    return _started(_refused(scope, row.id, row.run, list(row.headers), database_url))


def template(kind: RecordKind) -> bytes:
    """A file with nothing but the headings that an import understands."""
    return _line([spec.label for spec in importable(kind)])


def filename(kind: RecordKind, request: ListRequest, scope: Scope) -> str:
    """Such as `leads-2026-11-21.csv`; only letters we chose, so that no name can break the header."""
    day = scope.now.astimezone(scope.zone_info).date().isoformat()
    part = "-selection" if request.searches or request.filters else ""
    return f"{kind.plural}{part}-{day}.csv"


def export_lines(
    scope: Scope, query: Select[Any], header: Sequence[str], cells: Callable[[Any], Sequence[str]], *, database_url: str
) -> Iterator[bytes]:
    """The rows of any query as CSV, each made into cells by us; to be read after the commit, like the others."""
    return _started(_lines(scope, query, header, cells, database_url))


def _lines(
    scope: Scope, query: Select[Any], header: Sequence[str], cells: Callable[[Any], Sequence[str]], url: str
) -> Iterator[bytes]:
    statement, params = _compiled(query)
    block, size = [_line(header)], 0
    with (
        _own_connection(scope, url) as connection,
        connection.cursor(name="lines", row_factory=namedtuple_row) as cursor,
    ):
        cursor.itersize = 1_000
        cursor.execute(statement.encode(), params)
        for row in cursor:
            block.append(_line(cells(row)))
            size += len(block[-1])
            if size >= _BLOCK:
                yield b"".join(block)
                block, size = [], 0
    yield b"".join(block)


def _counted(query: Select[Any]) -> int:
    """How many rows that is, up to as many as tell a great export from a small one; milliseconds at any size."""
    some = query.with_only_columns(literal(1)).order_by(None).limit(_MOST_COUNTED)
    return db.session.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def _started(stream: Iterator[bytes]) -> Iterator[bytes]:
    """Reads the first blocks now, so that a query that fails becomes an error page and not a broken file."""
    first = next(stream, b"") + next(stream, b"")

    def whole() -> Iterator[bytes]:
        try:
            yield first
            yield from stream
        finally:
            stream.close()  # type: ignore[attr-defined]

    return whole()


def _copied(scope: Scope, url: str, query: Select[Any], header: bytes) -> Iterator[bytes]:
    """The rows as PostgreSQL writes them, with CRLF at the end of each, in blocks.

    An error in the middle is raised on: the server then breaks the connection off, and no browser takes the
    part that came for the whole.
    """
    statement, params = _compiled(query)
    statement = f"copy ({statement}) to stdout (format csv)"
    rows: list[Buffer] = []
    size = 0
    yield header
    with (
        _own_connection(scope, url) as connection,
        connection.cursor() as cursor,
        cursor.copy(statement.encode(), params) as copy,
    ):
        for row in copy:
            rows.append(row)
            size += len(row)
            if size >= _BLOCK:
                yield _with_crlf(rows)
                rows, size = [], 0
    yield _with_crlf(rows)


def _with_crlf(rows: Sequence[Buffer]) -> bytes:
    """The rows with the line ends of RFC 4180; line feeds inside of cells are none of ours."""
    block = b"".join(rows)
    if block.count(b"\n") == len(rows):
        return block.replace(b"\n", b"\r\n")
    return b"".join(bytes(row)[:-1] + b"\r\n" for row in rows)


def _refused(scope: Scope, import_id: UUID, run: int, headers: list[str], url: str) -> Iterator[bytes]:
    again = bool(headers) and headers[-1].casefold() == PROBLEM.casefold()
    own = headers[:-1] if again else headers
    with _own_connection(scope, url) as connection, connection.cursor(name="refused") as cursor:
        cursor.itersize = 1_000
        cursor.execute(_PROBLEMS, (import_id, run))
        block = [_line([*own, PROBLEM])]
        size = 0
        for cells, column, message in cursor:
            kept = cells[: len(own)] + [""] * (len(own) - len(cells)) + ([] if again else cells[len(own) :])
            sentence = f"{column}: {message}" if column and not message.startswith(f"{column}: ") else message
            # A row with more cells than headings keeps them behind the problem, so that nothing is lost.
            line = _line([*kept[: len(own)], sentence, *kept[len(own) :]])
            block.append(line)
            size += len(line)
            if size >= _BLOCK:
                yield b"".join(block)
                block, size = [], 0
        yield b"".join(block)


@contextmanager
def _own_connection(scope: Scope, url: str) -> Iterator[psycopg.Connection[Any]]:
    """One read-only transaction in the tenant, in the asker's zone, for at most a quarter of an hour."""
    settings: Mapping[str, str] = {
        "app.tenant_id": str(scope.tenant_id),
        "transaction_read_only": "on",
        "statement_timeout": f"{_MINUTES}min",
        "idle_in_transaction_session_timeout": f"{_MINUTES}min",
        "TimeZone": scope.zone,
        "DateStyle": "ISO",
        "jit": "off",  # compiling the expressions takes longer than running them a hundred thousand times
    }
    with _a_place(scope.tenant_id), psycopg.connect(libpq_url(url), connect_timeout=3) as connection:
        every = ", ".join(["set_config(%s, %s, true)"] * len(settings))
        connection.execute(f"select {every}".encode(), [part for pair in settings.items() for part in pair])
        yield connection


@contextmanager
def _a_place(tenant_id: UUID) -> Iterator[None]:
    """One of the few streams this process sends at once, and one of the fewer of a tenant. Raises TooManyDownloads."""
    with _streams_lock:
        if _streams.total() >= _MOST_STREAMS or _streams[tenant_id] >= _MOST_STREAMS_OF_A_TENANT:
            raise TooManyDownloads
        _streams[tenant_id] += 1
    try:
        yield
    finally:
        with _streams_lock:
            _streams[tenant_id] -= 1


def _compiled(query: Select[Any]) -> tuple[str, dict[str, Any]]:
    """The statement for psycopg, which binds COPY's parameters on the client: COPY takes none."""
    dialect = postgresql.psycopg.dialect()
    compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), dict(compiled.params)


def _text(scope: Scope, kind: RecordKind, spec: Field) -> ColumnElement[Any]:
    """A field as the text that an import reads back."""
    column: Any = getattr(kind.model, spec.name)
    match spec.type:
        case Boolean():
            return case((column, "yes"), else_="no")
        case DateTime():
            return _instant(column)
        case Person():
            return _person(scope, column)
        case Reference() as reference:
            return _named(column, {str(one.id): one.name for one in reference.load(scope)})
        case Tags():
            return _harmless(func.nullif(func.array_to_string(column, ", "), "", type_=Text))
        case Phone():
            return _APOSTROPHE.op("||")(column)  # E.164 begins with its plus sign, always
        case _ if isinstance(spec.type, _PLAIN):
            return column
        case _:
            return _harmless(column)


def _instant(column: Any) -> ColumnElement[Any]:
    """ISO 8601 in the transaction's zone, with its offset."""
    return func.to_char(column, literal_column("'YYYY-MM-DD\"T\"HH24:MI:SSTZH:TZM'"))


def _person(scope: Scope, column: Any) -> ColumnElement[Any]:
    """The address, which names one person only; looked up in a constant, since people are accounts' business."""
    return _named(column, {str(person.id): person.email or person.name for person in list_people(scope)})


def _named(column: Any, names: Mapping[str, str]) -> ColumnElement[Any]:
    return _harmless(cast(literal(json.dumps(names), Text), JSONB).op("->>")(cast(column, Text)))


def _harmless(column: Any) -> ColumnElement[Any]:
    """The text with an apostrophe in front of what a spreadsheet would run; in step with `formulas.neutralise`."""
    pattern: ColumnElement[str] = literal_column("'" + SQL_PATTERN.replace("'", "''") + "'")
    # Every such character comes before the letters, or is full-width: most texts are done with after one comparison.
    marked = case((column.op("~")(pattern), _APOSTROPHE.op("||")(column)), else_=column)
    return case((func.ascii(column).between(literal_column("65"), literal_column("65280")), column), else_=marked)


def _line(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([neutralise(cell) for cell in cells])
    return buffer.getvalue().encode("utf-8", "replace")
