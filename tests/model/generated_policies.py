"""Every policy that the program can make, for products of every kind, by the function that makes it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import model
from model import (
    deployment_role,
    hub_policies,
    key_policies,
    pipeline_policies,
    retention_policies,
    scan_deployment,
    scan_policies,
    schedule_policies,
    target_policies,
    upload_policies,
)
from model.distribution import DistributionPlan
from model.documents import PolicyDocument, trust_policy
from model.files.base_image import BaseImage
from model.files.component_bucket import ComponentBucket, documents_arns
from model.files.consumers import Consumer, ConsumerMode
from model.files.distribution import Distribution
from model.files.fast_launch import FastLaunch
from model.files.infrastructure import InstanceProfile
from model.files.landing_zone import LandingZone
from model.files.loading import load_landing_zone, load_product, stack_path
from model.files.product import Product
from model.files.retention import Retention
from model.names import ProductNames

PROJECT = Path(__file__).parents[2]


class Kind(Enum):
    """What a policy is put on."""

    IDENTITY = "role"
    TRUST = "role's trust"
    RESOURCE = "bucket, topic or queue"
    KEY = "key"


@dataclass(frozen=True)
class Circumstances:
    """A product in its landing zone, with what AWS would have given its keys."""

    landing_zone: LandingZone
    product: Product

    @property
    def plan(self) -> DistributionPlan:
        return self.product.plan(self.landing_zone)

    @property
    def names(self) -> ProductNames:
        return self.product.names(self.landing_zone)

    @property
    def data_key(self) -> str:
        return self._key(self.plan.build_region, "0" * 32)

    @property
    def image_keys(self) -> tuple[str, ...]:
        return tuple(self._key(region, f"mrk-{'1' * 32}") for region in self.plan.key_regions)

    def _key(self, region: str, key: str) -> str:
        return f"arn:aws:kms:{region}:{self.plan.hub}:key/{key}"


def circumstances() -> list[Circumstances]:
    """The examples and other kinds of products.

    One is of the hub alone, one has each kind of role in each kind of account, one is shared, and of one the roles are
    given and the Windows image launches fast.
    """
    landing_zone = load_landing_zone(stack_path(PROJECT, "landing-zone"))
    examples = [load_product(stack_path(PROJECT, name), landing_zone) for name in ("ledger", "payroll")]
    accounts = ("hub", *landing_zone.targets)
    alone = {
        "name": "alone",
        "distribution": (),
        "consumers": tuple(_consumer("hub", f"alone-{mode.value}", mode, True) for mode in ConsumerMode),
    }
    every_kind: dict[str, Any] = {
        "component_bucket": ComponentBucket(name="documents-of-teams", prefix="components/"),
        "name": "every-kind",
        "retention": Retention.model_validate({"afterDays": 90}),
        "consumers": tuple(
            _consumer(account, f"teams/{mode.value}-{scaling}", mode, scaling)
            for account in landing_zone.targets
            for mode in ConsumerMode
            for scaling in (False, True)
        ),
        "uploaders": tuple(
            f"arn:aws:iam::{account}:role/teams/uploader"
            for account in (*(landing_zone.account_id(name) for name in accounts), "999999999999")
        ),
    }
    shared = {"name": "shared", "retention": every_kind["retention"], "distribution": tuple(_shared(landing_zone))}
    given = {
        "name": "given",
        "distribution": (),
        "consumers": (),
        "fast_launch": FastLaunch(),
        "base_image": BaseImage.model_validate({"ssmParameter": "/own/base"}),
        "instance_profile": InstanceProfile(name="builders", role="teams/builder"),
        "execution_role": "teams/runner",
    }
    products = [
        *examples,
        *(examples[0].model_copy(update=facts) for facts in (alone, every_kind, shared)),
        examples[1].model_copy(update=given),
    ]
    return [Circumstances(landing_zone, product) for product in products]


def _shared(landing_zone: LandingZone) -> Iterator[Distribution]:
    """Copies with parameters of the team's in the first Region, shares with everybody in the others."""
    targets = tuple(landing_zone.targets)
    first, *others = landing_zone.regions
    yield Distribution(region=first, accounts=targets, parameters=("/team/ami",))
    stem = "arn:aws:organizations::999999999999"
    for region in others:
        yield Distribution.model_validate(
            {
                "region": region,
                "share": {
                    "accounts": targets,
                    "organizations": (f"{stem}:organization/o-abcdefghij",),
                    "organizationalUnits": (f"{stem}:ou/o-abcdefghij/ou-abcd-12345678",),
                },
                "parameters": ("/team/ami",),
                "licenseConfigurations": (
                    f"arn:aws:license-manager:{region}:111111111111:license-configuration:lic-{'1' * 32}",
                ),
                "launchTemplates": tuple(
                    {"account": name, "id": f"lt-{number:017x}"} for number, name in enumerate(("hub", *targets))
                ),
            }
        )


