"""Rules over a stack: accounts, tags, unknown keys by their sources, and the whole judgement with waivers."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from policies.rules import events, stacks
from policies.rules.configuration import Configuration
from policies.rules.exported import exported_resources
from policies.rules.judgement import judgements, rule_names
from policies.rules.landing_zone import configuration_of, landing_zone_configuration
from policies.rules.places import PROVIDER, Place, place_of
from policies.rules.rule import Resource
from policies.rules.symbols import with_symbols
from policies.rules.values import UNKNOWN
from policies.rules.waivers import Waiver, Waivers, read_waivers
from tests.policies.verdict import BROKEN, KEPT, PENDING, of, verdict

HUB, TARGET, STRANGER = "111111111111", "222222222222", "999999999999"
LANDING_ZONE = Configuration(frozenset((HUB, TARGET)), tags=frozenset(("owner",)))
QUEUE = "aws:sqs/queue:Queue"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
KEY = "aws:kms/key:Key"


def component(name: str, account: str | None, parent: str = "") -> Resource:
    stated = {} if account is None else {"account": account}
    return Resource("golden-ami:target:TargetAccount", name, stated, f"urn::{name}", parent=parent)


def queue(account: str, parent: str = "", **properties: Any) -> Resource:
    return Resource(QUEUE, "queue", properties, "urn::queue", parent=parent, place=Place(account, "us-east-1"))


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ((component("hub", HUB), queue(HUB, "urn::hub")), KEPT),
        ((component("hub", HUB), component("in", TARGET, "urn::hub"), queue(TARGET, "urn::in")), KEPT),
        ((component("hub", HUB), component("in", None, "urn::hub"), queue(HUB, "urn::in")), KEPT),
        ((queue(TARGET),), KEPT),
        ((queue(""),), KEPT),
        ((component("in", None), queue("", "urn::in")), KEPT),
        ((component("hub", HUB), component("in", None, "urn::hub")), KEPT),
        ((component("hub", HUB), queue("", "urn::hub")), PENDING),
        ((component("hub", HUB), queue(TARGET, "urn::hub")), BROKEN),
        ((component("hub", HUB), component("in", TARGET, "urn::hub"), queue(HUB, "urn::in")), BROKEN),
        ((component("hub", HUB), component("in", None, "urn::hub"), queue(TARGET, "urn::in")), BROKEN),
        ((queue(STRANGER),), BROKEN),
    ],
)
def test_a_resource_lies_in_its_components_account(resources: tuple[Resource, ...], expected: str) -> None:
    assert of(stacks.require_account.findings(resources, LANDING_ZONE)) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"tagsAll": {"owner": "a", "more": "b"}}, KEPT),
        ({}, KEPT),
        ({"tagsAll": {}}, BROKEN),
        ({"tagsAll": None}, BROKEN),
        ({"tagsAll": {"more": "b"}}, BROKEN),
        ({"tagsAll": UNKNOWN}, PENDING),
    ],
)
def test_what_can_carry_tags_carries_the_mandatory_ones(properties: dict[str, Any], expected: str) -> None:
    assert of(stacks.require_tags.findings((queue(HUB, **properties),), LANDING_ZONE)) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"deadLetterConfig": {"arn": f"arn:aws:sqs:us-east-1:{HUB}:dead"}}, KEPT),
        ({"deadLetterConfig": {"arn": f"arn:aws:sqs:us-east-1:{HUB}:dead"}, "retryPolicy": {}}, KEPT),
        ({"deadLetterConfig": {"arn": UNKNOWN}}, PENDING),
        ({"deadLetterConfig": {"arn": ""}}, BROKEN),
        ({"deadLetterConfig": None}, BROKEN),
        ({}, BROKEN),
    ],
)
def test_events_that_do_not_arrive_are_kept(properties: dict[str, Any], expected: str) -> None:
    assert verdict(events.require_dead_letters, properties) == expected


def key(name: str, region: str | None = None, account: str = HUB) -> Resource:
    own = {} if region is None else {"region": region}
    return Resource(KEY, name, own, f"urn::{name}", place=Place(account, "us-east-1"), protected=True)


def log_group(*sources: str, value: Any = UNKNOWN) -> Resource:
    return Resource(LOG_GROUP, "log", {"kmsKeyId": value}, "urn::log", {"kmsKeyId": frozenset(sources)})


def test_an_unknown_key_that_comes_from_one_key_of_the_stack_is_judged_as_that_key() -> None:
    *_, settled = with_symbols((key("data_key"), log_group("urn::data_key")))
    assert settled.properties["kmsKeyId"] == f"arn:aws:kms:us-east-1:{HUB}:key/data-key"
    *_, elsewhere = with_symbols((key("data", "eu-west-1"), log_group("urn::data")))
    assert elsewhere.properties["kmsKeyId"] == f"arn:aws:kms:eu-west-1:{HUB}:key/data"


@pytest.mark.parametrize(
    "resources",
    [
        (key("data"), log_group()),
        (key("data"), log_group("urn::other")),
        (key("data"), key("more"), log_group("urn::data", "urn::more")),
        (key("data", account=""), log_group("urn::data")),
    ],
)
def test_an_unknown_key_from_anywhere_else_stays_unknown(resources: tuple[Resource, ...]) -> None:
    assert with_symbols(resources)[-1].properties["kmsKeyId"] is UNKNOWN


def test_what_a_preview_knows_is_never_replaced() -> None:
    *_, known = with_symbols((key("data"), log_group("urn::data", value="alias/aws/ebs")))
    assert known.properties["kmsKeyId"] == "alias/aws/ebs"
    nested = {"rules": [{"kmsMasterKeyId": UNKNOWN, "sseAlgorithm": UNKNOWN}]}
    resource = Resource("tested", "tested", nested, "urn::tested", {"rules": frozenset(("urn::data",))})
    *_, settled = with_symbols((key("data"), resource))
    (rule,) = settled.properties["rules"]
    assert rule == {"kmsMasterKeyId": f"arn:aws:kms:us-east-1:{HUB}:key/data", "sseAlgorithm": UNKNOWN}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"allowedAccountIds": f'["{HUB}"]', "region": "us-east-1"}, Place(HUB, "us-east-1")),
        ({"assumeRoles": f'[{{"roleArn": "arn:aws:iam::{TARGET}:role/deploy"}}]'}, Place(TARGET)),
        ({"allowedAccountIds": f'["{HUB}", "{TARGET}"]'}, Place()),
        (
            {"allowedAccountIds": f'["{HUB}"]', "assumeRoles": f'[{{"roleArn": "arn:aws:iam::{TARGET}:role/d"}}]'},
            Place(),
        ),
        ({"allowedAccountIds": "[", "assumeRoles": UNKNOWN, "region": UNKNOWN}, Place()),
        ({}, Place()),
    ],
)
def test_a_provider_tells_where_it_makes_things(properties: dict[str, Any], expected: Place) -> None:
    assert place_of(properties) == expected


def exported(*states: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(states)}}


PROVIDER_STATE = {
    "urn": "urn:p::hub",
    "type": PROVIDER,
    "id": "1",
    "inputs": {"allowedAccountIds": f'["{HUB}"]', "region": "us-east-1"},
}


def test_an_export_is_read_with_provider_parent_protection_and_sources() -> None:
    state = {
        "urn": "urn:q::queue",
        "type": QUEUE,
        "outputs": {"name": "queue"},
        "parent": "urn:c::component",
        "provider": "urn:p::hub::1",
        "protect": True,
        "propertyDependencies": {"kmsMasterKeyId": ["urn:k::key"], "name": None},
    }
    gone = {**state, "urn": "urn:q::gone", "delete": True}
    _, found = exported_resources(exported(PROVIDER_STATE, state, gone))
    assert found == Resource(
        QUEUE,
        "queue",
        {"name": "queue"},
        "urn:q::queue",
        {"kmsMasterKeyId": frozenset(("urn:k::key",)), "name": frozenset()},
        parent="urn:c::component",
        place=Place(HUB, "us-east-1"),
        protected=True,
    )


@pytest.mark.parametrize("export", [{}, {"deployment": None}, {"deployment": {"resources": {}}}])
def test_what_is_no_export_is_refused(export: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="pulumi stack export"):
        exported_resources(export)


def test_every_finding_is_told_with_rule_resource_and_waiver() -> None:
    bare = Resource(LOG_GROUP, "log", {"retentionInDays": 30, "kmsKeyId": UNKNOWN}, "urn::log")
    waiver = Waiver("logs-group-require-retention", "lo*", "team@example.com", "short", date(2027, 1, 31))
    found = judgements((bare,), Configuration())
    assert [(each.rule, each.resource) for each in found.violations] == [("logs-group-require-retention", "log")]
    assert [(each.rule, each.resource) for each in found.pending] == [("logs-group-require-customer-key", "log")]
    waived = judgements((bare,), Configuration(), Waivers((waiver,)))
    assert waived.violations == ()
    assert [each.waiver for each in waived.waived] == [waiver]


WAIVER = """\
waivers:
  - rule: logs-group-require-retention
    resource: ledger-*
    owner: team@example.com
    reason: The log is copied elsewhere.
    expires: 2027-01-31
