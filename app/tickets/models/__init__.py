"""What the service desk stores, by subject; import from here."""

from app.tickets.models.classification import Classification, ClassifierVersion
from app.tickets.models.conversation import CannedReply, TicketDraft
from app.tickets.models.csat import TicketRating
from app.tickets.models.desk import DeskRow, TicketCategory
from app.tickets.models.mail import Mailbox, ReceivedMail
from app.tickets.models.messages import TicketFile, TicketMessage
from app.tickets.models.queue import TicketAgent, TicketLink, TicketMerge
from app.tickets.models.sla import (
    SlaAlert,
    SlaCalendar,
    SlaCalendarVersion,
    SlaChange,
    SlaClock,
    SlaHappening,
    SlaPolicy,
    SlaPolicyVersion,
)
from app.tickets.models.tickets import Ticket

__all__ = [
    "CannedReply",
    "Classification",
    "ClassifierVersion",
    "DeskRow",
    "Mailbox",
    "ReceivedMail",
    "SlaAlert",
    "SlaCalendar",
    "SlaCalendarVersion",
    "SlaChange",
    "SlaClock",
    "SlaHappening",
    "SlaPolicy",
    "SlaPolicyVersion",
    "Ticket",
    "TicketAgent",
    "TicketCategory",
    "TicketDraft",
    "TicketFile",
    "TicketLink",
    "TicketMerge",
    "TicketMessage",
    "TicketRating",
]
