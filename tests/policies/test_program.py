"""The real program under the whole pack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.landing_zone import LandingZoneAccounts, LandingZoneAccountsArgs
from components.product_pipeline import ProductPipeline, ProductPipelineArgs
from components.providers import account_providers
from model.files.landing_zone import LandingZone
from model.files.loading import StackFile
from model.files.product import Product
from model.files.recipe import read_components
from model.files.recipe_versions import versioned_recipe
from model.files.retention import Retention
from model.files.scan import Maximum, Scan
from model.files.schedule import Schedule
from model.versions import PublishedVersions
from policies.rules.catalogue import RESOURCE_RULES
from policies.rules.configuration import Configuration
from policies.rules.judgement import judgements
from policies.rules.places import PROVIDER, Place, place_of
from policies.rules.rule import Resource
from tests.model.files.journal import journal
from tests.policies.examples import WAIVERS

PROJECT = Path(__file__).parents[2]


class FinalState(mocks.Mocks):
    """Answers each resource as after an update: with ids, ARNs and URLs."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.places: dict[str, Place] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        region = args.inputs.get("region", "us-east-1")
        arn = f"arn:aws:{args.typ.split(':')[1].split('/')[0]}:{region}:111111111111:key/{args.name}"
        made = {"arn": arn, "url": f"https://{args.name}", "keyId": f"{args.name}-key-id"}
        state = {**made, **args.inputs}
        # Mocks do not tell a resource's options; whole products through the engine do (test_mutants).
        if args.typ == PROVIDER:
            self.places[args.name] = place_of(args.inputs)
        place = self.places.get((args.provider or "").split("::")[-2:][0], Place())
        made_one = Resource(args.typ, args.name, state, f"urn:{args.typ}::{args.name}", place=place, protected=True)
        self.resources.append(made_one)
        return f"{args.name}-id", state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {"vpcId": "vpc-00000001", "id": "subnet-00000001"}, []


def deployed(build: Callable[[], None]) -> list[Resource]:
    state = FinalState()
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(state, project="golden-ami", stack="test")

    @pulumi.runtime.test
    def program() -> None:
        build()

    program()
    return state.resources


def product_stack(product: Product, landing_zone: LandingZone) -> list[Resource]:
    components = read_components(product, landing_zone, PROJECT)
    file = StackFile(f"Pulumi.{product.name}.yaml", {}, None)
    recipe = versioned_recipe(product, product.names(landing_zone), components, PublishedVersions(), file)

    def build() -> None:
        providers = account_providers(landing_zone, "test", product.plan(landing_zone).role_accounts)
        ProductPipeline(
            product.name,
            ProductPipelineArgs(product=product, recipe=recipe, landing_zone=landing_zone, providers=providers),
            pulumi.ResourceOptions(providers=[providers[landing_zone.hub.account]]),
        )

    return deployed(build)


LANDING_ZONE = Configuration(frozenset(("111111111111", "222222222222", "333333333333")), frozenset(("o-abcdefghij",)))


def findings(resources: list[Resource]) -> list[str]:
    single = [
        finding
        for resource in resources
        for rule in RESOURCE_RULES
        if resource.type in rule.types
        for finding in rule.findings(resource, LANDING_ZONE)
        if not WAIVERS.covers(rule.name, resource.name, finding.statement)
    ]
    whole = judgements(tuple(resources), LANDING_ZONE, WAIVERS)
    return [finding.message for finding in single] + [each.message for each in (*whole.violations, *whole.pending)]


@pytest.fixture(scope="module", params=["ledger", "payroll"])
def resources(request: pytest.FixtureRequest, landing_zone: LandingZone) -> list[Resource]:
    """An example's resources, and those of what else a product may state."""
    example: Product = request.getfixturevalue(request.param)
    more = {
        "schedule": Schedule(expression="rate(7 days)"),
        "scan": Scan(maximum=Maximum(critical=0)),
        "retention": Retention.model_validate({"afterDays": 90}),
    }
    return product_stack(example.model_copy(update=more), landing_zone)


