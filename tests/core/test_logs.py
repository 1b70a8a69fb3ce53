"""Claim 33: what must not stand in a log does not, and input cannot forge a line."""

import io
import json
import logging

import pytest
import structlog

from app.core import logs
from tests.support.servers import with_settings

SECRETS = [
    "ada.lovelace@example.com",
    "Ada@Bücher.example",
    "ada%40example.com",
    "+1 (555) 123-4567",
    "555-123-4567",
    "+49 30 901820",
    "0041 44 668 18 00",
    "5551234567",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s3cr3tsignature",
    "Bearer abcdef0123456789",
    "sk-proj-a8Kq29sLmZ01bTyQ77vUwX",
    "AKIAIOSFODNN7EXAMPLE1234",
    "0123456789abcdef0123456789abcdef",
    "q3Jk9XzP1mN8vB2cL5sD7fG4hT6yR0wE-_aUiOpQrSt",
]
HARMLESS = [
    "01a1fd48-c4d4-70e3-9b5e-1a656ef87f53",
    "/t/acme/leads?status=new&page=2",
    "2026-11-21T08:46:07.050360Z",
    "2026-11-21 08:46:07",
    "127.0.0.1",
    "192.168.100.200",
    "took 12.3456 ms for 1234567 rows",
    "test_claim_02_definer_functions_are_listed_and_fixed",
    "app.core.transfer.reading.delimited",
]


@pytest.fixture(params=["json", "console"])
def lines(request, settings):
    """Whatever is logged inside, as written."""
    logs.configure(with_settings(settings, log_format=request.param, log_level="INFO"))
    (ours,) = [handler for handler in logging.getLogger().handlers if handler.get_name() == "fairlead"]
    stream = io.StringIO()
    ours.setStream(stream)
    yield lambda: stream.getvalue()
    logs.configure(settings)


@pytest.mark.parametrize("secret", SECRETS)
def test_claim_33_secrets_are_masked_wherever_they_stand(lines, secret):
    log = logging.getLogger("try")
    log.warning("hello %s there", secret)
    log.warning("extra", extra={"note": f"call {secret} now", "nested": {"deep": [f"x {secret}"]}})
    structlog.get_logger("try").warning("native", value=f"to {secret}.")
    try:
        raise ValueError(f"cannot use {secret} here")
    except ValueError:
        log.exception("failed")
    assert lines().count("hello") == 1
    assert secret not in lines()


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "api_key", "Authorization", "csrf_token", "cookie", "refresh_token", "client_secret"],
)
def test_claim_33_what_is_called_a_secret_is_one(lines, name):
    logging.getLogger("try").warning("it", extra={name: "hunter2"})
    logging.getLogger("try").warning(f"{name}=hunter2 and {name}: 'hunter2'")
    assert "hunter2" not in lines()


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays_readable(text):
    assert logs.mask(text) == text


def test_an_address_with_a_password_in_it():
    assert logs.mask("postgresql://fairlead_app:hunter2@db:5432/x") == "postgresql://fairlead_app:***@db:5432/x"


@pytest.mark.parametrize(
    "evil", ["a\n2026-01-01 [info] forged", "a\r\nforged", "a\u2028forged", "a\x1b[2Jforged", "a\x00forged"]
)
def test_claim_33_newlines_cannot_forge_a_line(lines, evil):
    log = logging.getLogger("try")
    log.warning(evil)
    log.warning("it", extra={"path": evil, evil: "key"})
    try:
        raise ValueError(evil)
    except ValueError:
        log.exception("failed")
    for line in lines().splitlines():
        assert not line.startswith(("forged", "2026-01-01")), line
    assert "\x1b" not in lines()
    assert "\x00" not in lines()


def test_json_is_one_object_per_line(settings):
    logs.configure(with_settings(settings, log_format="json", log_level="INFO"))
    (ours,) = [handler for handler in logging.getLogger().handlers if handler.get_name() == "fairlead"]
    stream = io.StringIO()
    ours.setStream(stream)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("try").exception("failed", extra={"rows": 3})
    logs.configure(settings)
    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert record["event"] == "failed"
    assert record["rows"] == 3
    assert record["level"] == "error"


def test_masking_is_fast_on_long_text():
    """A pattern that backtracks would let one request hold up the process."""
    from time import thread_time

    for text in ("a" * 20_000, "1" * 20_000, "a@" * 10_000, "(1) " * 5_000, "+" * 20_000, "a-1_" * 5000):
        began = thread_time()
        logs.mask(text)
        assert thread_time() - began < 0.5, text[:10]
