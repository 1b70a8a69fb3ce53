"""What can be done at the service desk, by subject: `from app.tickets.actions import conversation, clocks …`."""