def _consumer(account: str, role: str, mode: ConsumerMode, scaling: bool) -> Consumer:
    return Consumer.model_validate({"account": account, "role": role, "mode": mode, "autoScaling": scaling})


DEPENDENCIES = (
    "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "ssm:/golden-ami/hardened-linux/stable",
    "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x",
)

Documents = Callable[[Circumstances], list[PolicyDocument]]


def _service_trusts(_given: Circumstances) -> list[PolicyDocument]:
    return [hub_policies.service_trust("Assumed", f"{name}.amazonaws.com") for name in ("ec2", "lambda")]


def _hub_deployment(given: Circumstances) -> list[PolicyDocument]:
    plan, regions = given.plan, given.landing_zone.regions
    documents = documents_arns([given.product.component_bucket])
    return [
        deployment_role.hub_deployment_policy(plan.hub, plan.build_region, regions, (variant,), documents)
        for variant in (replace(plan, scheduled=False), replace(plan, scheduled=True))
    ]


def _scanning_deployment(given: Circumstances) -> list[PolicyDocument]:
    hub, region = given.plan.hub, given.plan.build_region
    workflow = f"arn:aws:imagebuilder:{region}:{hub}:workflow/test/own/x.x.x"
    asked = (
        scan_deployment.Scanning(inspector=True, scans=True, workflows=(workflow,)),
        scan_deployment.Scanning(inspector=True),
        scan_deployment.Scanning(workflows=(workflow,)),
    )
    return [scan_deployment.scanning_deployment_policy(hub, region, scanning) for scanning in asked]


def _target_deployment(given: Circumstances) -> list[PolicyDocument]:
    accounts = [target.account for target in given.landing_zone.targets.values()]
    return [deployment_role.target_deployment_policy(account, (given.plan,)) for account in accounts]


def _consumer_launch(given: Circumstances) -> list[PolicyDocument]:
    plan, product = given.plan, given.product.name
    return [
        target_policies.consumer_launch_policy(
            product, consumer.arn, plan.regions_of(consumer.account), plan.shared_with(consumer.account)
        )
        for consumer in plan.consumers
    ]


def _distribution_role(given: Circumstances) -> list[PolicyDocument]:
    hub, targets = given.plan.hub, given.plan.target_accounts
    return [target_policies.distribution_role_policy(hub, account) for account in targets]


def _distribution_extensions(given: Circumstances) -> list[PolicyDocument]:
    return [
        target_policies.distribution_extension_policy(given.product.name, given.plan, account)
        for account in given.plan.extended_accounts
    ]


def _retention_extensions(given: Circumstances) -> list[PolicyDocument]:
    documents = [
        retention_policies.retention_extension_policy(given.plan, each) for each in given.plan.extended_accounts
    ]
    return [document for document in documents if document.statements]


def _image_keys(given: Circumstances) -> list[PolicyDocument]:
    plan, administrators = given.plan, given.landing_zone.key_administrators
    return [key_policies.image_key_policy(plan, region, administrators) for region in plan.key_regions]


