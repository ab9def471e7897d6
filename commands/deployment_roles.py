"""`make deployment-roles`: what each account's deployment role must be, computed from the stack files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from commands.project import PROJECT, landing_zone_of, product_names, product_of, told_plainly
from model.deployment_role import deployment_role_trust, hub_deployment_policy, target_deployment_policy
from model.documents import PolicyDocument, in_parts
from model.files.component_bucket import documents_arns
from model.files.deployed_features import scanning_of
from model.scan_deployment import scanning_deployment_policy

MANAGED_POLICY_MAXIMUM = 6_144
"""Characters of a managed policy, of which a role takes ten; the inline ones have 10,240 together (IAM User Guide, "IAM
and AWS STS quotas"), which many products outgrow."""


@dataclass(frozen=True)
class DeploymentRole:
    """One account's deployment role with its documents."""

    account_name: str
    account: str
    role: str
    trust: PolicyDocument
    permissions: PolicyDocument
    scaled: bool
    """Whether Auto Scaling groups of the account launch from an image: their service-linked role must be there."""


def deployment_roles(project: Path) -> Iterator[DeploymentRole]:
    """The role of the hub and of each target; raises `FileError`."""
    landing_zone = landing_zone_of(project)
    products = tuple(product_of(project, name)[0] for name in product_names(project))
    plans = tuple(product.plan(landing_zone) for product in products)
    documents = documents_arns(product.component_bucket for product in products)
    hub = landing_zone.hub
    trust = deployment_role_trust(hub.account)
    common = hub_deployment_policy(hub.account, hub.region, landing_zone.regions, plans, documents)
    scans = scanning_deployment_policy(hub.account, hub.region, scanning_of(landing_zone, products))
    permissions = PolicyDocument((*common.statements, *scans.statements))
    scaled = {consumer.account for plan in plans for consumer in plan.consumers if consumer.auto_scaling}
    yield DeploymentRole("hub", hub.account, hub.deployment_role, trust, permissions, hub.account in scaled)
    for name, target in landing_zone.targets.items():
        permissions = target_deployment_policy(target.account, plans)
        needed = target.account in scaled
        yield DeploymentRole(name, target.account, target.deployment_role, trust, permissions, needed)


def main() -> None:
    """Print each account's deployment role as the commands that make it there."""
    with told_plainly(Console(stderr=True)):
        for role in deployment_roles(PROJECT):
            print("\n".join(_commands(role)))
            print()


def _commands(role: DeploymentRole) -> Iterator[str]:
    path, _, name = role.role.rpartition("/")
    placed = f" --path /{path}/" if path else ""
    yield f"# {role.account_name} ({role.account})"
    yield f"aws iam create-role --role-name {name}{placed} \\"
    yield f"  --assume-role-policy-document '{role.trust.json()}'"
    for number, part in enumerate(in_parts(role.permissions, MANAGED_POLICY_MAXIMUM), 1):
        policy = f"golden-ami-deployment-{number}"
        yield f"aws iam create-policy --policy-name {policy} \\"
        yield f"  --policy-document '{json.dumps(part.as_dict(), indent=2)}'"
        yield f"aws iam attach-role-policy --role-name {name} --policy-arn arn:aws:iam::{role.account}:policy/{policy}"
    if role.scaled:
        # An account has one; AWS makes it with the first Auto Scaling group, and refuses a second one.
        yield "aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com"


if __name__ == "__main__":
    typer.run(main)
