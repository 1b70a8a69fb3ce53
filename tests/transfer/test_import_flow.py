"""Imports from upload to undo, through the pages, on real servers."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from tests.transfer.importing import HEADER, count, imported, leads, people, rows, send, upload

US500 = Path(__file__).resolve().parents[3] / "shared" / "data" / "contacts_us500" / "us-500.csv"
ACCOUNTS = US500.parents[1] / "crm_maven_sales" / "accounts.csv"


def test_a_file_is_checked_before_anything_is_imported(owner, run_jobs, admin):
    made = upload(owner, rows("Ada,Lovelace,ada@example.com,,,,", "Bob,,not-an-address,,,,", ",,,,,vip,"))
    assert made.page().texts("#mapping tbody td:first-child") == HEADER.strip().split(",")
    made.check()
    assert "Being checked" in made.page().text_of("#import_state")
    run_jobs()
    assert made.tiles() == {"Will be created": 1, "Will be updated": 0, "Will be skipped": 0, "Refused": 2}
    assert count(admin) == 0
    lines = made.page().texts("#refused tbody tr")
    assert lines[0].startswith("3 E-mail “not-an-address” is not an e-mail address")
    assert lines[1] == "4 Last name Give at least a name, a company or an e-mail address."
    made.start()
    run_jobs()
    assert made.tiles() == {"Created": 1, "Updated": 0, "Skipped": 0, "Refused": 2}
    assert leads(admin) == [("Ada", "Lovelace", "ada@example.com", None)]


def test_the_real_contacts_come_in_go_out_equal_and_are_taken_back(owner, run_jobs, admin):
    if not US500.exists():
        pytest.skip("the shared data is not here")
    made = imported(owner, run_jobs, US500.read_bytes())
    assert made.tiles() == {"Created": 500, "Updated": 0, "Skipped": 0, "Refused": 0}
    exported = list(
        csv.DictReader(io.StringIO(owner.get("/leads/export.csv?columns=all&sort=oldest").get_data(as_text=True)))
    )
    original = list(csv.DictReader(io.StringIO(US500.read_text())))
    same = {"First name": "first_name", "Last name": "last_name", "Company": "company_name", "E-mail": "email"}
    same |= {"Street": "address", "City": "city", "State or region": "state", "Postal code": "zip", "Website": "web"}
    # Two spaces in a row are one in a short text of ours; one address of the file has them.
    wanted = [[" ".join(row[into].split()) for into in same.values()] for row in original]
    assert [[row[out] for out in same] for row in exported] == wanted
    assert [row["Phone"] for row in exported] == ["'+1" + row["phone1"].replace("-", "") for row in original]
    made.post("undo")
    run_jobs()
    assert made.tiles() == {"Removed": 500, "Restored": 0, "Kept": 0}
    assert count(admin) == 0
    assert count(admin, "import_changes") == 0


def test_accounts_without_people_come_in(owner, run_jobs, admin):
    if not ACCOUNTS.exists():
        pytest.skip("the shared data is not here")
    made = imported(owner, run_jobs, ACCOUNTS.read_bytes())
    expected = len(list(csv.reader(ACCOUNTS.open()))) - 1
    assert made.tiles()["Created"] == expected
    assert made.tiles()["Refused"] == 0
    values = leads(admin, "company, estimated_value, currency")
    assert all(currency == "USD" for _, value, currency in values if value is not None)
    assert sum(value is not None for _, value, _ in values) == expected


@pytest.mark.parametrize(
    ("choice", "created", "updated", "skipped", "company"),
    [("skip", 1, 0, 2, "Old"), ("update", 1, 2, 0, "Newest"), ("create", 3, 0, 0, None)],
)
def test_rows_that_are_there_already(owner, run_jobs, admin, choice, created, updated, skipped, company):
    imported(owner, run_jobs, rows("Ann,Kept,ann@example.com,,Old,first,"))
    text = rows("Ann,,ANN@example.com,,New,,", "Eve,New,eve@example.com,,,,", ",,ann@example.com,,Newest,,")
    made = imported(owner, run_jobs, text, duplicates=choice)
    assert made.tiles() == {"Created": created, "Updated": updated, "Skipped": skipped, "Refused": 0}
    if company:
        ann = [
            row
            for row in leads(admin, "email, first_name, last_name, company, tags")
            if row[0].lower() == "ann@example.com"
        ]
        assert [row[1:] for row in ann] == [("Ann", "Kept", company, ["first"])]
    else:
        assert sorted(row[3] for row in leads(admin) if row[2].lower() == "ann@example.com") == ["New", "Newest", "Old"]


@pytest.mark.parametrize("choice", ["skip", "update", "create"])
def test_the_check_says_what_the_import_then_does(owner, run_jobs, choice, monkeypatch):
    """Also for rows that are twice in one file, in one chunk and in two."""
    monkeypatch.setattr("app.core.transfer.running.lease.CHUNK", 1_000)
    imported(owner, run_jobs, people(3))
    text = (
        people(2_500)
        + "Bea,Twice,bea@example.com,,One,,\r\nBea,Twice,bea@example.com,,Two,,\r\n"
        + "Ann,Again,ann7@example.com,,Two,,\r\n"
    )
    made = upload(owner, text)
    made.check(duplicates=choice)
    run_jobs()
    promised = [number for _, number in made.tiles().items()]
    made.start()
    run_jobs()
    kept = [number for _, number in made.tiles().items()]
    if choice == "update":
        # Three rows say just what is there; only the import looks into records that the file itself made.
        assert promised[0] == kept[0] == 2_498
        assert sum(promised) == sum(kept) == 2_503
    else:
        assert promised == kept


def test_an_update_overwrites_filled_cells_only_and_is_restored(owner, run_jobs, admin):
    whole = "last_name, job_title, estimated_value, currency, next_follow_up, tags, name_key, search::text"
    imported(
        owner,
        run_jobs,
        "Email,Last name,Job title,Value,Follow up,Tags\nann@example.com,Lee,Buyer,1250.50,2026-12-01,a\n",
    )
    before = leads(
        admin,
        whole,
    )
    made = imported(
        owner,
        run_jobs,
        "Email,Last name,Job title,Value,Status\nann@example.com,,CEO,99,lost\n",
        duplicates="update",
        tag="fair",
    )
    after = leads(admin, "last_name, job_title, estimated_value::text, status, tags, version")
    assert after == [("Lee", "CEO", "99.00", "new", ["a", "fair"], 2)]
    made.post("undo")
    run_jobs()
    assert made.tiles() == {"Removed": 0, "Restored": 1, "Kept": 0}
    assert (
        leads(
            admin,
            whole,
        )
        == before
    )
    (lead,) = leads(admin, "id")
    timeline = owner.get(f"/leads/{lead[0]}").text_of("#timeline")
    assert "CEO" in timeline
    assert "99" in timeline


def test_what_was_edited_since_is_kept(owner, run_jobs, admin):
    made = imported(owner, run_jobs, people(3))
    lead = leads(admin, "id, version")[0]
    edited = owner.submit(f"/leads/{lead[0]}/fields/company", {"company": "Mine", "version": str(lead[1])})
    assert edited.status_code == 303
    made.post("undo")
    run_jobs()
    assert made.tiles() == {"Removed": 2, "Restored": 0, "Kept": 1}
    assert [row[3] for row in leads(admin)] == ["Mine"]
    assert "changed or deleted them since" in made.page().text_of("#import_state")


def test_an_edit_between_two_imports_of_one_record_is_kept(owner, run_jobs, admin):
    imported(owner, run_jobs, people(1))
    made = imported(owner, run_jobs, people(1, company="Second"), duplicates="update")
    lead = leads(admin, "id, version")[0]
    owner.submit(f"/leads/{lead[0]}/fields/company", {"company": "Third", "version": str(lead[1])})
    made.post("undo")
    run_jobs()
    assert made.tiles() == {"Removed": 0, "Restored": 0, "Kept": 1}
    assert leads(admin, "company") == [("Third",)]


def test_notes_go_with_the_records_they_are_on(owner, run_jobs, admin):
    made = imported(owner, run_jobs, people(2))
    (lead, _) = leads(admin, "id")
    owner.submit(f"/leads/{lead[0]}/notes", {"body": "Called."})
    assert count(admin, "notes") == 1
    made.post("undo")
    run_jobs()
    assert (count(admin), count(admin, "notes")) == (0, 0)


def test_the_same_form_sent_twice_is_one_import(owner, admin):
    token = uuid4()
    first, second = (send(owner, people(1).encode(), token=token) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert count(admin, "imports") == 1


def test_two_starts_at_once_import_once(app, as_role, run_jobs, admin):
    clients = [as_role("owner"), as_role("manager")]
    made = upload(clients[0], people(50))
    made.check(duplicates="create")
    run_jobs()
    for client in clients:
        client.csrf()
    barrier, answers = threading.Barrier(2), []

    def press(client):
        barrier.wait()
        answers.append(client.submit(f"{made.url}/start", check=False).status_code)

    threads = [threading.Thread(target=press, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303, 303]
    run_jobs()
    assert count(admin) == 50
    assert made.tiles()["Created"] == 50


def test_a_file_imported_before_is_pointed_out(owner, run_jobs):
    imported(owner, run_jobs, people(2))
    again = upload(owner, people(2))
    text = again.page().text_of("#import_state")
    assert "This very file was imported before" in text
    assert "2 created" in text


def test_the_mapping_is_remembered_for_files_with_the_same_headings(owner, run_jobs):
    first = upload(owner, "Who,Mail\nAda,ada@example.com\n")
    assert first.form()["column-0"] == ""
    first.check(**{"column-0": "last_name", "remember": "1"})
    assert upload(owner, "Mail,Who\nbob@example.com,Bob\n").form()["column-1"] == "last_name"


def test_a_bad_mapping_keeps_the_choices(owner):
    made = upload(owner, people(1))
    twice = made.post("mapping", made.form(**{"column-1": "first_name", "duplicates": "update", "tag": "fair"}))
    assert twice.status_code == 422
    assert len(twice.problems) == 2
    assert twice.soup.select_one("#column-1 option[selected]")["value"] == "first_name"
    assert twice.soup.select_one("#mapping input[name=duplicates][checked]")["value"] == "update"
    assert twice.soup.select_one("#tag")["value"] == "fair"
    nothing = made.post("mapping", made.form(**{f"column-{n}": "" for n in range(5)}))
    assert nothing.status_code == 422
    assert "who or what it is" in nothing.problems[0]
    unknown = made.post("mapping", made.form(**{"column-0": "tenant_id"}))
    assert unknown.status_code == 422


def test_refused_rows_are_mended_and_imported_again(owner, run_jobs, admin):
    bad = rows(
        '=cmd,One,one@example,,"Ltd, Inc",,', "Two,Two,two@example.com,12,,,", "Three,Fine,three@example.com,,,,"
    )
    made = imported(owner, run_jobs, bad)
    assert made.tiles()["Refused"] == 2
    answer = owner.get(f"{made.url}/refused.csv")
    text = answer.get_data(as_text=True)
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert table[0] == [*HEADER.strip().split(","), "Problem"]
    assert table[1][0] == "'=cmd"
    assert table[1][4] == "Ltd, Inc"
    assert "is not an e-mail address" in table[1][7]
    assert "is not a possible phone number" in table[2][7]
    mended = text.replace("one@example", "one@example.com").replace(",12,", ",,")
    again = imported(owner, run_jobs, mended)
    assert again.tiles() == {"Created": 2, "Updated": 0, "Skipped": 0, "Refused": 0}
    assert [row[0] for row in leads(admin)] == ["=cmd", "Three", "Two"]


def test_columns_without_a_field_go_into_the_description(owner, run_jobs, admin):
    text = "Email,Shoe size,Notes\nann@example.com,38,Nice\n"
    made = imported(owner, run_jobs, text, **{"column-1": "+description"})
    assert leads(admin, "description") == [("Nice\nShoe size: 38",)]
    imported(
        owner, run_jobs, "Email,Shoe size\nann@example.com,38\n", **{"column-1": "+description", "duplicates": "update"}
    )
    assert leads(admin, "description, version") == [("Nice\nShoe size: 38", 1)]
    assert made.page().status_code == 200


def test_owner_tag_status_and_dates(owner, run_jobs, admin):
    text = "Name,Owner,Status,Follow up\nAda,agent@acme.example,qualified,3/4/2026\nBob,,,\nCy,nobody@acme.example,,\n"
    manager = admin.execute("select id from users where email = 'manager@acme.example'").fetchone()[0]
    made = imported(owner, run_jobs, text, owner_id=str(manager), tag="fair", day_first="1")
    found = admin.execute(
        "select last_name, u.email, status, next_follow_up::text, tags "
        "from leads l join users u on u.id = l.owner_id order by 1"
    ).fetchall()
    assert found == [
        ("Ada", "agent@acme.example", "qualified", "2026-04-03", ["fair"]),
        ("Bob", "manager@acme.example", "new", None, ["fair"]),
    ]
    assert made.page().texts("#refused tbody tr") == ["4 Owner Owner: nobody here is called “nobody@acme.example”."]


def test_cancelled_before_it_is_started(owner, run_jobs, admin, app):
    made = upload(owner, people(1))
    assert stored_file(app, admin).exists()
    made.post("cancel")
    assert "Cancelled" in made.page().text_of("#import_state")
    assert made.post("start").status_code == 303
    run_jobs()
    assert count(admin) == 0
    assert not stored_file(app, admin).exists()


def stored_file(app, admin) -> Path:
    key = admin.execute("select file_key from imports").fetchone()[0]
    return app.extensions["fairlead.settings"].files_dir / key


def test_the_running_page_polls_and_the_finished_one_does_not(owner, run_jobs):
    made = upload(owner, people(1))
    made.check()
    link = made.page().soup.select_one("#import_refresh")
    assert link["hx-get"] == link["href"] == made.url
    assert "every 1s" in link["hx-trigger"]
    fragment = owner.fragment(made.url, target="import_state")
    assert fragment.soup.find("html") is None
    assert fragment.soup.select_one("progress") is not None
    run_jobs()
    done = owner.fragment(made.url, target="import_state")
    assert done.soup.select_one("[hx-trigger]") is None
    assert "Import now" in done.get_data(as_text=True)


def test_strangers_find_nothing_and_viewers_may_not(owner, stranger, viewer, run_jobs):
    made = imported(owner, run_jobs, rows("Ann,,bad,,,,", "Bea,Fine,,,,,"))
    path = made.url.removeprefix("/t/acme")
    for client, status in ((stranger, 404), (viewer, 403)):
        assert client.get(path).status_code == status
        assert client.get(f"{path}/refused.csv").status_code == status
        for verb in ("mapping", "reading", "start", "cancel", "undo"):
            assert client.submit(f"{path}/{verb}").status_code == status, verb
    assert viewer.get("/leads/imports").status_code == 403
    assert stranger.get("/leads/imports").texts("tbody tr") == []
    assert made.tiles()["Created"] == 1


def test_the_template_is_read_back_whole(owner, agent):
    answer = owner.get("/leads/imports/template.csv")
    made = upload(owner, answer.data + b"\r\n")
    assert all(made.form()[f"column-{n}"] for n in range(len(answer.get_data(as_text=True).split(","))))
    assert "has a header but no rows" in made.page().text_of("#import_state")
    assert agent.get("/leads/imports/new").status_code == 403


def test_the_list_of_imports(owner, run_jobs):
    assert "Nothing was imported yet" in owner.get("/leads/imports").get_data(as_text=True)
    imported(owner, run_jobs, people(2))
    (line,) = owner.get("/leads/imports").texts("tbody tr")
    assert line.startswith("leads.csv Imported")
