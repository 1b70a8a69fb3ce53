"""The pages of the service desk, a module each."""
