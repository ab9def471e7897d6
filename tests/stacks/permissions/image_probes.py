"""Probes of the image's way to its targets: one thing each, done as whoever does it in earnest."""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from local.people import APPLICATION_OPERATOR, PLATFORM_ENGINEER
from local.session import Actor
from model.key_policies import AUTO_SCALING_OPERATIONS
from model.names import auto_scaling_role_arn, image_key_alias, role_arn
from tests.stacks.permissions.actual_launches import ByRole
from tests.stacks.permissions.classification import Probe, RefusedError, at
from tests.stacks.permissions.documents import HUB, PRODUCT
from tests.stacks.permissions.upload_probes import (
    ADMINISTRATOR,
    Recorded,
    administrator,
    client_of,
    hub_user,
    invoke,
    names,
    role_of,
)
from tests.stacks.waiting import until
from tests.stacks.world import World

PRODUCTION = "222222222222"
DEPLOYMENT_ROLE = "golden-ami-deployment"
ENDED = ("AVAILABLE", "FAILED", "CANCELLED")


def image_key(world: World, region: str) -> str:
    """ARN of the product's image key in a Region."""
    found = world.client("kms", HUB, region).describe_key(KeyId=image_key_alias(PRODUCT))
    return found["KeyMetadata"]["Arn"]


def build(world: World) -> None:
    """Somebody of the product's team asks for a build, which ends in every target; its step is the place."""
    event = {"source": "manual", "requestId": uuid.uuid4().hex}

    def started() -> str | None:
        return invoke(world, names(world).start_function, event, "reconciliation")["imageBuildVersionArn"]

    arn = until(started, "the build starts")
    images = world.client("imagebuilder")

    def ended() -> dict[str, Any] | None:
        state = images.get_image(imageBuildVersionArn=arn)["image"]["state"]
        return state if state["status"] in ENDED else None

    state = until(ended, f"{arn} ends")
    if state["status"] != "AVAILABLE":
        raise RefusedError(_place(state), state["reason"])


def _place(state: dict[str, Any]) -> str:
    """Where a build failed: its step, and the first target that was refused."""
    context = state.get("failureContext", {})
    if targets := context.get("distributionFailure", {}).get("regionFailures"):
        return f"{targets[0]['imageConfigurationStep']} {targets[0]['targetAccountId']} {targets[0]['region']}"
    return context.get("failedStep", "CREATING")


def build_log(world: World) -> None:
    """Image Builder writes the build's log."""
    recorded = Recorded(world)
    build(world)
    recorded.require("log", role_of(names(world).execution_role), "logs:*", names(world).build_log_group)


def launch_as(role: str, region: str, profile: str = "") -> Probe:
    """A consumer role launches from what its channel names, with its own profile where it has one."""

    def probe(world: World) -> None:
        launched = ByRole(world, role, region, profile).launch()
        if launched.text:
            raise RefusedError("launch", launched.text)

    probe.__name__ = f"{role.rsplit('/', 1)[-1]} launches in {region}"
    return probe


def operator_assumes_the_consumer_role(world: World) -> None:
    """Somebody of the account works as the created consumer role."""
    with at("account"):
        world.session.person(APPLICATION_OPERATOR, PRODUCTION).assume(role_arn(PRODUCTION, "ledger-instances"), "probe")


def administrator_reads_the_key(region: str) -> Probe:
    """A key administrator manages the key without any identity policy."""

    def probe(world: World) -> None:
        with at("administration"):
            _kms(administrator(world), region).get_key_policy(KeyId=image_key(world, region), PolicyName="default")

    return _named(probe, "administrator_reads_the_key", region)


def administrator_uses_the_key(region: str) -> Probe:
    """A key administrator encrypts under the key without any identity policy."""

    def probe(world: World) -> None:
        with at("administration"):
            _kms(administrator(world), region).generate_data_key(KeyId=image_key(world, region), KeySpec="AES_256")

    return _named(probe, "administrator_uses_the_key", region)


