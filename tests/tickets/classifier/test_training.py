"""What is learned from which tickets, and what is said about it."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from app.tickets.classifier.measuring import Report, Tried, measure
from app.tickets.classifier.text import ticket_text
from app.tickets.classifier.training import Example, NotEnough, train
from tests.tickets.classifier.corpus import BILLING, LABELS, SHIPPING, TECHNICAL, corpus

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def test_it_is_better_than_the_majority_and_says_so() -> None:
    report = train(corpus()).report
    assert report.examples == 160
    assert report.held_out == 32
    assert report.majority == 0.25
    assert report.accuracy > 0.9
    assert report.naive_bayes > 0.5
    assert report.is_useful
    assert {row.label for row in report.labels} == set(LABELS)
    assert all(row.held_out == 8 for row in report.labels)
    assert sum(row.right for row in report.labels) == round(report.accuracy * 32)


def test_the_same_tickets_teach_the_same_model() -> None:
    one, two = train(corpus()), train(corpus())
    assert one.report == two.report
    assert (one.model.weights == two.model.weights).all()


def test_a_report_survives_being_stored() -> None:
    report = train(corpus()).report
    assert Report.read(report.stored()) == report
    with pytest.raises((KeyError, TypeError)):
        Report.read({"labels": []})


@pytest.mark.parametrize("count", [0, 1, 49])
def test_too_few_tickets_are_said_to_be_too_few(count: int) -> None:
    with pytest.raises(NotEnough, match="it needs 50"):
        train(corpus(20)[:count])


def test_one_label_is_nothing_to_choose_from() -> None:
    with pytest.raises(NotEnough, match="the same label"):
        train(corpus(60, labels=(BILLING,)))


def test_a_rare_label_is_left_out_and_named() -> None:
    rare = [Example("Where can I park my horse", "parking")] * 4
    trained = train(corpus() + rare)
    assert "parking" not in trained.model.labels
    assert trained.report.left_out == {"parking": 4}


def test_two_labels_are_enough() -> None:
    trained = train(corpus(30, labels=(BILLING, SHIPPING)))
    guess = trained.model.guess("Refund my invoice please", (BILLING, SHIPPING))
    assert guess is not None
    assert guess.label == BILLING


def test_labels_by_chance_are_found_to_teach_nothing() -> None:
    chance = random.Random(3)
    noise = [Example(example.text, chance.choice(LABELS)) for example in corpus(75)]
    trained = train(noise)
    assert not trained.report.is_useful
    sure = [
        guess for example in noise if (guess := trained.model.guess(example.text, LABELS)) and guess.confidence >= 0.8
    ]
    assert len(sure) < len(noise) / 10


def test_texts_without_letters_teach_nothing() -> None:
    with pytest.raises(NotEnough):
        train([Example(ticket_text("🙂", ""), label) for label in LABELS for _ in range(30)])


def test_odd_texts_among_the_others_do_no_harm() -> None:
    odd = [
        Example(ticket_text(text, text), TECHNICAL) for text in ("", "\x00" * 10, "x" * 500_000, "🙂" * 300, "a\ud800")
    ]
    assert train(corpus() + odd).report.accuracy > 0.9


def test_a_step_that_raises_stops_it() -> None:
    class Stop(Exception):
        pass

    def stop(name: str) -> None:
        if name == "measuring":
            raise Stop

    with pytest.raises(Stop):
        train(corpus(), stop)


def test_the_curve_counts_who_is_labelled_and_rightly() -> None:
    tried = [Tried("a", "a", 0.95), Tried("a", "b", 0.9), Tried("b", "b", 0.7), Tried("b", "a", 0.4)]
    report = measure(tried, Counter(a=12, b=8), 0.5)
    assert report.at(0.5) == (0.75, 2 / 3)
    assert report.at(0.8) == (0.5, 0.5)
    assert report.at(0.95) == (0.25, 1.0)
    assert report.at(0.99) == (0.0, None)
    assert report.at(0.801) == report.at(0.81)
    assert report.at(1.5) == report.at(1.0)
    assert report.confusions == (("a", "b", 1), ("b", "a", 1))
    first = report.labels[0]
    assert (first.label, first.precision, first.recall) == ("a", 0.5, 0.5)


def test_confidence_means_what_it_says() -> None:
    """Where a third of the labels is wrong nobody can be sure, and the model is not."""
    chance = random.Random(5)
    noisy = [
        Example(example.text, chance.choice(LABELS) if chance.random() < 0.4 else example.label)
        for example in corpus(150)
    ]
    report = train(noisy).report
    assert report.accuracy < 0.85
    assert report.gap < 0.12
    labelled, right = report.at(0.9)
    assert labelled < 0.3 or (right or 0) > 0.8


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared data beside the checkout")
def test_real_tickets_are_told_apart_better_than_naive_bayes_and_the_majority_do() -> None:
    from benchmarks.classifier import banking, tobi

    for found in (tobi(DATA).examples[:1_500], _some_labels(banking(DATA).examples, 12)):
        report = train(found).report
        assert report.accuracy > report.naive_bayes > report.majority
        assert report.is_useful


def _some_labels(examples: list[Example], most: int) -> list[Example]:
    labels = sorted({example.label for example in examples})[:most]
    return [example for example in examples if example.label in labels]
