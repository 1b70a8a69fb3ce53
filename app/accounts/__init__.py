"""Tenants, people, roles, and who is signed in."""
