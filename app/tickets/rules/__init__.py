"""The arithmetic of tickets: when it is due, and why. Standard library only."""
