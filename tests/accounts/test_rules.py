import itertools

from app.accounts.rules import ROLES, email_key, is_slug, permissions_of


def test_roles_grow():
    """Each role may do what the one below it may, and more."""
    rights = [permissions_of(role, ("lead", "ticket")) for role in reversed(ROLES)]
    assert rights[0] == {"lead:read", "ticket:read"}
    assert all(lower <= higher for lower, higher in itertools.pairwise(rights))
    assert "lead:import" in permissions_of("manager", ("lead",))
    assert "lead:import" not in permissions_of("agent", ("lead",))
    assert {"tenant:manage", "user:manage"} <= permissions_of("admin", ())
    assert permissions_of("manager", ()) == {"desk:manage"}
    assert not permissions_of("agent", ())


def test_an_unknown_role_may_nothing():
    assert permissions_of("root", ("lead",)) == frozenset()


def test_two_spellings_of_one_address():
    assert email_key(" Ada@Example.COM ") == email_key("ada@example.com")


def test_slugs():
    assert is_slug("acme-2")
    assert not any(is_slug(text) for text in ("", "-a", "A", "a_b", "a.b", "a/b", "é", "a" * 64, "a\n"))
