"""What somebody wrote now, apart from the mail they answer and their signature.

The scan is email-reply-parser's (a port of GitHub's): from the last line up, fragments that are quoted, headers
or a signature are hidden until something visible comes. What introduces a quoted mail is told to it: it knows
English only, and its own search for introductions over several lines takes cubic time ("On On On …": minutes,
measured). Ours reads bounded lines, so the time grows with the length of the text alone. docs/mail.md has the
comparison of libraries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from email_reply_parser import EmailMessage

from app.gateways.mail.incoming import headers
from app.gateways.mail.incoming.message import MailAddress

SCANNED_MAX = 60_000
_LINES_MAX = 3_000
_LINE_MAX = 400
_MARK = "\ufdd0"  # a noncharacter, taken out of what comes in
_SIGNATURE = re.compile(r"\n-- ?\n")

# How mail programs begin and end the line above a quote.
_INTRODUCTIONS = (
    (r"on\s", r"(?:wrote|sent)\s?:"),
    (r"am\s", r"schrieb\s?.{0,150}:"),
    (r"le\s", r"a\sécrit\s?:"),
    (r"el\s", r"escribió\s?:"),
    (r"il\s(?:giorno\s)?", r"ha\sscritto\s?:"),
    (r"em\s", r"escreveu\s?:"),
    (r"op\s", r"(?:schreef\s?.{0,150}|(?:het\svolgende\s)?geschreven)\s?:"),
    (r"(?:den|på)\s", r"(?:skrev|følgende)\s?.{0,150}:"),
    (r"(?:w\sdniu|dnia)\s", r"(?:napisał|pisze|napisał\(a\)|napisała)\s?:"),
    (r"dne\s", r"napsal(?:\(a\))?\s?:"),
    (r"(?:a|pe|ke|ti|to|la|su|ma)\s", r"kirjoitti\s?:"),
    (r"vào\s", r"đã\sviết\s?.{0,150}:"),
    (r"在", r"写道\s?[:：]"),
    (
        r"(?:\S{2,5},\s)?\d",
        r"(?:wrote|schrieb|skrev|schreef|napisał\(a\)|написал\(?а?\)?|작성|写道|<[^<>\s]{1,80}@[^<>\s]{3,80}>)\s?[:：]",
    ),
)
_INTRODUCTION = re.compile("|".join(rf"(?:{begin}.{{4,300}}?{end}$)" for begin, end in _INTRODUCTIONS), re.IGNORECASE)
# An introduction names a day or an address; a sentence that ends in "wrote:" need not.
_DATED = re.compile(r"\d|@")
# Above text that is not marked as quoted, more is asked for: an address or a time of day.
_TIMED = re.compile(r"@|\d[:.h]\d\d")
_SEPARATOR = re.compile(
    r"[-_=*\s]{0,5}-{2,}\s?(?:original message|original text|reply message|ursprüngliche nachricht|"
    r"originalnachricht|message d'origine|mensaje original|messaggio originale|mensagem original|"
    r"oorspronkelijk bericht|origineel bericht|original(?:t )?meddelande|oprindelig meddelelse|"
    r"opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna|исходное сообщение|原始邮件|원본 메시지)\s?-{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"(?:-{3,}\s?(?:forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado|"
    r"messaggio inoltrato|mensagem encaminhada|doorgestuurd bericht|vidarebefordrat meddelande|"
    r"videresendt (?:melding|meddelelse)|пересылаемое сообщение|wiadomość przekazana|转发的邮件)\s?-{3,}"
    r"|(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|"
    r"début du message (?:réexpédié|transféré)|"
    r"inicio del mensaje reenviado|inizio messaggio inoltrato|begin doorgestuurd bericht)\s?:)",
    re.IGNORECASE,
)
_FIELDS = {
    "from": "from von de da van från fra od lähettäjä от отправитель 发件人 寄件者 差出人 보낸사람 kimden",
    "to": "to an para à a aan till til do komu vastaanottaja кому 收件人 宛先 받는사람 kime",
    "date": "sent date gesendet datum envoyé date enviado fecha inviato data verzonden skickat sendt wysłano odesláno "
    "lähetetty отправлено дата 发送时间 日期 送信日時 보낸날짜 tarih enviada enviada-em enviado-el gesendet-am",
    "subject": "subject betreff objet asunto oggetto assunto onderwerp ämne "
    "emne temat předmět aihe тема 主题 件名 제목 konu",
    "cc": "cc kopie copie kopia kopi kopio копия 抄送",
}
_NAMES = {name: field for field, names in _FIELDS.items() for name in names.split()}
_FIELD = re.compile(r"[*\s>|]{0,6}([^\W\d_][^:：*<>@\n]{0,18}?)\s?\*?\s?[:：]\*?\s?(.{0,300})$")
_RULE = re.compile(r"\s{0,3}[_-]{5,}\s*$")


class _Scan(EmailMessage):
    """The library's scan, told where a quoted mail begins; its own search over lines is switched off."""

    QUOTE_HDR_REGEX = re.compile(_MARK)
    HEADER_REGEX = re.compile(_MARK)
    MULTI_QUOTE_HDR_REGEX = MULTI_QUOTE_HDR_REGEX_MULTILINE = re.compile(r"(?!)")
    # As the library's, but "-v" and "-1" are an option and a number, not a name.
    SIG_REGEX = re.compile(
        r"--|__|-[^\W\d_]\w|^(?:sent from my (?:\w+\s?){1,4}|get outlook for .{1,40}|von meinem .{1,40} gesendet"
        r"|(?:gesendet (?:von|mit)|envoyé (?:de|depuis)|enviado (?:desde|do)|inviato da|verzonden (?:vanaf|met|via)"
        r"|skickat från|sendt fra|wysłano z|odesláno z|lähetetty|отправлено с|发自我的) .{1,60})\.?$",
        re.IGNORECASE,
    )


