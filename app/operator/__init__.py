"""The operators of the whole installation and their console: outside every tenant, with a login of its own (ADR 27)."""
