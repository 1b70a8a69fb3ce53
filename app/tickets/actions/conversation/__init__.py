"""What is said about a ticket: replies to its requester, notes among colleagues, and what the requester writes.

A reply is held for as long as it can be taken back, and does nothing until then; when it leaves (`release`), it counts
for the clocks as of the instant it was sent by its author (ADR 36).
"""

from app.tickets.actions.conversation.leaving import release, send_now, tell_mentioned
from app.tickets.actions.conversation.mentioning import Nameable, offer_names
from app.tickets.actions.conversation.parts import forget_words, gather_words, remember_words
from app.tickets.actions.conversation.receiving import Received, receive
from app.tickets.actions.conversation.replying import ReplyCrossed, add_note, reply, withdraw

__all__ = [
    "Nameable",
    "Received",
    "ReplyCrossed",
    "add_note",
    "forget_words",
    "gather_words",
    "offer_names",
    "receive",
    "release",
    "remember_words",
    "reply",
    "send_now",
    "tell_mentioned",
    "withdraw",
]
