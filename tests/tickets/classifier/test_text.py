"""What a classifier sees of a ticket."""

from __future__ import annotations

import numpy as np
import pytest

from app.tickets.classifier import text as reading


def test_case_width_and_ligatures_do_not_matter() -> None:
    assert reading.list_words("Ｒｅｆｕｎｄ STRASSE ﬁne") == reading.list_words("refund straße FINE")


def test_chinese_is_read_sign_by_sign_and_mixed_text_word_by_word() -> None:
    assert reading.list_words("退款 my2 注文abc") == ["退", "款", "my2", "注", "文", "abc"]


@pytest.mark.parametrize("nothing", ["", "🙂🙂 🚀", "\x00\x00", "… — !!! ***", "\u200b\u202e"])
def test_a_text_without_letters_has_no_features(nothing: str) -> None:
    numbers, counts = reading.count_features(reading.ticket_text(nothing, nothing))
    assert len(numbers) == len(counts) == 0


def test_features_are_sorted_counted_and_the_same_in_every_release() -> None:
    numbers, counts = reading.count_features("refund refund")
    assert numbers.tolist() == sorted(set(numbers.tolist()))
    there = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    word = int(reading.word_features("refund")[0])
    # Stored models are made of these numbers: another hash would make all of them worthless in silence.
    assert word == 2888792
    assert there[word] == 2
    assert sum(number in reading.PAIRS for number in there) == 1


def test_however_long_a_text_is_only_its_beginning_is_read() -> None:
    huge = "word " * 100_000
    text = reading.ticket_text("s" * 5_000, huge)
    assert len(text) <= reading.LONGEST
    assert len(reading.count_features("x" * 500_000)[0]) < 200


def test_lone_surrogates_and_nul_are_read() -> None:
    numbers, _ = reading.count_features(reading.ticket_text("a\ud800b\x00c", None))
    assert numbers.dtype == np.uint32