@dataclass(frozen=True, slots=True)
class Block:
    """The header lines a mail program wrote above an earlier mail: `end` is the first line after them."""

    end: int
    fields: dict[str, str]


def reply_of(text: str) -> str:
    """The newest words of a reply. The whole text where nothing would be left, or it is too long to judge."""
    text = text.replace(_MARK, "")
    if len(text) > SCANNED_MAX:
        # An answer stands above what it quotes, or is not worth a guess.
        head = text[:SCANNED_MAX].split("\n")
        lines = _marked(head)
        quotes = _MARK in lines or head[-1].lstrip().startswith(">")
        return (_scanned(lines) if quotes else "") or text
    return _scanned(_marked(text.split("\n"))) or text.strip()


def without_signature(text: str) -> str:
    """Text of a mail that answers nothing: only what follows the agreed mark of a signature goes (RFC 3676, 4.3)."""
    found = _SIGNATURE.search(text)
    return text[: found.start()].strip() or text.strip() if found else text.strip()


def forwarded_sender(text: str) -> MailAddress | None:
    """Whose mail was forwarded inline: the sender in the header lines below the forwarding mark."""
    lines = text[:SCANNED_MAX].split("\n")[:_LINES_MAX]
    for number, line in enumerate(lines):
        if _FORWARDED.match(line[:_LINE_MAX].lstrip("> \t")):
            for start in range(number + 1, min(number + 4, len(lines))):
                found = header_block(lines, start)
                if found is not None:
                    return _sender(found.fields.get("from", ""))
    return None


def sender_in_headers(text: str) -> MailAddress | None:
    """The sender of the first header lines in the text: how Outlook shows what it forwards."""
    lines = text[:SCANNED_MAX].split("\n")[:_LINES_MAX]
    for number in range(len(lines)):
        found = header_block(lines, number)
        if found is not None:
            return _sender(found.fields["from"])
    return None


