"""Everything is killed with -9 while people work: what was accepted is there once, and the rest is said.

How long each recovery may take is asserted here and stated in docs/reliability.md.
"""

from __future__ import annotations

import concurrent.futures
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress

import psycopg
import pytest
import requests

from app.config import ROOT
from tests.faults.conftest import House, Visitor, until
from tests.transfer.importing import people

ROWS = 30_000
ALL = ("web", "worker", "scheduler")


def _imported(house: House, visitor: Visitor, company: str) -> str:
    """A large import that has begun to write."""
    path = visitor.upload(people(ROWS, company=company).replace("ann", company.lower()))
    until(lambda: house.ask(f"select state from imports where id = '{path[-36:]}'") == "checked", 60)
    assert visitor.post(f"{path}/start").status_code == 303
    until(lambda: house.ask(f"select next_row from imports where id = '{path[-36:]}'") > 0, 30)
    return path


def _is_whole(house: House, path: str, company: str, seconds: float) -> float:
    took = until(lambda: house.ask(f"select state from imports where id = '{path[-36:]}'") == "imported", seconds)
    distinct = "select count(*)::text || ' ' || count(distinct import_row)::text from leads"
    assert house.ask(f"{distinct} where company = '{company}'") == f"{ROWS} {ROWS}"
    return took


@pytest.mark.parametrize("victim", ["worker", "postgres", "redis", "everything"])
def test_an_import_survives(house: House, visitor: Visitor, victim: str) -> None:
    company = f"Co{victim}"
    path = _imported(house, visitor, company)
    before = house.ask(f"select next_row from imports where id = '{path[-36:]}'")
    if victim in ("worker", "everything"):
        house.site.kill("worker")
    if victim == "everything":
        house.site.kill("web")
        house.site.kill("scheduler")
    for server in ("postgres", "redis"):
        if victim in (server, "everything"):
            house.kill_server(server)
    time.sleep(1)
    house.start_servers()
    gone = [name for name in ALL if name not in house.site.processes]
    if gone:
        house.site.start(*gone)
    assert before < ROWS, "it was too fast to be killed in the middle"
    took = _is_whole(house, path, company, 100)
    print(f"\n{victim}: whole {took:.1f} s after the servers were back")


def test_an_undo_survives_the_worker(house: House, visitor: Visitor) -> None:
    path = _imported(house, visitor, "Undone")
    _is_whole(house, path, "Undone", 60)
    assert visitor.post(f"{path}/undo").status_code == 303
    until(lambda: house.ask(f"select removed from imports where id = '{path[-36:]}'") > 0, 30)
    house.site.kill("worker")
    house.site.start("worker")
    until(lambda: house.ask(f"select state from imports where id = '{path[-36:]}'") == "undone", 100)
    assert house.ask("select count(*) from leads where company = 'Undone'") == 0


@pytest.mark.parametrize("victim", ["postgres", "redis", "web"])
def test_every_write_that_was_answered_is_there_once(house: House, visitor: Visitor, victim: str) -> None:
    """Four people add leads without a pause; answers are 303, 503 or a broken connection, nothing else."""
    accepted: list[str] = []
    refused: set[object] = set()
    stop = time.monotonic() + 8

    def work(number: int) -> None:
        count = 0
        while time.monotonic() < stop:
            count += 1
            name = f"W{victim}{number}x{count}"
            try:
                answer = visitor.post("/leads/", {"last_name": name})
            except requests.RequestException as broken:
                refused.add(type(broken).__name__)
                time.sleep(0.1)
                continue
            if answer.status_code == 303:
                accepted.append(name)
            else:
                refused.add(answer.status_code)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        busy = [pool.submit(work, number) for number in range(4)]
        time.sleep(2)
        if victim == "web":
            house.site.kill("web")
            house.site.start("web")
        else:
            house.kill_server(victim)
            time.sleep(1)
            house.start_servers()
        back = time.monotonic()
        recovered = until(lambda: visitor.get("/leads/?q=x").status_code == 200, 20)
        for one in busy:
            one.result()
    assert back + recovered < stop + 20
    assert recovered < 10
    assert refused <= {503, "ConnectionError", "ReadTimeout", "ChunkedEncodingError"}, refused
    assert victim != "redis" or not refused, "Redis is needed for no write"
    assert len(accepted) > 20
    stored = f"select string_agg(last_name, ' ') from leads where last_name like 'W{victim}%'"
    found = (house.ask(stored) or "").split()
    assert len(found) == len(set(found)), "doubled"
    assert set(accepted) <= set(found), f"lost {len(set(accepted) - set(found))}"
    events = f"select count(*) from events e join leads l on l.id = e.subject_id where l.last_name like 'W{victim}%'"
    assert house.ask(events) == len(found), "each has its event"
    print(f"\n{victim}: answered again after {recovered:.1f} s, {len(accepted)} accepted, refused as {refused}")


def test_redis_flushed_loses_no_work(house: House, visitor: Visitor) -> None:
    house.site.kill("worker")
    for number in range(10):
        assert visitor.post("/leads/", {"last_name": f"Flushed{number}"}).status_code == 303
    assert house.ask("select count(*) from outbox") > 0
    house.redis().flushall()
    house.site.start("worker")
    took = until(lambda: house.ask("select count(*) from outbox") == 0, 60)
    assert visitor.get("/leads/").status_code == 200, "nobody is signed out by it"
    print(f"\nRedis emptied: everything due was done after {took:.1f} s")


