"""Imports driven the way a browser does, and their state looked up behind the pages."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.support.clients import PageClient, PageResponse

HEADER = "First name,Last name,E-mail,Phone,Company,Tags,Description\r\n"


@dataclass
class Upload:
    """One import, by its pages."""

    client: PageClient
    url: str

    @property
    def id(self) -> UUID:
        return UUID(self.url.rpartition("/")[2])

    def page(self, query: str = "") -> PageResponse:
        response = self.client.get(self.url + query)
        assert response.status_code == 200
        return response

    def post(self, what: str, data: dict[str, Any] | None = None) -> PageResponse:
        return self.client.submit(f"{self.url}/{what}", data)

    def form(self, **changes: str) -> dict[str, str]:
        """The mapping form as the page fills it in."""
        soup = self.page("?mapping=1").soup
        form = {"duplicates": "skip"}
        for select in soup.select("#mapping select"):
            chosen = select.select_one("option[selected]")
            form[str(select["name"])] = str(chosen["value"]) if chosen else ""
        return form | changes

    def check(self, **changes: str) -> None:
        response = self.post("mapping", self.form(**changes))
        assert response.status_code == 303, response.problems

    def start(self) -> None:
        assert self.post("start").status_code == 303

    def tiles(self) -> dict[str, int]:
        """The counts on the page, by label."""
        found = {}
        for tile in self.page().soup.select(".tiles > *"):
            words = tile.get_text("|", strip=True).split("|")
            number = next(word for word in words if word.replace(",", "").isdigit())
            label = next(word for word in words if word != number)
            found[label] = int(number.replace(",", ""))
        return found


def send(
    client: PageClient, content: bytes, name: str = "leads.csv", token: UUID | None = None, kind: str = "leads"
) -> PageResponse:
    """POSTs the upload form."""
    data = {"csrf_token": client.csrf(), "token": str(token or uuid4()), "file": (io.BytesIO(content), name)}
    return client.post(f"/{kind}/imports", data=data)


def upload(client: PageClient, content: bytes | str, name: str = "leads.csv", kind: str = "leads") -> Upload:
    response = send(client, content.encode() if isinstance(content, str) else content, name, kind=kind)
    assert response.status_code == 303, response.problems
    return Upload(client, response.headers["Location"])


def imported(client: PageClient, run_jobs: Any, content: bytes | str, *, kind: str = "leads", **choices: str) -> Upload:
    """Uploaded, checked and imported."""
    made = upload(client, content, kind=kind)
    made.check(**choices)
    run_jobs()
    made.start()
    run_jobs()
    assert "Imported" in made.page().text_of("#import_state"), made.page().text_of("#import_state")
    return made


def rows(*people: str) -> str:
    """A file with these lines below the usual heading."""
    return HEADER + "".join(f"{person}\r\n" for person in people)


def people(count: int, *, start: int = 0, company: str = "Acme") -> str:
    """A file of that many different people."""
    return rows(*(f"Ann,Number {n},ann{n}@example.com,,{company},," for n in range(start, start + count)))


def leads(
    admin: psycopg.Connection[Any], columns: str = "first_name, last_name, email, company"
) -> list[tuple[Any, ...]]:
    """What is in the table, by e-mail, seen past the policies."""
    return admin.execute(f"select {columns} from leads where deleted_at is null order by email, id".encode()).fetchall()


def count(admin: psycopg.Connection[Any], table: str = "leads") -> int:
    found = admin.execute(f"select count(*) from {table}".encode()).fetchone()
    assert found is not None
    return found[0]
