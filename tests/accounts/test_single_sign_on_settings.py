"""Setting single sign-on up: what is asked, what is refused, and that nothing typed is lost but the secret."""

from __future__ import annotations

import pytest

from app.accounts.rules import groups_of, is_verified, may_vouch, proved_twice, role_of_groups

PATH = "/settings/single-sign-on"
FORM = {
    "name": "Idp",
    "issuer": "https://idp.example",
    "client_id": "fairlead",
    "client_secret": "a-secret-of-the-provider",
    "domains": "Example.com, @sub.example.com",
    "group_claim": "groups",
    "group": ["sales", "", "bosses"],
    "role": ["agent", "", "manager"],
    "default_role": "",
    "enabled": "1",
}


def test_it_is_set_up_changed_and_deleted(owner, admin):
    assert owner.submit(PATH, FORM).status_code == 303
    stored = admin.execute("select id, domains, group_roles, default_role, version from identity_providers").fetchone()
    assert stored[1:] == (["example.com", "sub.example.com"], [["sales", "agent"], ["bosses", "manager"]], None, 1)
    page = owner.get(f"{PATH}/{stored[0]}/edit")
    assert FORM["client_secret"] not in page.text
    sealed = admin.execute("select client_secret_sealed from identity_providers").fetchone()
    changed = {**FORM, "client_secret": "", "name": "Other", "enabled": "", "version": "1"}
    assert owner.submit(f"{PATH}/{stored[0]}", changed).status_code == 303
    now = admin.execute("select name, enabled, version, client_secret_sealed from identity_providers").fetchone()
    assert now == ("Other", False, 2, sealed[0]), "without a new secret the old one stays"
    stale = owner.submit(f"{PATH}/{stored[0]}", {**changed, "name": "Stale"})
    assert stale.status_code == 409
    assert "Somebody changed" in stale.problems[0]
    assert stale.soup.find("input", {"name": "name"})["value"] == "Stale"
    assert owner.submit(f"{PATH}/{stored[0]}/delete").status_code == 303
    types = [
        row[0] for row in admin.execute("select type from events where subject_kind = 'identity_provider' order by id")
    ]
    assert types == [f"identity_provider.{verb}" for verb in ("created", "updated", "deleted")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "http://idp.example"}, "issuer"),
        ({"issuer": "https://127.0.0.1"}, "issuer"),
        ({"issuer": "https://user:pass@idp.example"}, "issuer"),
        ({"issuer": "javascript:alert(1)"}, "issuer"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"domains": ""}, "domains"),
        ({"domains": "localhost"}, "domains"),
        ({"domains": "exa mple.com *"}, "domains"),
        ({"group": ["sales"], "role": [""]}, "group_roles"),
        ({"group": ["sales"], "role": ["nothing"]}, "group_roles"),
        ({"default_role": "00000000-0000-7000-8000-000000000000"}, "default_role"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said(owner, admin, changes, field):
    answer = owner.submit(PATH, {**FORM, **changes})
    assert answer.status_code == 422
    assert answer.soup.select_one(f'[data-error-summary] a[href="#{field}"]'), answer.problems
    typed = {**FORM, **changes}
    for name in ("name", "issuer", "client_id", "domains"):
        assert answer.soup.find("input", {"name": name}).get("value", "") == typed[name]
    assert FORM["client_secret"] not in answer.text
    assert admin.execute("select count(*) from identity_providers").fetchone() == (0,)


def test_nobody_maps_a_group_to_more_than_they_can_give(as_role, admin):
    answer = as_role("admin").submit(PATH, {**FORM, "group": ["all"], "role": ["owner"]})
    assert answer.status_code == 403
    assert "Only an owner" in answer.text
    answer = as_role("admin").submit(PATH, {**FORM, "default_role": "owner"})
    assert answer.status_code == 403
    assert admin.execute("select count(*) from identity_providers").fetchone() == (0,)


def test_an_issuer_stands_once_and_five_are_enough(owner):
    for number in range(5):
        issuer = f"https://idp{number}.example"
        assert owner.submit(PATH, {**FORM, "issuer": issuer}).status_code == 303
    assert "already" in owner.submit(PATH, {**FORM, "issuer": "https://idp0.example"}).problems[0]
    assert "5 providers" in owner.submit(PATH, {**FORM, "issuer": "https://idp9.example"}).problems[0]


def test_the_test_of_a_connection_says_what_is_wrong(owner, admin):
    owner.submit(PATH, {**FORM, "issuer": "https://nobody.invalid"})
    (row,) = admin.execute("select id from identity_providers").fetchone()
    answer = owner.submit(f"{PATH}/{row}/check")
    assert answer.status_code == 422
    assert "nobody.invalid" in answer.problems[0]


@pytest.mark.parametrize("role", ["manager", "agent", "viewer"])
def test_who_may_not_manage_sees_nothing(as_role, role):
    for path in (PATH, f"{PATH}/new"):
        assert as_role(role).get(path).status_code == 403


def test_rules():
    assert may_vouch("Ada@Example.COM", ["example.com"])
    for email in ("ada@sub.example.com", "ada@xexample.com", "ada", "@example.com", "ada@example.com@evil.example", ""):
        assert not may_vouch(email, ["example.com"]), email
    assert role_of_groups(["b", "a"], [["a", "agent"], ["b", "manager"]], None) == "agent"
    assert role_of_groups(["c"], [["a", "agent"]], "viewer") == "viewer"
    assert role_of_groups([], [], None) is None
    assert groups_of({"groups": ["a", 5, None, {"b": 1}]}, "groups") == ["a"]
    assert groups_of({"groups": "a"}, "groups") == ["a"]
    assert groups_of({}, "groups") == []
    assert is_verified({"email_verified": True})
    assert is_verified({"email_verified": "true"})
    for said in (False, None, "false", 1, "yes", []):
        assert not is_verified({"email_verified": said})
    assert proved_twice({"amr": ["pwd", "mfa"]})
    for said in (None, "mfa", [], ["pwd"], {"mfa": 1}):
        assert not proved_twice({"amr": said})
