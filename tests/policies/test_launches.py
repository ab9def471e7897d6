"""Rules about who can launch from a product's image, on the resources of a whole stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from model.distribution import ConsumerRole, DistributionPlan, RegionTarget, SharedWith
from model.key_policies import AUTO_SCALING_OPERATIONS, image_key_policy
from model.names import TAG_PRODUCT, auto_scaling_role_arn
from model.target_policies import consumer_key_policy, consumer_launch_policy, key_symbol
from policies.rules import imagebuilder, kms, launches
from policies.rules.configuration import Configuration
from policies.rules.places import Place
from policies.rules.rule import Resource
from policies.rules.symbols import with_symbols
from policies.rules.values import UNKNOWN, Finding
from tests.policies.verdict import BROKEN, KEPT, PENDING, of

HUB, TARGET, SHARED, STRANGER = "111111111111", "222222222222", "333333333333", "999999999999"
HOME, AWAY = "us-east-1", "eu-central-1"
LANDING_ZONE = Configuration(frozenset((HUB, TARGET, SHARED)))
PLAN = DistributionPlan(
    HUB,
    HOME,
    (RegionTarget(HOME, (TARGET,)), RegionTarget(AWAY, (), SharedWith(accounts=(SHARED,)))),
    (
        ConsumerRole(TARGET, "team/ledger-instances", create=True),
        ConsumerRole(SHARED, "existing", create=False, auto_scaling=True),
    ),
    deployment_roles={account: f"arn:aws:iam::{account}:role/deployment" for account in (HUB, TARGET, SHARED)},
)
KEYS = {region: f"arn:aws:kms:{region}:{HUB}:key/mrk-0123" for region in (HOME, AWAY)}


def urn(name: str) -> str:
    return f"urn:pulumi:ledger::golden-ami::{name}"


def key(region: str) -> Resource:
    policy = image_key_policy(PLAN, region, ()).json()
    kind = kms.KEY if region == HOME else kms.REPLICA
    properties = {"arn": KEYS[region], "policy": policy}
    return Resource(kind, f"key-{region}", properties, urn(f"key-{region}"), place=Place(HUB, region))


def distribution() -> Resource:
    def entry(region: str, **settings: Any) -> dict[str, Any]:
        return {
            "region": region,
            "amiDistributionConfiguration": {
                "kmsKeyId": KEYS[region],
                "amiTags": {TAG_PRODUCT: "ledger"},
                **settings,
            },
        }

    entries = [entry(HOME, targetAccountIds=[TARGET]), entry(AWAY, launchPermission={"userIds": [SHARED]})]
    sources = {"distributions": frozenset(urn(f"key-{region}") for region in KEYS)}
    return Resource(
        "aws:imagebuilder/distributionConfiguration:DistributionConfiguration",
        "distribution",
        {"distributions": entries},
        urn("distribution"),
        sources,
        place=Place(HUB, HOME),
    )


def consumer_resources(consumer: ConsumerRole) -> list[Resource]:
    place, component = Place(consumer.account, HOME), urn(f"target-{consumer.account}")
    regions = PLAN.regions_of(consumer.account)
    name = f"{consumer.name}-image-key"
    document = consumer_key_policy(tuple(KEYS[region] for region in regions)).json()
    registered = consumer_key_policy(tuple(key_symbol(region) for region in regions)).as_dict()
    use = Resource(
        "aws:iam/rolePolicy:RolePolicy",
        name,
        {"role": consumer.name, "policy": document},
        urn(name),
        {"policy": frozenset(urn(f"key-{region}") for region in regions)},
        parent=component,
        place=place,
    )
    target = Resource(
        "golden-ami:target:TargetAccount",
        f"target-{consumer.account}",
        {"account": consumer.account, "policies": {name: registered}},
        component,
    )
    if not consumer.create:
        return [target, use]
    role = Resource("aws:iam/role:Role", "role", {"name": consumer.name}, urn("role"), parent=component, place=place)
    launch = Resource(
        "aws:iam/rolePolicy:RolePolicy",
        "launch",
        {"role": UNKNOWN, "policy": consumer_launch_policy("ledger", consumer.arn, regions).json()},
        urn("launch"),
        {"role": frozenset((urn("role"),))},
        parent=component,
        place=place,
    )
    return [target, use, role, launch]


def grant() -> Resource:
    properties = {
        "keyId": KEYS[AWAY],
        "granteePrincipal": auto_scaling_role_arn(SHARED),
        "operations": list(AUTO_SCALING_OPERATIONS),
    }
    sources = {"keyId": frozenset((urn(f"key-{AWAY}"),))}
    return Resource("aws:kms/grant:Grant", "grant", properties, urn("grant"), sources, place=Place(SHARED, AWAY))


def deployed() -> list[Resource]:
    promised = [
        {
            "arn": consumer.arn,
            "regions": list(PLAN.regions_of(consumer.account)),
            "create": consumer.create,
            "autoScaling": consumer.auto_scaling,
        }
        for consumer in PLAN.consumers
    ]
    properties = {"account": HUB, "product": "ledger", "consumers": promised}
    pipeline = Resource("golden-ami:product:ProductPipeline", "ledger", properties, urn("ledger"))
    consumers = [resource for consumer in PLAN.consumers for resource in consumer_resources(consumer)]
    return [pipeline, key(HOME), key(AWAY), distribution(), grant(), *consumers]


def previewed() -> list[Resource]:
    """The stack before its keys are made."""
    hidden = {
        **{urn(f"key-{region}"): ("arn",) for region in KEYS},
        urn("grant"): ("keyId",),
        **{urn(f"{consumer.name}-image-key"): ("policy",) for consumer in PLAN.consumers},
    }
    resources = [
        replace(each, properties={**each.properties, **dict.fromkeys(hidden.get(each.urn, ()), UNKNOWN)})
        for each in deployed()
    ]
    for entry in named(resources, "distribution").properties["distributions"]:
        entry["amiDistributionConfiguration"]["kmsKeyId"] = UNKNOWN
    return resources


def named(resources: list[Resource], name: str) -> Resource:
    (found,) = [resource for resource in resources if resource.name == name]
    return found


def without(resources: list[Resource], name: str) -> list[Resource]:
    return [resource for resource in resources if resource is not named(resources, name)]


def findings(resources: list[Resource]) -> list[Finding]:
    return list(launches.require_access.findings(with_symbols(resources), LANDING_ZONE))


def messages(resources: list[Resource]) -> str:
    return "\n".join(finding.message for finding in findings(resources))


STATES: list[Callable[[], list[Resource]]] = [deployed, previewed]


@pytest.mark.parametrize("state", STATES)
def test_a_stack_that_keeps_its_promises_passes(state: Callable[[], list[Resource]]) -> None:
    assert findings(state()) == []


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ("ledger-instances-image-key", "role/team/ledger-instances cannot launch in us-east-1: key fails"),
        ("launch", "role/team/ledger-instances cannot launch in us-east-1: channel fails"),
        ("existing-image-key", "role/existing cannot launch in eu-central-1: key fails"),
        ("grant", "AWSServiceRoleForAutoScaling cannot launch in eu-central-1: key fails"),
        ("distribution", "is promised the image in us-east-1, where the distribution gives its account none"),
        ("key-eu-central-1", "role/existing is promised the image in eu-central-1"),
    ],
)
def test_what_a_launch_needs_and_is_lost_is_told(state: Callable[[], list[Resource]], lost: str, told: str) -> None:
    found = findings(without(state(), lost))
    assert told in "\n".join(finding.message for finding in found)
    assert of(iter(found)) == BROKEN


@pytest.mark.parametrize("state", STATES)
def test_a_key_policy_that_leaves_a_consumer_out_is_told(state: Callable[[], list[Resource]]) -> None:
    resources = state()
    narrow = image_key_policy(replace(PLAN, consumers=PLAN.consumers[:1]), AWAY, ()).json()
    named(resources, f"key-{AWAY}").properties["policy"] = narrow
    assert "role/existing cannot launch in eu-central-1: key fails" in messages(resources)
    assert "policy of key-eu-central-1" in messages(resources)


@pytest.mark.parametrize("state", STATES)
def test_a_region_that_does_not_give_the_account_a_copy_is_told(state: Callable[[], list[Resource]]) -> None:
    resources = state()
    named(resources, "distribution").properties["distributions"][0]["amiDistributionConfiguration"].update(
        targetAccountIds=[SHARED]
    )
    assert "role/team/ledger-instances is promised the image in us-east-1" in messages(resources)


@pytest.mark.parametrize("state", STATES)
def test_copies_without_the_products_tag_are_no_images_that_a_role_may_launch(
    state: Callable[[], list[Resource]],
) -> None:
    resources = state()
    named(resources, "distribution").properties["distributions"][0]["amiDistributionConfiguration"]["amiTags"] = {}
    assert "cannot launch in us-east-1: image fails" in messages(resources)


def test_a_policy_for_another_key_is_refused_before_the_keys_are_there() -> None:
    resources = previewed()
    use = named(resources, "ledger-instances-image-key")
    wrong = replace(use, sources={"policy": frozenset((urn(f"key-{AWAY}"),))})
    assert "cannot launch in us-east-1: key" in messages([*without(resources, use.name), wrong])


def test_a_policy_that_is_unknown_for_another_reason_waits_and_so_does_an_unknown_key_policy() -> None:
    resources = previewed()
    use = named(resources, "ledger-instances-image-key")
    foreign = replace(use, sources={"policy": frozenset()})
    assert of(iter(findings([*without(resources, use.name), foreign]))) == PENDING
    named(resources, f"key-{HOME}").properties["policy"] = UNKNOWN
    assert of(iter(findings(resources))) == PENDING


def test_a_stack_without_products_promises_nothing() -> None:
    assert findings(without(deployed(), "ledger")) == []


def stranger_can(resources: list[Resource], configuration: Configuration = LANDING_ZONE) -> str:
    return of(launches.forbid_strangers.findings(with_symbols(resources), configuration))


def opened(resources: list[Resource], **elements: Any) -> list[Resource]:
    one = named(resources, f"key-{HOME}")
    document = json.loads(one.properties["policy"])
    statement = {"Sid": "Open", "Effect": "Allow", "Action": "kms:*", "Resource": "*", **elements}
    one.properties["policy"] = json.dumps({**document, "Statement": [*document["Statement"], statement]})
    return resources


@pytest.mark.parametrize("state", STATES)
def test_keys_of_the_landing_zone_are_open_to_nobody_else(state: Callable[[], list[Resource]]) -> None:
    assert stranger_can(state()) == KEPT
    assert stranger_can(opened(state(), Principal={"AWS": f"arn:aws:iam::{SHARED}:root"})) == KEPT
    assert stranger_can(opened(state(), Principal="*"), Configuration()) == KEPT


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "elements",
    [
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}, "Action": "kms:CreateGrant"},
        {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}, "Action": ["kms:Decrypt"]},
        {"Principal": "*", "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}},
        {"Principal": "*", "Condition": {"StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"}}},
        {"NotPrincipal": {"AWS": f"arn:aws:iam::{HUB}:root"}},
    ],
)
def test_a_key_that_another_account_may_use_is_refused(
    state: Callable[[], list[Resource]], elements: dict[str, Any]
) -> None:
    assert stranger_can(opened(state(), **elements)) == BROKEN


@pytest.mark.parametrize("state", STATES)
def test_a_key_policy_that_is_unknown_waits(state: Callable[[], list[Resource]]) -> None:
    resources = state()
    named(resources, f"key-{HOME}").properties["policy"] = UNKNOWN
    assert stranger_can(resources) == PENDING
    opened_key = named(resources, f"key-{AWAY}")
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    opened_key.properties["policy"] = json.dumps({"Statement": [open_to_all]})
    assert stranger_can(resources) == BROKEN


def regional_keys(resources: list[Resource]) -> str:
    (configuration,) = [each for each in with_symbols(resources) if each.name == "distribution"]
    return of(imagebuilder.require_key_in_every_region.findings(configuration, LANDING_ZONE))


def test_a_region_in_which_no_key_of_the_stack_lies_is_refused_before_the_keys_are_there() -> None:
    resources = previewed()
    assert regional_keys(resources) == PENDING
    named(resources, "distribution").properties["distributions"][1]["region"] = "ap-south-1"
    assert regional_keys(resources) == BROKEN


def test_a_key_that_may_come_from_elsewhere_waits() -> None:
    resources = previewed()
    configuration = named(resources, "distribution")
    configuration.properties["distributions"][1]["region"] = "ap-south-1"
    sources = {"distributions": configuration.sources["distributions"] | {urn("elsewhere")}}
    moved = replace(configuration, sources=sources)
    assert regional_keys([*without(resources, "distribution"), moved]) == PENDING
