"""What reading gives of mail as people send it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateways.mail.incoming import MailAddress, read_message
from app.gateways.mail.incoming.headers import without_prefixes
from tests.support.letters import HEAD, letter, multipart, plain

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)
_LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf", "Co", "Cn"))
_WORDS = st.text(_LETTERS, min_size=1, max_size=60).map(str.strip).filter(bool)
_LINES = st.lists(_WORDS, min_size=1, max_size=8).map("\n".join)


def test_headers_are_what_the_sender_wrote():
    mail = read_message(plain(b"Hi", b"Cc: B\xc3\xb6b <bob@customer.example>, bob@customer.example"), now=NOW)
    assert mail.message_id == "<first@customer.example>"
    assert mail.from_ == MailAddress("Ann Ames", "ann@customer.example")
    assert [one.address for one in mail.to] == ["support@acme.example"]
    assert mail.cc == (MailAddress("Böb", "bob@customer.example"),)
    assert mail.date == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert (mail.text, mail.problems, mail.unreadable) == ("Hi", (), False)


@settings(max_examples=60, deadline=None)
@given(subject=_WORDS, name=_WORDS, text=_LINES, html=st.booleans())
def test_what_the_library_writes_is_read_back(subject: str, name: str, text: str, html: bool):
    made = letter(text, subject=" ".join(subject.split()) or "x")
    if html:
        made.add_alternative(f"<p>{'x'}</p>", subtype="html")
    made.add_attachment(text.encode(), maintype="application", subtype="x-thing", filename="a.thing")
    mail = read_message(made.as_bytes(), now=NOW)
    assert mail.subject == " ".join(made["Subject"].split())
    assert mail.text.split() == text.split()
    assert mail.attachments[0].content == text.encode()
    assert (mail.html is not None) == html


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_read(raw: bytes):
    mail = read_message(raw, now=NOW)
    assert mail.message_id.startswith("<")
    assert "\x00" not in mail.text + mail.subject + (mail.html or "")
    mail.text.encode()


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_mail_with_bytes_changed_is_read(data: st.DataObject):
    raw = bytearray(multipart("mixed", b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hi</p>", _image()))
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=30)):
        raw[at] = byte
    mail = read_message(bytes(raw), now=NOW)
    assert not any("so broken" in problem for problem in mail.problems), "an exception was swallowed"


def _image(name: str = "logo.png", *fields: str) -> bytes:
    more = "".join(f"{field}\r\n" for field in fields)
    head = f'Content-Type: image/png; name="{name}"\r\n{more}Content-Transfer-Encoding: base64\r\n\r\n'
    return head.encode() + base64.b64encode(PNG)


@pytest.mark.parametrize(
    ("charset", "encoded", "expected"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", "Grüße – “ja”".encode("cp1252"), "Grüße – “ja”"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("x-unknown", "Grüße".encode(), "Grüße"),
        ("utf-8", "Grüße aus München".encode("latin-1"), "Grüße aus München"),
        ("ks_c_5601-1987", "안녕하세요".encode("cp949"), "안녕하세요"),
        ("gb2312", "您好，打印机坏了".encode("gb18030"), "您好，打印机坏了"),
        ("iso-2022-jp", "こんにちは".encode("iso2022_jp"), "こんにちは"),
        ("zlib", b"plain", "plain"),
        ("punycode", b"plain-", "plain-"),
        ("utf-16", b"odd", "odd"),
    ],
)
def test_charsets_are_rescued(charset: str, encoded: bytes, expected: str):
    raw = plain(encoded, f"Content-Type: text/plain; charset={charset}".encode(), b"Content-Transfer-Encoding: 8bit")
    assert read_message(raw, now=NOW).text == expected


def test_a_wrong_charset_is_told():
    raw = plain("Grüße aus München".encode("latin-1"), b"Content-Type: text/plain; charset=utf-8")
    assert any("guessed" in problem for problem in read_message(raw, now=NOW).problems)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?b?R3LDvA==?= =?utf-8?b?w59l?=", "Grüße"),
        (b"=?utf-8?b?R3LD?= =?utf-8?b?vMOfZQ==?=", "Grüße"),
        (b"=?x-nothing?q?Hi?= there", "Hi there"),
        (b"=?utf-8?b?!!!?= there", "=?utf-8?b?!!!?= there"),
        (b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        (b"Gr\xfc\xdfe", "Grüße"),
        (b"a =?utf-8?q?=0D=0ABcc:_evil=40x.example?= b", "a Bcc: evil@x.example b"),
        (b"left \xe2\x80\xaetxt.exe", "left txt.exe"),
        (b"a\x00b", "ab"),
        (b"x" * 5000, "x" * 299 + "…"),
    ],
)
def test_subjects_are_one_line_of_text(written: bytes, expected: str):
    raw = HEAD.replace(b"Subject: Printer", b"Subject: " + written) + b"\r\nHi"
    assert read_message(raw, now=NOW).subject == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: Printer", ("Printer", True, False)),
        ("AW: WG: Drucker", ("Drucker", True, False)),
        ("Fwd: Re: Printer", ("Printer", False, True)),
        ("RE[3]: Printer", ("Printer", True, False)),
        ("回复：你好", ("你好", True, False)),
        ("Reset: my password", ("Reset: my password", False, False)),
        ("Re:" * 50, ("Re:" * 30, True, False)),
    ],
)
def test_prefixes_are_known(subject: str, expected: tuple[str, bool, bool]):
    assert without_prefixes(subject) == expected


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"tomorrow",
        b"Fri, 99 Nov 2026 10:00:00",
        b"Fri, 20 Nov 1889 10:00:00 +0000",
        b"Fri, 20 Nov 2036 1:0:0 +0000",
    ],
)
def test_absurd_dates_are_ignored(written: bytes):
    raw = HEAD.replace(b"Fri, 20 Nov 2026 10:00:00 +0100", written) + b"\r\nHi"
    mail = read_message(raw, now=NOW)
    assert mail.date is None
    assert any("date" in problem for problem in mail.problems)


def test_a_missing_message_id_is_made_from_the_bytes():
    raw = HEAD.replace(b"Message-ID: <first@customer.example>\r\n", b"") + b"\r\nHi"
    first, again, other = (read_message(one, now=NOW).message_id for one in (raw, raw, raw + b"!"))
    assert first == again != other


def test_references_are_in_order_and_bounded():
    many = b" ".join(b"<%d@x.example>" % n for n in range(500))
    mail = read_message(plain(b"Hi", b"References: " + many, b"In-Reply-To: <499@x.example> (of Friday)"), now=NOW)
    assert mail.references[0] == "<0@x.example>"
    assert mail.references[-1] == mail.in_reply_to == "<499@x.example>"
    assert len(mail.references) == 100
    assert mail.is_reply


def test_html_runs_nothing_loads_nothing_and_keeps_its_own_images():
    html = (
        b'<p onclick="x()">Hi <b>you</b><script>alert(1)</script><img src="http://t.example/p.gif">'
        b'<img src="cid:logo@x" alt="Logo"><a href="javascript:x()">a</a><a href="https://ok.example">b</a>'
        b'<style>p{}</style><form action="/x"><input></form><img src="//t.example/2"><svg onload=x()></svg>'
    )
    page = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html
    mail = read_message(multipart("related", page, _image("logo.png", "Content-ID: <logo@x>")), now=NOW)
    assert mail.html is not None
    for gone in ("script", "onclick", "t.example", "javascript", "<style", "<form", "<svg", "<input"):
        assert gone not in mail.html
    assert 'src="cid:logo@x"' in mail.html
    assert "https://ok.example" in mail.html
    assert mail.blocked_images == 2
    assert mail.text == "Hi you[Logo]ab"
    assert (mail.attachments[0].content_id, mail.attachments[0].inline) == ("logo@x", True)


def test_text_of_html_keeps_lines_lists_and_quotes():
    html = "<div>One<br>two</div><ul><li>a<li>b</ul><blockquote>old <i>words</i></blockquote><pre>  x\n  y</pre>"
    mail = read_message(plain(html.encode(), b"Content-Type: text/html"), now=NOW)
    assert mail.text == "One\ntwo\n\n- a\n- b\n\n> old words\n\n  x\n  y"


def test_alternatives_give_text_and_html_and_other_forms_are_files():
    mail = read_message(
        multipart(
            "alternative",
            b"Content-Type: text/plain\r\n\r\nText",
            b"Content-Type: text/html\r\n\r\n<p>HTML</p>",
            b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR",
        ),
        now=NOW,
    )
    assert (mail.text, mail.html) == ("Text", "<p>HTML</p>")
    assert [(one.name, one.type) for one in mail.attachments] == [("attachment-1.ics", "text/calendar")]


@pytest.mark.parametrize(
    "kind",
    ["text/vcard", "application/pkcs7-signature", "application/pgp-signature", "application/pdf", "text/calendar"],
)
def test_parts_for_other_programs_are_attachments(kind: str):
    part = f"Content-Type: {kind}\r\n\r\nxyz".encode()
    mail = read_message(multipart("mixed", b"Content-Type: text/plain\r\n\r\nHi", part), now=NOW)
    assert mail.text == "Hi"
    assert len(mail.attachments) == 1


def test_encrypted_mail_and_winmail_say_so():
    encrypted = multipart(
        "encrypted",
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1",
        b"Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----",
    )
    mail = read_message(encrypted, now=NOW)
    assert len(mail.attachments) == 2
    assert any("encrypted" in problem for problem in mail.problems)
    tnef = plain(
        base64.b64encode(b"\x78\x9f\x3e\x22rest"),
        b"Content-Type: application/ms-tnef; name=winmail.dat",
        b"Content-Transfer-Encoding: base64",
    )
    mail = read_message(tnef, now=NOW)
    assert mail.attachments[0].name == "winmail.dat"
    assert any("winmail.dat" in problem for problem in mail.problems)


def test_forwarded_mail_keeps_its_first_sender():
    inner = b"Content-Type: message/rfc822\r\n\r\nFrom: Zoe <zoe@far.example>\r\nSubject: Broken: again/..\r\n\r\nHelp"
    mail = read_message(multipart("mixed", b"Content-Type: text/plain\r\n\r\nFYI", inner), now=NOW)
    assert mail.forwarded_from == MailAddress("Zoe", "zoe@far.example")
    assert mail.attachments[0].name.endswith(".eml")
    assert mail.attachments[0].content.startswith(b"From: Zoe")
    text = "FYI\n\n---------- Forwarded message ---------\nFrom: Zoe <zoe@far.example>\nDate: Mon\nSubject: S\n\nHelp"
    mail = read_message(letter(text, subject="Fwd: S").as_bytes(), now=NOW)
    assert mail.forwarded_from == MailAddress("Zoe", "zoe@far.example")
    assert mail.reply_text.split() == text.split(), "a forwarded mail is all of it new"
    text = "Bitte um Hilfe.\n\nVon: Zoe <zoe@far.example>\nGesendet: Montag\nAn: Ann\nBetreff: S\n\nHallo"
    assert read_message(letter(text, subject="WG: S").as_bytes(), now=NOW).forwarded_from is not None


def test_flowed_text_is_in_paragraphs():
    raw = plain(
        b"One long \r\nline.\r\nNext\r\n> quoted \r\n> on\r\n-- \r\nAnn", b"Content-Type: text/plain; format=flowed"
    )
    assert read_message(raw, now=NOW).text == "One long line.\nNext\n> quoted on\n-- \nAnn"


def test_uuencoded_parts_are_decoded():
    raw = plain(
        b"begin 644 x.txt\r\n%2&5L;&\\ \r\n`\r\nend\r\n",
        b"Content-Type: application/x-thing",
        b"Content-Transfer-Encoding: x-uuencode",
    )
    assert read_message(raw, now=NOW).attachments[0].content == b"Hello"


def test_a_mail_that_is_nothing_is_unreadable_and_says_so():
    for raw in (b"", b"\r\n\r\n", b"\x00"):
        mail = read_message(raw, now=NOW)
        assert mail.problems
    assert read_message(b"", now=NOW).unreadable