def test_what_the_program_makes_keeps_every_rule(resources: list[Resource]) -> None:
    assert findings(resources) == []


def test_a_product_that_is_shared_with_an_organisation_keeps_every_rule(landing_zone: LandingZone) -> None:
    stem = "arn:aws:organizations::999999999999"
    share = {
        "accounts": ("workloads-test",),
        "organizations": (f"{stem}:organization/o-abcdefghij",),
        "organizationalUnits": (f"{stem}:ou/o-abcdefghij/ou-abcd-12345678",),
    }
    consumer = {"account": "workloads-test", "role": "hosts", "mode": "create"}
    distribution = ({"region": "us-east-1", "share": share, "parameters": ("/team/ami",)},)
    base = {"ssmParameter": "/team/base"}
    product = journal(
        landing_zone, baseImage=base, subnet="subnet-00000001", distribution=distribution, consumers=(consumer,)
    )
    assert findings(product_stack(product, landing_zone)) == []


@pytest.mark.parametrize(("owner", "kept"), [("amazon", True), ("", False)])
def test_a_product_that_starts_from_an_ami_keeps_every_rule_where_its_owner_was_looked_up(
    landing_zone: LandingZone, owner: str, kept: bool
) -> None:
    ami = "ami-0123456789abcdef0"
    product = journal(landing_zone, subnet="subnet-00000001", baseImage={"amiId": ami}).starting_from(ami, owner)
    assert (findings(product_stack(product, landing_zone)) == []) is kept


def test_what_the_landing_zone_makes_keeps_every_rule(landing_zone: LandingZone) -> None:
    def build() -> None:
        providers = account_providers(landing_zone, "test")
        LandingZoneAccounts("landing-zone", LandingZoneAccountsArgs(landing_zone=landing_zone, providers=providers))

    made = deployed(build)
    assert [resource for resource in made if resource.type.endswith(":RolePolicy")]
    assert findings(made) == []


def test_the_program_makes_something_for_nearly_every_rule(resources: list[Resource]) -> None:
    types = {resource.type for resource in resources}
    idle = {rule.name for rule in RESOURCE_RULES if not types & set(rule.types)}
    # Instances, images, volumes and account settings are other projects' to make, as is what these names tell.
    others = ("ebs-", "ec2-image-", "ec2-instance-", "lambda-url-", "s3-acl-", "ssm-")
    # Only the example with Auto Scaling makes grants.
    assert {name for name in idle if not name.startswith(others)} <= {"kms-grant-scope-accounts"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("BucketServerSideEncryptionConfiguration", "s3-bucket-require-customer-key"),
        ("BucketVersioning", "s3-bucket-require-versioning"),
        ("BucketPublicAccessBlock", "s3-bucket-block-public-access"),
        ("BucketOwnershipControls", "s3-bucket-disable-acls"),
        ("BucketPolicy", "s3-bucket-require-tls"),
        ("TopicPolicy", "sns-topic-require-tls"),
        ("QueuePolicy", "sqs-queue-require-tls"),
    ],
)
def test_leaving_out_a_companion_of_the_program_breaks_its_rule(
    resources: list[Resource], kind: str, name: str
) -> None:
    rest = tuple(resource for resource in resources if not resource.type.endswith(f":{kind}"))
    assert len(rest) < len(resources)
    broken = {each.rule for each in judgements(rest, LANDING_ZONE, WAIVERS).violations}
    also = {"s3-bucket-require-own-key"} if kind == "BucketPolicy" else set[str]()
    assert broken == {name} | also


def test_a_replica_key_that_admits_everybody_is_refused(resources: list[Resource]) -> None:
    open_to_all = {"Sid": "Leak", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    (replica,) = [resource for resource in resources if resource.type.endswith(":ReplicaKey")]
    policy = json.loads(replica.properties["policy"])
    replica.properties["policy"] = json.dumps({**policy, "Statement": [*policy["Statement"], open_to_all]})
    found = findings(resources)
    assert found
    assert all("Leak" in message for message in found)