"""


def waivers(tmp_path: Path, text: str, today: date = date(2027, 1, 31)) -> Waivers:
    file = tmp_path / "waivers.yaml"
    file.write_text(text, encoding="utf-8")
    return read_waivers(file, today, rule_names())


def test_a_waiver_holds_for_its_rule_and_resources_until_its_day_is_over(tmp_path: Path) -> None:
    valid = waivers(tmp_path, WAIVER)
    assert valid.covers("logs-group-require-retention", "ledger-log")
    assert not valid.covers("logs-group-require-retention", "payroll-log")
    assert not valid.covers("logs-group-require-customer-key", "ledger-log")
    over = waivers(tmp_path, WAIVER, date(2027, 2, 1))
    assert not over.covers("logs-group-require-retention", "ledger-log")
    assert [waiver.resource for waiver in over.expired] == ["ledger-*"]
    assert read_waivers(tmp_path / "none.yaml", date(2027, 1, 31), rule_names()) == Waivers()


def test_a_broken_waivers_file_is_told_all_at_once(tmp_path: Path) -> None:
    text = WAIVER + (
        "  - rule: no-such-rule-here\n    resource: '*'\n    owner: ''\n    expires: soon\n    until: 2027-01-31\n"
        "  - text\n"
    )
    with pytest.raises(SystemExit) as refused:
        waivers(tmp_path, text)
    lines = str(refused.value).splitlines()
    assert [line.partition("waiver ")[2].partition(":")[0] for line in lines] == ["2"] * 6 + ["3"]
    for word in ("'no-such-rule-here'", "everything", "owner", "reason", "'soon'", "until"):
        assert any(word in line for line in lines), word


@pytest.mark.parametrize("text", ["waivers: {}\n", "- rule\n", "waivers: [\n", ""])
def test_a_waivers_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SystemExit, match=r"waivers\.yaml"):
        waivers(tmp_path, text)


def test_the_landing_zones_file_beside_the_pack_configures_it(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    pack = tmp_path / "policies"
    assert landing_zone_configuration(pack) == Configuration()
    file = tmp_path / "stacks" / "Pulumi.landing-zone.yaml"
    file.write_text(
        "config:\n  golden-ami:landingZone:\n"
        f"    hub: {{account: '{HUB}'}}\n    targets: {{production: {{account: '{TARGET}'}}}}\n"
        "    organizations: [o-abcdefghij]\n    tags: {owner: team@example.com}\n",
        encoding="utf-8",
    )
    expected = Configuration(
        frozenset((HUB, TARGET)), frozenset(("o-abcdefghij",)), frozenset(("owner", "golden-ami:stack"))
    )
    assert landing_zone_configuration(pack) == expected
    assert Configuration.of(expected.properties()) == expected
    assert configuration_of(None).accounts == frozenset()
    file.write_text("config: [", encoding="utf-8")
    with pytest.raises(SystemExit, match="landing-zone"):
        landing_zone_configuration(pack)
