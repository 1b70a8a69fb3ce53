"""Lists as CSV: equal to what is there, harmless in a spreadsheet, read back exactly."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal

import psycopg
import pytest

from app.core.errors import FairleadError
from app.core.transfer import exporting
from tests.transfer.importing import count, imported, leads, people

DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "'=1",
    "''=1",
    "'",
    "'x",
    '=HYPERLINK("http://x","a")',
    "plain",
    'a"b',
    "a,b",
]
FULL = (
    "First name,Last name,E-mail,Company,Value,Currency,Owner,Tags,Description,Opt out,Last contact,Follow up,Status\n"
)


def table(client, path: str) -> list[list[str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.get_data(as_text=True), newline="")))


def test_every_type_is_written_so_that_it_is_read_back(owner, run_jobs, admin):
    line = 'Ada,Lovelace,ada@example.com,"Engines, ""Ltd""",1250.5,EUR,agent@acme.example,"vip, x",'
    line += '"two\nlines",yes,2026-11-21T10:00:00Z,2026-12-01,lost\n'
    imported(owner, run_jobs, FULL + line)
    header, row = table(owner, "/leads/export.csv?columns=all")
    values = dict(zip(header, row, strict=True))
    assert values["Company"] == 'Engines, "Ltd"'
    assert (values["Estimated value"], values["Currency"]) == ("1250.50", "EUR")
    assert values["Owner"] == "agent@acme.example"
    assert values["Tags"] == "vip, x"
    assert values["Description"] == "two\nlines"
    assert values["Do not contact"] == "yes"
    assert values["Next follow-up"] == "2026-12-01"
    assert values["Status"] == "lost"
    moment = datetime.fromisoformat(values["Last contacted"])
    assert moment.utcoffset() is not None
    assert moment == datetime.fromisoformat("2026-11-21T10:00:00+00:00")
    columns = "first_name, last_name, email, company, estimated_value, currency, owner_id, tags, description"
    columns += ", do_not_contact, last_contacted_at, next_follow_up, status"
    before = leads(admin, columns)
    exported = owner.get("/leads/export.csv?columns=all").data
    admin.execute("delete from leads")
    imported(owner, run_jobs, exported)
    assert leads(admin, columns) == before
    assert before[0][4] == Decimal("1250.50")


def test_cells_a_spreadsheet_would_run_go_out_and_come_back(owner, run_jobs, admin):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["Last name", "E-mail", "Company", "Tags"])
    for number, text in enumerate(DANGEROUS):
        # What a file says as '=1 means =1: so that a text may begin with an apostrophe, it is written twice.
        writer.writerow(
            [
                exporting.neutralise(text),
                f"a{number}@example.com",
                exporting.neutralise(text),
                '=t"a\\g, {b}' if number == 0 else "",
            ]
        )
    imported(owner, run_jobs, stream.getvalue())
    stored = leads(admin, "company")
    assert sorted(row[0] for row in stored) == sorted(DANGEROUS)
    for row in table(owner, "/leads/export.csv?columns=all")[1:]:
        for cell in row:
            assert not cell or cell[0] not in "=+-@\t\r", cell
    exported = owner.get("/leads/export.csv?columns=all").data
    before = leads(admin, "email, last_name, company, tags")
    admin.execute("delete from leads")
    imported(owner, run_jobs, exported)
    assert leads(admin, "email, last_name, company, tags") == before


def test_the_export_is_the_list_on_the_screen(owner, run_jobs):
    text = "Name,Company,Status\nCy,B corp,new\nAda,A corp,lost\nBob,C corp,new\n"
    imported(owner, run_jobs, text)
    rows = table(owner, "/leads/export.csv?sort=company&columns=company,status&status=new")
    assert rows[0] == ["First name", "Last name", "Company", "E-mail", "Status"]
    assert [row[2] for row in rows[1:]] == ["B corp", "C corp"]
    assert [row[2] for row in table(owner, "/leads/export.csv?sort=-company")[1:]] == ["C corp", "B corp", "A corp"]
    assert [row[1] for row in table(owner, "/leads/export.csv?q=corp+cy")[1:]] == ["Cy"]
    assert "Currency" in table(owner, "/leads/export.csv?columns=estimated_value")[0]


