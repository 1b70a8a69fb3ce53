"""What happened at the sample desk: tickets, and what was said and done on each. Data, no code.

Ages and offsets are minutes. Ages count back from the moment the desk is made, so that a first look finds clocks in
every state: running, due soon, breached, waiting, met. `@manager` is replaced by whoever has that role.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR, DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class Beat:
    """So many minutes after the ticket came: `who` (a role, or `customer`) does `what` with `text`.

    `what` is reply, note, move (to the status `text`), take, rate (`good` or `bad`) or link (to the ticket whose
    subject is `text`); `then` is what a reply makes of the ticket, or the comment of a rating.
    """

    after: int
    who: str
    what: str
    text: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One ticket, `age` minutes old; `requester` is a place in `REQUESTERS`, `owner` a role or nobody."""

    age: int
    requester: int
    subject: str
    text: str
    priority: str = "normal"
    channel: str = "email"
    category: str = "Questions"
    owner: str = ""
    tags: tuple[str, ...] = ()
    file: tuple[str, str] = ("", "")
    beats: tuple[Beat, ...] = ()


REQUESTERS = (
    ("Amara Castillo", "amara@northwind.example", "Northwind Optics"),
    ("Bruno Eriksen", "bruno@harbour.example", "Harbour & Sons"),
    ("Chiara Fischer", "chiara@lumen.example", "Lumen Logistics"),
    ("Keiko Lindqvist", "keiko@meridian.example", "Café Meridian"),
    ("Noor Haddad", "noor@tidal.example", "Tidal Energy"),
    ("Pavel Moreau", "pavel@orbit.example", "Orbit Freight"),
)
CATEGORIES = (
    ("Sign-in and accounts", "Passwords, invitations, people who join or leave."),
    ("Billing", "Invoices, refunds, addresses on them."),
    ("Delivery", "What was ordered and has not come, or came broken."),
    ("Something is broken", "The product does not do what it should."),
    ("Questions", "How something is done."),
)
SIGN_IN, BILLING, DELIVERY, BROKEN = (name for name, _ in CATEGORIES[:4])
CANNED = (
    ("Thanks, we are looking", "First replies", ("Hello {{requester_first_name}},\n\nthank you for writing. We are "
     "looking into it and come back to you today.\n\nKind regards\n{{agent_first_name}}")),
    ("Ask for a screenshot", "First replies", ("Hello {{requester_first_name}},\n\ncould you send us a picture of "
     "what you see, and tell us roughly when it happened?\n\n{{agent_first_name}}")),
    ("Reset the password", "Sign-in", ("Hello {{requester_first_name}},\n\n1. Open the sign-in page\n2. Choose "
     "**Forgot your password?**\n3. Follow the link we send to {{requester_email}}\n\nIt works for an hour.")),
    ("Refund is on its way", "Billing", ("Hello {{requester_first_name}},\n\nwe have refunded you; your bank shows it "
     "within five working days. The number to ask for is #{{number}}.\n\n{{organisation}}")),
    ("Solved?", "Closing", ("Hello {{requester_first_name}},\n\nit should work again. If it does not, simply answer "
     "this mail.\n\n{{agent_first_name}}")),
)  # fmt: skip

_LOG = "12:04:11 open record 5512\n12:04:19 add photo IMG_0043.HEIC (11.8 MB)\n12:04:20 out of memory: image decoder\n"

