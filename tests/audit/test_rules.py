"""What is unusual, rule by rule, with the time passed in."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.audit.rules import RULES, Fact, Watched, rule_named, rules_for

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN, BOB = uuid4(), uuid4()


def _fact(type, *, data=None, actor=ANN, subject=BOB, privileged=False, at=AT):
    return Fact(type, subject, actor, data or {}, at, privileged)


def _told(fact):
    """The rules that would tell of this one event alone."""
    return {rule.name for rule in rules_for(fact.type) if not rule.counts and rule.applies(fact)}


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (_fact("sign_in.locked"), {"locked"}),
        (_fact("sign_in.refused"), set()),
        (_fact("device.seen", privileged=True, data={"first": False}), {"new_device"}),
        (_fact("device.seen", privileged=True, data={"first": True}), set()),
        (_fact("device.seen", data={"first": False}), set()),
        (_fact("token_family.reused"), {"token_reused"}),
        (_fact("second_factor.removed"), {"factor_removed"}),
        (_fact("second_factor.removed", subject=ANN), set()),
        (
            _fact(
                "user.rights_changed", privileged=True, data={"before": {"role": "agent"}, "after": {"role": "admin"}}
            ),
            {"rights_raised"},
        ),
        (
            _fact(
                "user.rights_changed", privileged=True, data={"before": {"role": "Admin"}, "after": {"role": "owner"}}
            ),
            set(),
        ),
        (_fact("user.invited", privileged=True, data={"role": "Admin"}), {"rights_raised"}),
        (_fact("user.invited", data={"role": "Agent"}), set()),
        (_fact("user.rights_changed", data={"before": {"role": "agent"}, "after": {"role": "manager"}}), set()),
        (
            _fact("user.rights_changed", privileged=True, data={"before": {"teams": []}, "after": {"teams": ["a"]}}),
            set(),
        ),
        (
            _fact("role.updated", data={"before": {"permissions": []}, "after": {"permissions": ["user:manage"]}}),
            {"role_raised"},
        ),
        (_fact("role.created", data={"after": {"permissions": ["privacy:manage"]}}), {"role_raised"}),
        (_fact("role.updated", data={"before": {}, "after": {"permissions": ["lead:read"]}}), set()),
        (_fact("lead.changed"), set()),
    ],
)
def test_what_one_event_tells(fact, expected):
    assert _told(fact) == expected


@pytest.mark.parametrize(
    ("name", "threshold", "minutes", "per"),
    [
        ("failed_sign_ins", 20, 10, "tenant"),
        ("mass_export", 10_000, 60, "actor"),
        ("many_exports", 5, 60, "actor"),
        ("mass_deletion", 500, 10, "actor"),
    ],
)
def test_the_thresholds(name, threshold, minutes, per):
    rule = rule_named(name)
    assert rule is not None
    assert (rule.threshold, rule.window, rule.per) == (threshold, timedelta(minutes=minutes), per)


def test_exports_weigh_their_rows():
    rule = rule_named("mass_export")
    assert [rule.weight(data) for data in ({"rows": 700}, {"rows": None}, {})] == [700, 0, 0]


def test_the_same_cause_in_the_same_window_is_one_alert():
    rule = rule_named("many_exports")
    first, soon, later = (_fact("lead.exported", at=AT + timedelta(minutes=after)) for after in (0, 59, 60))
    assert rule.key(first) == rule.key(soon) != rule.key(later)
    assert rule.key(first) != rule.key(_fact("lead.exported", actor=BOB))


def test_every_kind_of_record_is_watched():
    assert "gadget.deleted" in Watched()
    assert "audit.exported" in Watched()
    assert "lead.changed" not in Watched()
    assert len({rule.name for rule in RULES}) == len(RULES)
