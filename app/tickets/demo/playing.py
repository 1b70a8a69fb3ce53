"""Plays the stories, in the order of time, as the people they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from uuid import UUID

from app.accounts.actions import create_team
from app.accounts.queries import find_person, get_tenant, list_users, scope_of
from app.core.records.actions import create_record, move_record
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import no_mail
from app.tickets import queries
from app.tickets.actions import canned, categories, clocks, conversation, csat, relating, starting, telling
from app.tickets.actions.calendars import create_calendar
from app.tickets.actions.conversation import Received
from app.tickets.actions.files import NewFile
from app.tickets.actions.policies import create_policy
from app.tickets.definition import TICKETS
from app.tickets.demo import stories
from app.tickets.demo.stories import DAY, HOUR, Beat, Story
from app.tickets.models import Ticket
from app.tickets.models.conversation import ALL
from app.tickets.models.messages import QUEUED, SENT
from app.tickets.queries.csat import list_unanswered
from app.tickets.rules import lifecycle
from app.tickets.rules.definitions import DAYS
from app.tickets.sample import TAG

_CUSTOMER = "customer"
_PAST_TICKETS = 10
# Around the clock, so that what is due does not depend on the hour somebody looks at it first.
_PROMISES = (
    ("Urgent tickets", "urgent", 1 * HOUR, 2 * HOUR, 8 * HOUR),
    ("High priority", "high", 4 * HOUR, 4 * HOUR, DAY),
)


def create(scope: Scope) -> int:
    """Makes the desk of an organisation that has none, and plays; the same each time. Returns how many tickets."""
    stage = _Stage(scope, {user.role: user.id for user in list_users(scope)})
    with no_mail():
        _set_up(stage)
        # Sorted by age alone, oldest first: what happens at the same minute keeps its order.
        for _, play in sorted(_plays(stage), key=lambda one: -one[0]):
            play()
        tickets = [db.session.get_one(Ticket, (scope.tenant_id, one)) for one in stage.tickets.values()]
        clocks.bring_up(scope, tickets, scope.now, ring=False)
        while telling.tell_people(scope):
            pass
    return len(tickets)


@dataclass
class _Stage:
    """Who is there, and what was made so far: ids by name."""

    scope: Scope
    people: Mapping[str, UUID]
    categories: dict[str, UUID] = field(default_factory=dict)
    tickets: dict[str, UUID] = field(default_factory=dict)
    team_id: UUID | None = None

    def at(self, age: float, role: str = "") -> Scope:
        """The person of this role, or the system, so many minutes ago."""
        then = self.scope.now - timedelta(minutes=age)
        who = find_person(self.scope.tenant_id, self.people[role]) if role else None
        return scope_of(get_tenant(self.scope.tenant_id), who, then) if who else replace(self.scope, now=then)

    def named(self, text: str) -> str:
        """The text with people for their roles: `@manager` is `@Mary`."""
        for role, user_id in self.people.items():
            who = find_person(self.scope.tenant_id, user_id)
            text = text.replace(f"@{role}", f"@{who.name.split()[0]}" if who else "")
        return text


def _set_up(stage: _Stage) -> None:
    """What an administrator sets up first: a team, categories, canned replies, and what is promised."""
    admin = stage.at(28 * DAY, "owner")
    agents = [stage.people[role] for role in ("owner", "manager", "agent")]
    stage.team_id = create_team(admin, "Customer service", agents)
    for name, line in stories.CATEGORIES:
        stage.categories[name] = categories.create_category(admin, name, line)
    for title, category, body in stories.CANNED:
        canned.save_canned(admin, canned.CannedValues(title, body, category, ALL))
    hours = create_calendar(admin, "Working hours", starting.working_week(admin))
    always = {day: [["00:00", "24:00"]] for day in DAYS}
    clock = create_calendar(admin, "Around the clock", {"tz": admin.zone, "weekly": always, "holidays": []})
    for name, priority, *minutes in _PROMISES:
        create_policy(admin, name, clock, starting.standard_definition([priority], *minutes))
    create_policy(admin, "Everything else", hours, starting.standard_definition([], 8 * HOUR, 8 * HOUR, 40 * HOUR))


def _plays(stage: _Stage) -> Iterator[tuple[int, Callable[[], None]]]:
    """Everything that happens, each with how long ago it is."""
    for story in (*_past(), *stories.STORIES):
        yield story.age, partial(_open, stage, story)
        for beat in story.beats:
            yield story.age - beat.after, partial(_play, stage, story, beat)


def _past() -> Iterator[Story]:
    """The weeks before, so that figures have something to show."""
    for number in range(_PAST_TICKETS):
        subject, text, category, priority = stories.PAST[number % len(stories.PAST)]
        age = (26 - 2 * number) * DAY + number * 37
        role = ("agent", "manager", "admin")[number % 3]
        answer = Beat(
            20 + number * 11 % 300, role, "reply", "Hello,\n\nthis is done. Simply answer if not.", "resolved"
        )
        beats, closes = [answer], answer.after + 7 * DAY
        if age > closes:
            beats.append(Beat(closes, "", "move", lifecycle.CLOSED))
        yield Story(age, number % len(stories.REQUESTERS), f"{subject} ({number + 1})" if number > 4 else subject, text,
                    priority, ("email", "web", "phone")[number % 3], category, role, beats=tuple(beats))  # fmt: skip


def _open(stage: _Stage, story: Story) -> None:
    name, address, customer = stories.REQUESTERS[story.requester]
    values = {
        "subject": story.subject,
        "description": story.text,
        "requester_name": name,
        "requester_email": address,
        "customer": customer,
        "priority": story.priority,
        "channel": story.channel,
        "category_id": stage.categories[story.category],
        "team_id": stage.team_id,
        "owner_id": stage.people[story.owner] if story.owner else None,
        "tags": (TAG, *story.tags),
    }
    ticket_id = stage.tickets[story.subject] = create_record(stage.at(story.age), TICKETS, values)
    if story.file[0]:
        _receive(stage, story, stage.at(story.age), "Here it is.", ticket_id)


def _play(stage: _Stage, story: Story, beat: Beat) -> None:
    ticket_id, age = stage.tickets[story.subject], story.age - beat.after
    if beat.who == _CUSTOMER and beat.what == "reply":
        _receive(stage, story, stage.at(age), beat.text, ticket_id)
    elif beat.what == "rate":
        _rate(stage.at(age), ticket_id, beat)
    elif beat.what == "reply":
        scope = stage.at(age, beat.who)
        message = conversation.reply(scope, ticket_id, beat.text, status=beat.then or None, hold=False)
        if message.state == QUEUED:
            message.state, message.sent_at = SENT, scope.now
        if beat.then == lifecycle.RESOLVED:
            csat.ask(scope, queries.get_ticket(scope, ticket_id))
    elif beat.what == "note":
        conversation.add_note(stage.at(age, beat.who), ticket_id, stage.named(beat.text))
    elif beat.what == "link":
        relating.link(stage.at(age, beat.who), ticket_id, stage.tickets[beat.text], "related")
    else:
        scope = stage.at(age, beat.who)
        ticket = queries.get_ticket(scope, ticket_id)
        move_record(scope, TICKETS, ticket_id, ticket.version, beat.text)


def _receive(stage: _Stage, story: Story, scope: Scope, text: str, ticket_id: UUID) -> None:
    name, address, _ = stories.REQUESTERS[story.requester]
    files = [NewFile(story.file[0], story.file[1].encode(), "text/plain")] if story.file[0] else []
    new = Received(text, name, address, files=files, channel=story.channel)
    conversation.receive(scope, queries.get_ticket(scope, ticket_id), new)


def _rate(scope: Scope, ticket_id: UUID, beat: Beat) -> None:
    """Answers the question that was asked when the ticket was resolved."""
    for row in list_unanswered(scope, ticket_id):
        csat.rate(scope, csat.token_of(scope.tenant_id, row.id), beat.text, beat.then)
