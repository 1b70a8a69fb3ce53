"""What a conversation is made of, as text: variables of canned replies, people who are named, words to find it by.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

BODY_MAX = 50_000
"""Characters of a reply or note."""
CC_MAX = 20
FILES_MAX = 20
"""Files of one message."""
WORDS_MAX = 3_000
"""Words of a conversation that are searched; a tsvector holds at most a megabyte."""
MENTIONS_MAX = 20

VARIABLES: Mapping[str, str] = {
    "requester_name": "the requester's name, or “there”",
    "requester_first_name": "the first word of it",
    "requester_email": "the requester's address",
    "customer": "the customer",
    "number": "the ticket's number",
    "subject": "the ticket's subject",
    "agent_name": "the name of whoever replies",
    "agent_first_name": "the first word of it",
    "organisation": "your organisation",
}
"""What a canned reply may name as `{{name}}`, and what stands there then."""
_VARIABLE = re.compile(r"\{\{\s*([^{}\n]{0,60}?)\s*\}\}")


def unknown_variables(text: str) -> list[str]:
    """What stands in double braces and is no variable, each once."""
    return list(dict.fromkeys(name for name in _VARIABLE.findall(text) if name not in VARIABLES))


def fill(text: str, values: Mapping[str, str | None]) -> str:
    """The text with its variables replaced, once: what a value holds is not looked through again."""
    return _VARIABLE.sub(lambda found: values.get(found[1]) or "" if found[1] in VARIABLES else found[0], text)


def variable_values(
    *, number: int, subject: str, requester: str | None, email: str | None, customer: str | None, agent: str, house: str
) -> dict[str, str]:
    """What the variables say in a reply to this ticket; somebody without a name is “there”, as in “Hello there”."""
    return {
        "requester_name": requester or "there",
        "requester_first_name": _first_word(requester) or "there",
        "requester_email": email or "",
        "customer": customer or "",
        "number": str(number),
        "subject": subject,
        "agent_name": agent,
        "agent_first_name": _first_word(agent),
        "organisation": house,
    }


def mentioned(text: str, people: Sequence[tuple[UUID, str, str]]) -> list[UUID]:
    """Whom the text names with an @: by whole name, first name if only one has it, or address; each once.

    Args:
        people: id, name, address of each.
    """
    if "@" not in text:
        return []
    folded = text.casefold()
    found: dict[UUID, None] = {}
    for handle, ids in sorted(_handles(people).items(), key=lambda item: -len(item[0])):
        pattern = rf"(?<![\w.@/-])@{re.escape(handle)}(?![\w@-]|\.\w)"
        if len(ids) == 1 and re.search(pattern, folded):
            found |= dict.fromkeys(ids)
            # “@Ann Lee” names Ann Lee, and not Ann Smith as well.
            folded = re.sub(pattern, " ", folded)
    return list(found)[:MENTIONS_MAX]


def shortest_handles(people: Sequence[tuple[UUID, str, str]]) -> dict[UUID, str]:
    """What to write after an @ so that `mentioned` finds this one person: their first name if only one has it, else
    the whole name, else the address. Who shares even that is left out."""
    handles = _handles(people)
    found: dict[UUID, str] = {}
    for user_id, name, email in people:
        for handle in (_first_word(name), name, email):
            if handle and handles.get(handle.casefold()) == [user_id]:
                found[user_id] = handle
                break
    return found


def new_words(known: str, words: Iterable[str]) -> str:
    """The words of a conversation with those of another message, each once, up to `WORDS_MAX`."""
    kept = dict.fromkeys(known.split())
    for word in words:
        if len(kept) >= WORDS_MAX:
            break
        kept[word] = None
    return " ".join(kept)


def leaves_at(now: datetime, undo_seconds: int) -> datetime | None:
    """Until when a reply can be taken back; None if it leaves at once."""
    return now + timedelta(seconds=undo_seconds) if undo_seconds > 0 else None


def joined(first: str, second: str) -> str:
    """Two texts one below the other, for whoever wrote on after sending."""
    return "\n\n".join(part for part in (first.strip(), second.strip()) if part)


def _handles(people: Sequence[tuple[UUID, str, str]]) -> dict[str, list[UUID]]:
    handles: dict[str, list[UUID]] = {}
    for user_id, name, email in people:
        own = {name.casefold(), _first_word(name).casefold(), email.casefold(), email.partition("@")[0].casefold()}
        for handle in own - {""}:
            handles.setdefault(handle, []).append(user_id)
    return handles


def _first_word(text: str | None) -> str:
    return (text or "").split()[0] if (text or "").split() else ""
