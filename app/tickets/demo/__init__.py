"""The service desk of a sample organisation, at work: service levels, conversations, ratings, notices.

Everything is done by the actions the product uses, by the people of the organisation and at instants of the last weeks,
in the order of time. No mail leaves: the customers' addresses are nobody's.
"""

from app.tickets.demo.playing import create

__all__ = ["create"]
