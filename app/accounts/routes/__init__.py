"""The pages of accounts, a module a subject; each has a blueprint of its own."""