MADE: dict[Callable[..., PolicyDocument], tuple[Kind, Documents]] = {
    deployment_role.deployment_role_trust: (
        Kind.TRUST,
        lambda given: [deployment_role.deployment_role_trust(given.plan.hub)],
    ),
    deployment_role.hub_deployment_policy: (Kind.IDENTITY, _hub_deployment),
    deployment_role.target_deployment_policy: (Kind.IDENTITY, _target_deployment),
    hub_policies.service_trust: (Kind.TRUST, _service_trusts),
    pipeline_policies.execution_role_trust: (
        Kind.TRUST,
        lambda given: [pipeline_policies.execution_role_trust(given.plan.hub)],
    ),
    pipeline_policies.build_instance_policy: (
        Kind.IDENTITY,
        lambda given: [pipeline_policies.build_instance_policy(given.names, given.data_key)],
    ),
    pipeline_policies.log_writer_policy: (
        Kind.IDENTITY,
        lambda given: [
            pipeline_policies.log_writer_policy(given.names, "build-logs", key) for key in (None, given.data_key)
        ],
    ),
    pipeline_policies.execution_policy: (
        Kind.IDENTITY,
        lambda given: [
            pipeline_policies.execution_policy(given.names, given.plan, given.image_keys, base)
            for base in (None, "hardened-linux")
        ],
    ),
    hub_policies.start_function_policy: (
        Kind.IDENTITY,
        lambda given: [
            hub_policies.start_function_policy(given.names, given.data_key, dependencies)
            for dependencies in ((), DEPENDENCIES)
        ],
    ),
    schedule_policies.schedule_role_trust: (
        Kind.TRUST,
        lambda given: [schedule_policies.schedule_role_trust(given.names)],
    ),
    schedule_policies.schedule_role_policy: (
        Kind.IDENTITY,
        lambda given: [schedule_policies.schedule_role_policy(given.names, given.data_key)],
    ),
    hub_policies.report_function_policy: (
        Kind.IDENTITY,
        lambda given: [hub_policies.report_function_policy(given.names, given.plan, given.data_key)],
    ),
    hub_policies.sweep_function_policy: (
        Kind.IDENTITY,
        lambda given: [hub_policies.sweep_function_policy(given.names, given.plan, given.data_key)],
    ),
    retention_policies.lifecycle_role_trust: (
        Kind.TRUST,
        lambda given: [retention_policies.lifecycle_role_trust(given.plan.hub)],
    ),
    retention_policies.lifecycle_role_policy: (
        Kind.IDENTITY,
        lambda given: [retention_policies.lifecycle_role_policy(account) for account in given.plan.target_accounts],
    ),
    retention_policies.retention_extension_policy: (Kind.IDENTITY, _retention_extensions),
    retention_policies.lifecycle_execution_policy: (
        Kind.IDENTITY,
        lambda given: [retention_policies.lifecycle_execution_policy(given.names, given.plan)],
    ),
    hub_policies.bucket_policy: (
        Kind.RESOURCE,
        lambda given: [hub_policies.bucket_policy(given.names, given.plan, given.data_key)],
    ),
    hub_policies.topic_policy: (Kind.RESOURCE, lambda given: [hub_policies.topic_policy(given.names)]),
    hub_policies.queue_policy: (
        Kind.RESOURCE,
        lambda given: [hub_policies.queue_policy(given.names, given.plan.retention)],
    ),
    key_policies.image_key_policy: (Kind.KEY, _image_keys),
    key_policies.data_key_policy: (
        Kind.KEY,
        lambda given: [
            key_policies.data_key_policy(given.names, given.plan, given.landing_zone.key_administrators, scans)
            for scans in (False, True)
        ],
    ),
    scan_deployment.scanning_deployment_policy: (Kind.IDENTITY, _scanning_deployment),
    scan_policies.scan_execution_policy: (
        Kind.IDENTITY,
        lambda given: [scan_policies.scan_execution_policy(given.names, given.data_key)],
    ),
    scan_policies.scan_function_policy: (
        Kind.IDENTITY,
        lambda given: [scan_policies.scan_function_policy(given.names, given.data_key)],
    ),
    scan_policies.scan_gate_policy: (
        Kind.IDENTITY,
        lambda given: [scan_policies.scan_gate_policy(given.names, given.data_key)],
    ),
    scan_policies.scan_gate_trust: (Kind.TRUST, lambda given: [scan_policies.scan_gate_trust(given.names)]),
    target_policies.distribution_role_trust: (
        Kind.TRUST,
        lambda given: [target_policies.distribution_role_trust(given.plan.hub)],
    ),
    target_policies.distribution_role_policy: (Kind.IDENTITY, _distribution_role),
    target_policies.distribution_extension_policy: (Kind.IDENTITY, _distribution_extensions),
    target_policies.consumer_key_policy: (
        Kind.IDENTITY,
        lambda given: [target_policies.consumer_key_policy(given.image_keys)],
    ),
    target_policies.consumer_role_trust: (
        Kind.TRUST,
        lambda given: [target_policies.consumer_role_trust(consumer.account) for consumer in given.plan.consumers],
    ),
    target_policies.consumer_launch_policy: (Kind.IDENTITY, _consumer_launch),
    upload_policies.uploader_policy: (
        Kind.IDENTITY,
        lambda given: [upload_policies.uploader_policy(given.names, given.data_key)],
    ),
}
"""How each function of `model` that returns a policy is called, and what its policy is put on."""


def policy_functions() -> Iterator[Callable[..., PolicyDocument]]:
    """All functions of `model`, of any module of it, that return a policy."""
    for module in pkgutil.walk_packages(model.__path__, f"{model.__name__}."):
        for _, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            of_this_module = function.__module__ == module.name and function is not trust_policy
            # As it is written: what else a function takes may be known to type checkers only.
            if of_this_module and function.__annotations__.get("return") == PolicyDocument.__name__:
                yield function


@dataclass(frozen=True)
class Generated:
    """A policy, the function that made it, and the product for which it did."""

    function: str
    product: str
    document: dict[str, Any]


def generated(*kinds: Kind) -> Iterator[Generated]:
    """Every policy of these kinds, for every product."""
    for given in circumstances():
        for function, (kind, documents) in MADE.items():
            for document in documents(given) if kind in kinds else ():
                yield Generated(function.__name__, given.product.name, document.as_dict())
