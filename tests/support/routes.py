"""Every route with what it needs to be asked properly: house tests are generated from this.

A new route with an id needs an entry in `SUBJECTS`: how to make, in one tenant, what its id names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app.accounts.queries import find_user_by_email
from app.core.access import PUBLIC, SIGNED_IN, access_of
from app.core.records.kind import RecordKind, all_kinds
from tests.support.clients import PageClient, PageResponse
from tests.support.people import Crowd
from tests.support.talk import Talk
from tests.support.world import World, unknown_id

Maker = Callable[[World], dict[str, Any]]


def _record(world: World) -> dict[str, Any]:
    return {"record_id": world.add()}


def _field(world: World) -> dict[str, Any]:
    return {"record_id": world.add(), "name": _FIELDS.get(world.kind.name, "email")}


_FIELDS = {"ticket": "subject"}


def _note(world: World) -> dict[str, Any]:
    record_id = world.add()
    return {"record_id": record_id, "note_id": world.note(record_id)}


def _view(world: World) -> dict[str, Any]:
    return {"view_id": world.view(shared=world.scope.may(world.kind.permission("share")))}


def _deletion(world: World) -> dict[str, Any]:
    return {"deletion_id": world.delete(world.add())}


def _import(world: World) -> dict[str, Any]:
    return {"import_id": world.upload()}


def _link(world: World) -> dict[str, Any]:
    """A link in a mail, to the person the world belongs to."""
    from app.accounts import actions
    from app.accounts.rules import NEW_PASSWORD

    assert world.scope.user_id is not None
    with world.inside(world.scope):
        return {"token": actions.issue_link(world.scope, NEW_PASSWORD, world.scope.user_id)}


def _alert(world: World) -> dict[str, Any]:
    return {"alert_id": world.alert()}


def _notice(world: World) -> dict[str, Any]:
    return {"notice_id": world.notice()}


def _rating(world: World) -> dict[str, Any]:
    return {"rating_token": world.rating()[1]}


def _person(world: World) -> dict[str, Any]:
    """Somebody who was invited."""
    from app.accounts import actions

    with world.inside(world.scope):
        email = f"{unknown_id().hex}@acme.example"
        return {"user_id": actions.invite_user(world.scope, email=email, name="", role="viewer")}


def _role(world: World) -> dict[str, Any]:
    return {"role_id": Crowd(world.scope, world.inside).role(["lead:read"], {"lead": ("own", "none")})}


def _team(world: World) -> dict[str, Any]:
    return {"team_id": Crowd(world.scope, world.inside).team(f"Team {unknown_id().hex}")}


def _session(world: World) -> dict[str, Any]:
    return {"session_id": world.session()}


def _passkey(world: World) -> dict[str, Any]:
    return {"passkey_id": world.passkey()}


def _provider(world: World) -> dict[str, Any]:
    return {"provider_id": world.provider()}


def _privacy_request(world: World) -> dict[str, Any]:
    return {"request_id": world.privacy_request()}


def _token(world: World) -> dict[str, Any]:
    return {"token_id": world.api_token()}


def _token_of_person(world: World) -> dict[str, Any]:
    """Of somebody whom an administrator may manage."""
    with world.inside(world.scope):
        found = find_user_by_email(f"viewer@{world.scope.tenant_slug}.example")
        assert found is not None
        user_id = found.id
    return {"user_id": user_id, "token_id": world.api_token(user_id)}


def _calendar(world: World) -> dict[str, Any]:
    return {"calendar_id": world.calendar()}


def _policy(world: World) -> dict[str, Any]:
    return {"policy_id": world.policy()}


def _category(world: World) -> dict[str, Any]:
    return {"category_id": world.category()}


def _ticket(world: World) -> dict[str, Any]:
    return {"ticket_id": Talk(world).world.add()}


def _held_reply(world: World) -> dict[str, Any]:
    talk = Talk(world)
    ticket_id = talk.world.add()
    return {"ticket_id": ticket_id, "message_id": talk.reply(ticket_id)}


def _waiting_file(world: World) -> dict[str, Any]:
    talk = Talk(world)
    ticket_id = talk.world.add()
    return {"ticket_id": ticket_id, "file_id": talk.upload(ticket_id)}


def _file(world: World) -> dict[str, Any]:
    """A file that was sent; its link is signed for whoever sees the ticket's page."""
    talk = Talk(world)
    ticket_id = talk.world.add()
    file_id = talk.upload(ticket_id)
    talk.note(ticket_id, files=[file_id])
    return {"file_id": file_id}


def _canned(world: World) -> dict[str, Any]:
    return {"canned_id": Talk(world).canned()}


def _canned_on_ticket(world: World) -> dict[str, Any]:
    return _ticket(world) | _canned(world)


def _version(world: World) -> dict[str, Any]:
    return {"version_id": world.classifier_version()}


def _mailbox(world: World) -> dict[str, Any]:
    return {"mailbox_id": world.mailbox()[0]}


def _secret_address(world: World) -> dict[str, Any]:
    return {"secret": world.mailbox()[1]}


def _link_to_file(world: World) -> dict[str, Any]:
    """A link that is signed, to a file that is gone."""
    from app.gateways.files import sent_links

    with world.inside(world.scope):
        return {"link": sent_links.sign(world.scope, unknown_id())}


def _received_mail(world: World) -> dict[str, Any]:
    return {"mail_id": world.received_mail()}


