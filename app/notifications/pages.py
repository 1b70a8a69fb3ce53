"""What the page of notices shows."""