STORIES = (
    # Breached: nobody has answered, and the managers were told.
    Story(200, 4, "Our dashboard has shown no data since midnight", "All charts are empty for **all** our sites. We "
          "report to the grid operator at noon, so this cannot wait.", "urgent", "phone", BROKEN, "agent", ("outage",),
          beats=(Beat(95, "manager", "note", "@agent this one is past its promise. Noor called twice; @admin says it "
                      "is the nightly import. Can you tell her?"),)),
    # Due soon.
    Story(52, 2, "Nobody in the warehouse can sign in", "The scanners say “account locked” since the shift began. "
          "Twelve people are waiting.", "urgent", "email", SIGN_IN, "", ("warehouse",)),
    # Running.
    Story(24, 3, "The app closes when I add a photo", "1. Open any record\n2. Add a photo\n3. It closes\n\nI have "
          "attached what the app writes down.", "high", "email", BROKEN, "", (), ("app-log.txt", _LOG)),
    Story(9, 0, "How do I give a colleague read-only access?", "Our accountant should see invoices and change "
          "nothing. Is there a role for that?", "normal", "web", SIGN_IN),
    # Answered in time, and it goes on; the next answer is due soon.
    Story(7 * HOUR, 0, "Invoices are sent twice", "Since Monday each of our customers gets every invoice two times. "
          "They are not amused, and neither are we.", "high", "email", BILLING, "agent", ("invoices",),
          beats=(Beat(14, "agent", "reply", "Hello Amara,\n\nsorry about that. Which of your *numbering series* is it, "
                      "and was one of them changed last week?\n\nAmal"),
                 Beat(50, "customer", "reply", "It is the series NO-2026. Yes, we moved it to the new bank "
                      "account on Friday."),
                 Beat(75, "agent", "note", "Both bank accounts have the schedule now. @manager may I switch the old "
                      "one off for them, or do they have to do it themselves?"),
                 Beat(88, "manager", "note", "@agent you may: they asked for it in writing. Take a picture before."),
                 Beat(96, "agent", "reply", "Found it: the schedule runs for the old account *and* for the new one. "
                      "I have switched off the old one:\n\n- nothing is sent twice from now on\n- the 14 invoices of "
                      "this morning are marked as copies\n\nCould you check the next run at four?"),
                 Beat(215, "customer", "reply", "The run at four was fine, thank you! But the copies still count in "
                      "our monthly total. Can you take them out?"),)),
    # Waits for the customer: the clock stands still.
    Story(6 * HOUR, 5, "Export of shipments stops at 10,000 rows", "We need all 38,000 of last year for our auditor.",
          "high", "email", BROKEN, "agent", ("export",),
          beats=(Beat(20, "agent", "reply", "Hello Pavel,\n\nthe list exports 10,000 rows at once. Choose **Export as "
                      "a file by mail** for more. Does that give you all of them?", "pending"),)),
    # On hold.
    Story(2 * DAY, 1, "Delivery has not come", "It was promised for Tuesday. Where is it?", "high", "phone", DELIVERY,
          "manager", beats=(Beat(30, "manager", "reply", "Hello Bruno,\n\nthe carrier has lost track of it between "
                                 "Lyon and Porto. They search until tomorrow; then we send it anew.", "on_hold"),
                            Beat(40, "manager", "note", "Carrier's case: **CX-88120**. @agent please look in the "
                                 "morning."),)),
    # Opened again by the customer.
    Story(3 * DAY, 3, "Page is slow in the afternoon", "Between two and four it takes ten seconds to open anything.",
          "normal", "email", BROKEN, "agent",
          beats=(Beat(45, "agent", "reply", "Hello Keiko,\n\na report of yours runs at two and reads everything. I "
                      "have moved it to the night.", "resolved"),
                 Beat(2 * DAY + 600, "customer", "reply", "It was slow again today, a quarter past two."),)),
    # Resolved, and rated.
    Story(28 * HOUR, 2, "Cannot sign in with my new phone", "It asks for a code I do not have.", "high", "email",
          SIGN_IN, "agent", beats=(Beat(9, "agent", "reply", "Hello Chiara,\n\nI have taken your old phone off your "
                                        "account. Sign in with one of your **recovery codes**, then add the new one.",
                                        "resolved"),
                                   Beat(150, "customer", "rate", "good", "Solved within ten minutes. Thank you!"),)),
    Story(30 * HOUR, 1, "Invoice 2211 shows the wrong address", "Please send it again with our new address in Porto.",
          "normal", "email", BILLING, "manager",
          beats=(Beat(70, "manager", "reply", "Hello Bruno,\n\nhere it is, with the new address.", "resolved"),
                 Beat(300, "customer", "rate", "good"),)),
    Story(26 * HOUR, 5, "Refund for the second order", "We ordered twice by mistake, and told you so on the same day.",
          "normal", "web", BILLING, "agent",
          beats=(Beat(600, "agent", "reply", "Hello Pavel,\n\nyour bank shows it within five working days.",
                      "resolved"),
                 Beat(900, "customer", "rate", "bad", "It took you ten hours to write one sentence, and the money has "
                      "not come."),
                 Beat(930, "manager", "note", "@owner they are right. May I give them the next month for nothing?"),)),
    Story(50 * HOUR, 0, "Change of contact person", "Rosa has left us; please write to me instead.", "low", "email",
          SIGN_IN, "agent", beats=(Beat(130, "agent", "reply", "Hello Amara,\n\ndone; Rosa cannot sign in any more.",
                                        "resolved"),)),
    Story(20 * HOUR, 4, "Charts are empty on phones", "On the computer they are there.", "normal", "email", BROKEN,
          "agent", beats=(Beat(35, "agent", "reply", "Hello Noor,\n\nwhich phone is it, and does turning it help?"),
                          Beat(17 * HOUR, "agent", "link", "Our dashboard has shown no data since midnight"),)),
    Story(16 * HOUR, 2, "Two labels for one parcel", "The printer gives us two labels since yesterday.", "low", "web",
          DELIVERY, "owner"),
)  # fmt: skip

PAST = (
    ("How do I export a list?", "I would like it as a file for our books.", "Questions", "low"),
    ("Password is refused", "I did not change it.", SIGN_IN, "high"),
    ("Parcel came open", "Nothing is missing, but the box was torn.", DELIVERY, "normal"),
    ("Please delete our test account", "We do not need it any more.", SIGN_IN, "low"),
    ("Tax number is missing on the invoice", "Our bookkeeper needs it.", BILLING, "normal"),
)
"""Of the weeks before: answered, resolved and closed, in turn by the people and for the requesters."""
