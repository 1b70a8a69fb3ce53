"""Forms of the service desk, read and checked."""