def _ticket_link(world: World) -> dict[str, Any]:
    """Two linked tickets."""
    from app.tickets.actions import relating

    tickets = Talk(world).world
    one, other = tickets.add(), tickets.add()
    with world.inside(world.scope):
        return {"record_id": one, "link_id": relating.link(world.scope, one, other, "related").id}


def _agent(world: World) -> dict[str, Any]:
    """Somebody who works on tickets."""
    return {"agent_id": Crowd(world.scope, world.inside).id_of("agent")}


SUBJECTS: dict[frozenset[str], Maker] = {
    frozenset({"token"}): _link,
    frozenset({"category_id"}): _category,
    frozenset({"user_id"}): _person,
    frozenset({"role_id"}): _role,
    frozenset({"team_id"}): _team,
    frozenset({"record_id"}): _record,
    frozenset({"record_id", "name"}): _field,
    frozenset({"record_id", "note_id"}): _note,
    frozenset({"agent_id"}): _agent,
    frozenset({"record_id", "link_id"}): _ticket_link,
    frozenset({"view_id"}): _view,
    frozenset({"deletion_id"}): _deletion,
    frozenset({"import_id"}): _import,
    frozenset({"token_id"}): _token,
    frozenset({"user_id", "token_id"}): _token_of_person,
    frozenset({"provider_id"}): _provider,
    frozenset({"alert_id"}): _alert,
    frozenset({"notice_id"}): _notice,
    frozenset({"rating_token"}): _rating,
    frozenset({"session_id"}): _session,
    frozenset({"passkey_id"}): _passkey,
    frozenset({"request_id"}): _privacy_request,
    frozenset({"calendar_id"}): _calendar,
    frozenset({"version_id"}): _version,
    frozenset({"policy_id"}): _policy,
    frozenset({"ticket_id"}): _ticket,
    frozenset({"ticket_id", "message_id"}): _held_reply,
    frozenset({"ticket_id", "file_id"}): _waiting_file,
    frozenset({"ticket_id", "canned_id"}): _canned_on_ticket,
    frozenset({"file_id"}): _file,
    frozenset({"canned_id"}): _canned,
    frozenset({"mailbox_id"}): _mailbox,
    frozenset({"secret"}): _secret_address,
    frozenset({"link"}): _link_to_file,
    frozenset({"mail_id"}): _received_mail,
}


def rules_of(app: Flask) -> list[Rule]:
    """The routes of tenants; the operators' console is asked by tests/operator/test_walls.py."""
    ours = (rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("operator."))
    return sorted(ours, key=lambda rule: (rule.rule, rule.endpoint))


def console_rules_of(app: Flask) -> list[Rule]:
    """The routes of the operators' console."""
    theirs = (rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("operator."))
    return sorted(theirs, key=lambda rule: (rule.rule, rule.endpoint))


def methods_of(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def need_of(app: Flask, rule: Rule) -> str:
    access = access_of(app.view_functions[rule.endpoint])
    assert access is not None, f"{rule.endpoint} declares no access"
    return access.need


def is_open(need: str) -> bool:
    return need in (PUBLIC, SIGNED_IN)


def subject(rule: Rule, world: World) -> dict[str, Any]:
    """What the rule's arguments name, made in the world's tenant.

    Raises:
        AssertionError: nobody has said how to make it.
    """
    names = frozenset(rule.arguments)
    if not names:
        return {}
    assert names in SUBJECTS, (
        f"{rule.rule}: add to SUBJECTS in tests/support/routes.py how to make {sorted(names)} in a tenant"
    )
    return SUBJECTS[names](world.of(_kind(rule, world)))


def _kind(rule: Rule, world: World) -> RecordKind:
    """The kind whose pages or API the rule is of; the world's own for all other routes."""
    plural = rule.endpoint.partition(".")[0].removesuffix("_api")
    own = (kind for kind in all_kinds() if kind.plural == plural or rule.rule.startswith(f"/{kind.plural}/<"))
    return next(own, world.kind)


def asks_by_secret(rule: Rule) -> bool:
    """Whether the secret in the address is who asks: cookies count for nothing there, so there is nothing to forge."""
    return rule.rule.startswith("/mail/in/")


def is_api(rule: Rule) -> bool:
    return rule.rule.startswith("/api/")


def ask(client: PageClient, rule: Rule, method: str, values: dict[str, Any], **more: Any) -> PageResponse:
    """Asks the route: a page with a token and an empty form where it writes, the API as a program of the same person
    would, with an empty object.
    """
    path = client.root + _filled(rule, values)
    if is_api(rule):
        return _ask_api(client, path, method, **more)
    return client.submit(path, **more) if method == "POST" else client.open(path, method=method, **more)


def _ask_api(client: PageClient, path: str, method: str, **more: Any) -> PageResponse:
    headers = dict(more.pop("headers", {}))
    if client.program is not None:
        headers["Authorization"] = f"Bearer {client.program()}"
    if method in ("POST", "PUT", "PATCH"):
        more.pop("data", None)
        more.setdefault("json", {})
    return client.open(path, method=method, headers=headers, **more)


def _filled(rule: Rule, values: dict[str, Any]) -> str:
    path = rule.rule
    for name in rule.arguments:
        head, _, tail = path.partition(f"{name}>")
        path = f"{head.rpartition('<')[0]}{values[name]}{tail}"
    return path