def test_the_file_is_rfc_4180_and_named(owner, run_jobs):
    imported(owner, run_jobs, people(2))
    answer = owner.get("/leads/export.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="leads-2')
    assert answer.mimetype == "text/csv"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.data.count(b"\r\n") == answer.data.count(b"\n") == 3
    assert not answer.data.startswith(exporting.MARK)
    assert owner.get("/leads/export.csv?bom=1").data == exporting.MARK + answer.data
    assert "-selection-" in owner.get("/leads/export.csv?q=ann").headers["Content-Disposition"]


def test_an_empty_list_has_a_header(owner):
    rows = table(owner, "/leads/export.csv")
    assert len(rows) == 1


def test_many_blocks_are_one_table(owner, run_jobs):
    imported(owner, run_jobs, people(3_000))
    rows = table(owner, "/leads/export.csv?columns=all&sort=oldest")
    assert [row[2] for row in rows[1:]] == [f"ann{n}@example.com" for n in range(3_000)]


def test_who_took_what_stands_in_the_event_log(owner, admin):
    owner.get("/leads/export.csv?status=new&columns=company")
    ((data, actor),) = admin.execute("select data, actor_name from events where type = 'lead.exported'").fetchall()
    assert data["columns"] == ["first_name", "last_name", "company", "email"]
    assert "status=new" in data["query"]
    assert actor


def test_permissions_and_tenants(owner, viewer, stranger, run_jobs):
    imported(owner, run_jobs, people(2))
    assert viewer.get("/leads/export.csv").status_code == 403
    assert len(table(stranger, "/leads/export.csv")) == 1
    assert len(table(owner, "/leads/export.csv")) == 3


def test_a_deleted_lead_is_not_exported(owner, run_jobs, admin):
    imported(owner, run_jobs, people(2))
    admin.execute("update leads set deleted_at = now() where email = 'ann0@example.com'")
    assert [row[3] for row in table(owner, "/leads/export.csv")[1:]] == ["ann1@example.com"]
    assert count(admin) == 2


def test_a_stream_that_breaks_does_not_end_like_a_whole_one(owner, run_jobs, app, inside, acme, admin, monkeypatch):
    """The connection dies after the first block: the reader gets an error, not a shorter file."""
    from app.core.records.fields import ParseContext
    from app.core.records.listing import read
    from app.leads.definition import LEADS

    monkeypatch.setattr(exporting, "_BLOCK", 2_000)
    imported(owner, run_jobs, people(5_000))
    with inside(acme):
        request = read(LEADS, {}, ParseContext(acme))
        url = app.extensions["fairlead.settings"].database_url
        stream = exporting.export_records(acme, LEADS, request, everything=True, database_url=url)
        assert next(stream)
    ended = admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and query like 'copy (SELECT%'"
    ).fetchall()
    assert ended
    with pytest.raises((psycopg.Error, FairleadError)):
        for _ in stream:
            pass


def test_a_query_that_fails_is_an_error_page_and_not_a_file(owner, app, monkeypatch):
    monkeypatch.setattr(exporting, "_instant", lambda column: exporting.literal_column("1/0"))
    answer = owner.get("/leads/export.csv?columns=all")
    assert answer.status_code >= 500
    assert "attachment" not in answer.headers.get("Content-Disposition", "")


def test_an_abandoned_stream_gives_its_connection_back(owner, run_jobs, app, inside, acme, admin, monkeypatch):
    from app.core.records.fields import ParseContext
    from app.core.records.listing import read
    from app.leads.definition import LEADS

    monkeypatch.setattr(exporting, "_BLOCK", 2_000)
    imported(owner, run_jobs, people(5_000))
    with inside(acme):
        request = read(LEADS, {}, ParseContext(acme))
        url = app.extensions["fairlead.settings"].database_url
        stream = exporting.export_records(acme, LEADS, request, everything=True, database_url=url)
        next(stream)
        stream.close()
    left = admin.execute(
        "select count(*) from pg_stat_activity "
        "where datname = current_database() and state = 'active' and query like 'copy (SELECT%'"
    ).fetchone()
    assert left[0] == 0
