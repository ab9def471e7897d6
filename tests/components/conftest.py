"""A preview without an engine: what a stack's components ask of AWS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.landing_zone import LandingZoneAccounts, LandingZoneAccountsArgs
from components.product_pipeline import ProductPipeline, ProductPipelineArgs
from components.providers import account_providers
from model.files.component_bucket import StoredDocuments
from model.files.landing_zone import LandingZone
from model.files.loading import StackFile
from model.files.product import Product
from model.files.recipe import read_components
from model.files.recipe_versions import versioned_recipe
from model.versions import PublishedVersions

REPOSITORY = Path(__file__).parents[2]
NEW = PublishedVersions()
"""What Image Builder holds of a product that was never deployed."""


@dataclass(frozen=True)
class Registered:
    """A resource as the engine would see it."""

    type: str
    name: str
    inputs: dict[str, Any]
    provider: str


class Recorder(mocks.Mocks):
    """Answers each resource with its inputs, an id and an ARN in its Region."""

    def __init__(self) -> None:
        self.resources: list[Registered] = []
        self.calls: list[str] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = dict(args.inputs)
        self.resources.append(Registered(args.typ, args.name, inputs, args.provider or ""))
        region = inputs.get("region", "us-east-1")
        service = args.typ.split(":")[1].split("/")[0]
        arn = f"arn:aws:{service}:{region}:111111111111:key/{args.name}"
        return f"{args.name}-id", {"arn": arn, "keyId": f"{args.name}-key-id", **inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        self.calls.append(args.token)
        return {"vpcId": "vpc-00000001", "id": "subnet-00000001", "ids": ["subnet-0000000b", "subnet-0000000a"]}, []

    def of_type(self, kind: str) -> list[Registered]:
        """All resources whose type ends so."""
        return [resource for resource in self.resources if resource.type.endswith(f":{kind}")]

    def one(self, kind: str, part: str = "") -> Registered:
        """The only resource of a type whose name contains a part."""
        (found,) = [resource for resource in self.of_type(kind) if part in resource.name]
        return found


def run(build: Callable[[], Any], recorder: Recorder | None = None) -> Recorder:
    recorder = recorder or Recorder()
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(recorder, project="golden-ami", stack="test")

    @pulumi.runtime.test
    def program() -> None:
        build()

    program()
    return recorder


@pytest.fixture(scope="session")
def product_resources() -> Callable[..., Recorder]:
    """Runs a product's component and returns what it registered."""

    def build(
        product: Product,
        landing_zone: LandingZone,
        published: PublishedVersions = NEW,
        project: Path = REPOSITORY,
        stored: StoredDocuments | None = None,
    ) -> Recorder:
        names = product.names(landing_zone)
        components = read_components(product, landing_zone, project, stored)
        recipe = versioned_recipe(product, names, components, published, StackFile("", {}, None))

        def program() -> None:
            providers = account_providers(landing_zone, "test", product.plan(landing_zone).role_accounts, product.tags)
            ProductPipeline(
                product.name,
                ProductPipelineArgs(product=product, recipe=recipe, landing_zone=landing_zone, providers=providers),
                pulumi.ResourceOptions(providers=[providers[landing_zone.hub.account]]),
            )

        return run(program)

    return build


@pytest.fixture(scope="session")
def ledger_resources(
    product_resources: Callable[[Product, LandingZone], Recorder], ledger: Product, landing_zone: LandingZone
) -> Recorder:
    """What the Linux example asks for."""
    return product_resources(ledger, landing_zone)


@pytest.fixture
def landing_zone_resources() -> Callable[[LandingZone], Recorder]:
    """Runs the landing zone's component and returns what it registered."""

    def build(landing_zone: LandingZone) -> Recorder:
        def program() -> None:
            providers = account_providers(landing_zone, "test")
            LandingZoneAccounts("landing-zone", LandingZoneAccountsArgs(landing_zone=landing_zone, providers=providers))

        return run(program)

    return build
