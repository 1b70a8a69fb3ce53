"""Public collections of difficult mail beside the project: all of it is read, and replies come out as expected.

They are never copied into the project; where they are absent these tests are skipped. docs/mail.md has the figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import ROOT
from app.gateways.mail.incoming import bodies, quotes, read_message

_DATA = ROOT.parent / "shared" / "data"
_NAMES = ("email_ruby_mail", "email_cpython", "email_talon", "email_reply_parser_github")


def _folder(name: str) -> Path:
    if not (_DATA / name).is_dir():
        pytest.skip(f"the collection {name} is not here")
    return _DATA / name


@pytest.mark.parametrize("name", _NAMES)
def test_every_file_is_read(name: str):
    files = [file for file in sorted(_folder(name).rglob("*")) if file.is_file() and file.name != "NOTE.txt"]
    assert files
    for file in files:
        mail = read_message(file.read_bytes())
        assert not any("so broken" in problem for problem in mail.problems), file
        assert (
            mail.text or mail.attachments or mail.subject or mail.unreadable or mail.html is not None or mail.from_
        ), file


def test_standard_replies_of_mail_programs():
    folder = _folder("email_talon") / "standard_replies"
    for file in sorted(folder.glob("*.eml")):
        assert quotes.reply_of(read_message(file.read_bytes()).text).split() == ["Hello"], file.name


def test_html_replies_of_mail_programs():
    for file in sorted((_folder("email_talon") / "html_replies").glob("*.html")):
        text = bodies.read_html(file.read_bytes().decode("utf-8", "replace")).text
        assert quotes.reply_of(text).split() == ["Hi.", "I", "am", "fine.", "Thanks,", "Alex"], file.name


_BEFORE = {
    "correct_sig": "\n-- \n",
    "email_1_1": "\n-Abhishek",
    "email_1_3": "\n-Abhishek",
    "email_1_4": "\nOn Aug",
    "email_1_6": "\nOn Dec",
    "email_1_7": "\nOn Tue",
    "email_2_1": "\n --",
    "email_2_2": "\n___",
    "email_2_3": "\nFrom:",
    "email_BlackBerry": "\nSent",
    "email_iPhone": "\nSent",
    "email_multi_word_sent_from_my_mobile_device": "\nSent",
    "email_bullets": "\nOn Fri",
    "email_one_is_not_on": "\nOn Oct",
    "greedy_on": "\nOn 9 Jan",
    "pathological": "\nOn Dec 8",
    "email_long_quote": "\0",
    "email_1_5": "\0",
    "email_sent_from_my_not_signature": "\0",
    "email_sig_delimiter_in_middle_of_line": "\0",
}


@pytest.mark.parametrize("name", sorted(_BEFORE))
def test_replies_of_the_reply_parser(name: str):
    text = (_folder("email_reply_parser_github") / "emails" / f"{name}.txt").read_text()
    assert quotes.reply_of(text).split() == text.partition(_BEFORE[name])[0].split()