def is_forward(text: str) -> bool:
    """Whether some line says that a forwarded mail follows."""
    return any(_FORWARDED.match(line[:_LINE_MAX].strip("> \t")) for line in text[:SCANNED_MAX].split("\n")[:_LINES_MAX])


def header_block(lines: list[str], start: int) -> Block | None:
    """The block of header lines that begins at `start`: a sender and one field more, one below the other."""
    fields: dict[str, str] = {}
    last, number = "", start
    while number < len(lines) and number < start + 12:
        line = lines[number][:_LINE_MAX]
        match = _FIELD.match(line)
        field = _NAMES.get(match[1].strip().lower().replace(" ", "-").replace("\u200e", "")) if match else None
        field = field or (_NAMES.get(match[1].strip().lower().replace(" ", "")) if match else None)
        if match and field:
            fields.setdefault(field, match[2].strip())
            last = field
        elif last and line.strip() and (line[:1] in " \t" or fields[last].rstrip().endswith((",", ";", ":"))):
            pass  # a field that goes on
        elif not (
            line.strip() == "" and number + 1 < len(lines) and 0 < len(fields) < 3 and _continues(lines[number + 1])
        ):
            break
        number += 1
    return Block(number, fields) if "from" in fields and len(fields) >= 2 else None


def _continues(line: str) -> bool:
    match = _FIELD.match(line[:_LINE_MAX])
    return bool(match and match[1].strip().lower() in _NAMES)


def _marked(lines: list[str]) -> list[str]:
    """The lines with every introduction of a quoted mail replaced by one mark."""
    marked: list[str] = []
    number = 0
    while number < len(lines):
        if number >= _LINES_MAX:
            return [*marked, *lines[number:]]
        end = _introduced(lines, number)
        if end is None:
            marked.append(lines[number])
            number += 1
            continue
        if marked and _RULE.match(marked[-1]):
            marked.pop()
        elif len(marked) > 1 and not marked[-1].strip() and _RULE.match(marked[-2]):
            del marked[-2:]
        marked.append(_MARK)
        # Not marked by `>`, the earlier mail goes on to the end.
        number = end if _quoted_below(lines, end) else len(lines)
    return marked


def _quoted_below(lines: list[str], start: int) -> bool:
    """Whether what follows is marked as quoted, line by line."""
    following = next((line for line in lines[start:] if line.strip()), ">")
    return following.lstrip().startswith((">", "|"))


def _introduced(lines: list[str], number: int) -> int | None:
    """The line after an introduction that begins at `number`; None if none does."""
    line = lines[number][:_LINE_MAX].lstrip("> \t")
    if not line.strip():
        return None
    if _SEPARATOR.match(line):
        found = next(
            (b for at in range(number + 1, min(number + 3, len(lines))) if (b := header_block(lines, at))), None
        )
        return found.end if found else number + 1
    found = header_block(lines, number)
    if found is not None:
        return found.end
    joined = ""
    for end in range(number, min(number + 3, len(lines))):
        part = lines[end][:_LINE_MAX].strip("> \t-")
        if not part:
            return None
        joined = f"{joined}{'' if joined.endswith('<') else ' '}{part}".strip()
        needed = _DATED if _quoted_below(lines, end + 1) else _TIMED
        if needed.search(joined) and _INTRODUCTION.match(joined):
            return end + 1
    return None


def _scanned(lines: list[str]) -> str:
    try:
        shown = _Scan("\n".join(lines)).read().reply
    except (re.error, IndexError, AttributeError):
        return ""
    return "\n".join(line for line in shown.split("\n") if _MARK not in line).strip()


def _sender(written: str) -> MailAddress | None:
    found = headers.addresses_in(written.replace("[mailto:", "<").replace("]", ">").replace("*", "")[:_LINE_MAX])
    return found[0] if found else None