def administrator_copies_an_image(region: str) -> Probe:
    """A key administrator copies the hub's own image under the key, for which EC2 asks for a grant."""

    def probe(world: World) -> None:
        image = world.client("ec2").describe_images(Owners=["self"])["Images"][0]["ImageId"]
        with may_work_with_images(world), at("administration"):
            ec2 = client_of(administrator(world), "ec2", region)
            made = ec2.copy_image(
                Name=f"probe-{uuid.uuid4().hex}",
                SourceImageId=image,
                SourceRegion="us-east-1",
                Encrypted=True,
                KmsKeyId=image_key(world, region),
            )["ImageId"]
            failed = until(lambda: _copied(ec2, made), "the copy ends")
        if failed["State"] != "available":
            raise RefusedError("administration", failed["StateReason"]["Message"])

    return _named(probe, "administrator_copies_an_image", region)


def _copied(ec2: Any, image: str) -> Any:
    found = ec2.describe_images(ImageIds=[image])["Images"][0]
    return found if found["State"] != "pending" else None


@contextmanager
def may_work_with_images(world: World) -> Generator[None]:
    """Let the administrator's role work with EC2 for a while; what it may do with keys stays the keys' affair."""
    iam, role = world.client("iam"), {"RoleName": ADMINISTRATOR.rsplit("/", 1)[-1], "PolicyName": "probe"}
    allow = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    iam.put_role_policy(**role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    try:
        yield
    finally:
        iam.delete_role_policy(**role)


def hub_deployer_reads_the_key(region: str) -> Probe:
    """The hub's deployment role looks after the key by its identity policy."""

    def probe(world: World) -> None:
        with at("deployment"):
            _kms(_deployer(world, HUB), region).get_key_rotation_status(KeyId=image_key(world, region))

    return _named(probe, "hub_deployer_reads_the_key", region)


def deployer_grants_to_auto_scaling(region: str) -> Probe:
    """The target's deployment role grants the key to its account's Auto Scaling, and withdraws that."""

    def probe(world: World) -> None:
        with at("deployment"):
            made = _kms(_deployer(world, PRODUCTION), region).create_grant(
                KeyId=image_key(world, region),
                GranteePrincipal=auto_scaling_role_arn(PRODUCTION),
                Operations=list(AUTO_SCALING_OPERATIONS),
            )
        world.client("kms", HUB, region).revoke_grant(KeyId=image_key(world, region), GrantId=made["GrantId"])

    return _named(probe, "deployer_grants_to_auto_scaling", region)


def deployer_reads_grants(region: str) -> Probe:
    """The target's deployment role finds the grants that it made."""

    def probe(world: World) -> None:
        with at("deployment"):
            _kms(_deployer(world, PRODUCTION), region).list_grants(KeyId=image_key(world, region))

    return _named(probe, "deployer_reads_grants", region)


def grant_to_somebody_else(region: str) -> Probe:
    """Somebody of the hub who may do everything with keys gives the key to a role of another account."""

    def probe(world: World) -> None:
        key = image_key(world, region)
        somebody = hub_user(world, {"Effect": "Allow", "Action": "kms:*", "Resource": key})
        with at("grant"):
            made = _kms(somebody, region).create_grant(
                KeyId=key, GranteePrincipal=role_arn(PRODUCTION, "ledger-instances"), Operations=["Decrypt"]
            )
        world.client("kms", HUB, region).revoke_grant(KeyId=key, GrantId=made["GrantId"])

    return _named(probe, "grant_to_somebody_else", region)


def _kms(actor: Actor, region: str) -> Any:
    return client_of(actor, "kms", region)


def _deployer(world: World, account: str) -> Actor:
    return world.session.person(PLATFORM_ENGINEER, HUB).assume(role_arn(account, DEPLOYMENT_ROLE), "probe")


def _named(probe: Probe, what: str, region: str) -> Probe:
    probe.__name__ = f"{what} in {region}"
    return probe