def test_the_product_starts_without_redis(house: House, visitor: Visitor) -> None:
    for name in ALL:
        house.site.kill(name)
    house.kill_server("redis")
    house.site.start(*ALL)
    # Health is 503 without Redis, so it is the page that tells.
    until(lambda: visitor.get("/leads/").status_code == 200, 30)
    assert visitor.post("/leads/", {"last_name": "Born without Redis"}).status_code == 303
    assert requests.get(f"{house.site.address}/api/health", timeout=10).json()["down"] == ["cache", "queue"]
    assert all(house.site.processes[name].poll() is None for name in ALL), "they wait, they do not end"
    house.start_servers()
    until(lambda: house.ask("select count(*) from outbox") == 0, 60)


def test_sigterm_lets_a_request_finish(house: House, visitor: Visitor) -> None:
    """The export that is under way arrives whole; then the process is gone."""
    whole = visitor.get("/leads/export.csv?columns=all").content
    assert len(whole) > 200_000, "too small to be under way for long"
    answer = visitor.session.get(f"{visitor.root}/leads/export.csv?columns=all", stream=True, timeout=30)
    coming = answer.iter_content(10_000)
    first = next(coming)
    house.site.processes["web"].send_signal(signal.SIGTERM)
    time.sleep(0.5)
    rest = b"".join(coming)
    assert len(first + rest) == len(whole)
    assert house.site.processes.pop("web").wait(15) == 0


def test_a_download_that_nobody_reads_is_cut_off(house: House, visitor: Visitor) -> None:
    """Its connection to the database is free again after the web server's patience (3 s here, a minute otherwise)."""
    host, _, port = house.site.address.removeprefix("http://").partition(":")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.session.cookies)
    copying = "select count(*) from pg_stat_activity where query ilike 'copy (%' and state = 'active' "
    copying += "and backend_type = 'client backend'"  # its parallel helpers show the same query
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect((host, int(port)))
        ask = f"GET /t/acme/leads/export.csv?columns=all HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookies}\r\n\r\n"
        lazy.sendall(ask.encode())
        lazy.settimeout(30)
        assert lazy.recv(12) == b"HTTP/1.1 200"
        assert house.ask(copying) == 1, "it was not held in the first place"
        until(lambda: house.ask(copying) == 0, 20)


def test_a_worker_killed_in_the_middle_of_a_bulk_edit_of_the_web(house: House, visitor: Visitor) -> None:
    """kill -9 of the web process: a bulk edit is all or nothing."""
    until(lambda: house.ask("select count(*) from leads where deleted_at is null") > 1_000)
    form = {"action": "tag", "all_matching": "1", "tags": "bulked"}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(visitor.post, "/leads/bulk?q=Flushed", form)
        time.sleep(0.05)
        house.site.kill("web")
        with suppress(requests.RequestException):
            sent.result()
    house.site.start("web")
    tagged = house.ask("select count(*) from leads where 'bulked' = any(tags)")
    assert tagged in (0, 10)
    locks = "select count(*) from pg_locks l join pg_stat_activity a using (pid) where a.usename = 'fairlead_app' "
    until(lambda: house.ask(locks + "and l.locktype = 'tuple'") == 0)


def test_a_disk_that_is_full(house: House, visitor: Visitor) -> None:
    """Uploads onto a file system of one megabyte: said in words, nothing half kept, and well again afterwards."""
    folder = house.state / "files"
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount; tests/core/test_disk_full.py shows the same without")
    try:
        file = {"file": ("leads.csv", people(60_000).encode())}
        answer = visitor.post("/leads/imports", files=file)
        assert answer.status_code == 507
        assert "no room left" in answer.text
        assert [path for path in folder.rglob("*") if path.is_file()] == []
        assert visitor.get("/leads/").status_code == 200
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert visitor.upload(people(3))


def test_the_clock_jumps(house: House, visitor: Visitor) -> None:
    """A lease that seems to have lapsed is taken over, and the first worker's chunk is refused: nothing doubles."""
    path = _imported(house, visitor, "Jump")
    with house.admin() as admin:
        for _ in range(5):
            admin.execute("update imports set lease_until = now() - interval '1 hour' where state = 'importing'")
            time.sleep(0.3)
    _is_whole(house, path, "Jump", 100)


def test_two_make_runs_and_a_taken_port(house: House) -> None:
    port = house.site.address.rpartition(":")[2]
    environment = {**os.environ, "FAIRLEAD_STATE": str(house.state), "PORT": port}
    command = [str(ROOT / ".venv/bin/python"), "deploy/local/run.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is already in use" in done.stderr
    assert requests.get(f"{house.site.address}/api/health", timeout=10).status_code == 200, "the first goes on"


def test_postgresql_away_is_503_within_bounds(house: House, visitor: Visitor) -> None:
    house.kill_server("postgres")
    began = time.monotonic()
    answers = [visitor.post("/leads/", {"last_name": "No"}).status_code for _ in range(5)]
    assert set(answers) == {503}
    assert time.monotonic() - began < 10
    with pytest.raises(psycopg.OperationalError):
        house.ask("select 1")
    house.start_servers()
    assert until(lambda: visitor.get("/leads/?q=y").status_code == 200) < 10
    assert house.ask("select count(*) from leads where last_name = 'No'") == 0
