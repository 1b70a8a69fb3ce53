"""A small corpus, written for these tests: four labels, a few sentences each, varied by number and name."""

from __future__ import annotations

import random

from app.tickets.classifier.text import ticket_text
from app.tickets.classifier.training import Example

BILLING, TECHNICAL, SHIPPING, ACCOUNT = LABELS = ("billing", "technical", "shipping", "account")

_SENTENCES = {
    BILLING: (
        "The invoice for {thing} shows the wrong amount",
        "I was charged twice for {thing}, please refund one payment",
        "Can I get a refund for {thing}? The invoice is from May",
        "Your card payment page took my money, and there is no receipt for {thing}",
    ),
    TECHNICAL: (
        "The app crashes whenever I open {thing}",
        "There is an error message on the screen when {thing} loads",
        "Since the update {thing} freezes and the server does not answer",
        "{thing} is very slow, and the log shows an exception",
    ),
    SHIPPING: (
        "My parcel with {thing} has not arrived, where is the courier",
        "The delivery of {thing} came to the wrong address",
        "The tracking number of the parcel with {thing} does not work",
        "{thing} was damaged in transport, the box was open on delivery",
    ),
    ACCOUNT: (
        "I cannot sign in, and the password reset for {thing} sends no mail",
        "Please delete my account and the login of {thing}",
        "How do I change the user name of my account for {thing}",
        "Two-factor login asks for a code I never get for {thing}",
    ),
}
_THINGS = ("the printer", "my tablet", "the lamp", "a chair", "the camera", "our router", "this watch", "the kettle")
_GREETINGS = ("Hello", "Hi there", "Dear team", "Good morning", "")
_ENDS = ("Thanks", "Kind regards", "Please help soon", "")


def corpus(each: int = 40, *, seed: int = 1, labels: tuple[str, ...] = LABELS) -> list[Example]:
    """That many tickets of each label, shuffled, the same each time."""
    chance = random.Random(seed)
    made = [
        Example(ticket_text(subject(label, chance), body(label, chance)), label)
        for label in labels
        for _ in range(each)
    ]
    chance.shuffle(made)
    return made


def subject(label: str, chance: random.Random) -> str:
    return chance.choice(_SENTENCES[label]).format(thing=chance.choice(_THINGS)).capitalize()


def body(label: str, chance: random.Random) -> str:
    sentence = chance.choice(_SENTENCES[label]).format(thing=chance.choice(_THINGS))
    return f"{chance.choice(_GREETINGS)},\n{sentence}.\n{chance.choice(_ENDS)}"
