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
from model.documents import PolicyDocument


@dataclass(frozen=True)
class DeploymentRole:
    """One account's deployment role with its documents."""

    account_name: str
    account: str
    role: str
    trust: PolicyDocument
    permissions: PolicyDocument


def deployment_roles(project: Path) -> Iterator[DeploymentRole]:
    """The role of the hub and of each target; raises `FileError`."""
    landing_zone = landing_zone_of(project)
    plans = tuple(product_of(project, name)[0].plan(landing_zone) for name in product_names(project))
    hub = landing_zone.hub
    trust = deployment_role_trust(hub.account)
    permissions = hub_deployment_policy(hub.account, hub.region, landing_zone.regions, plans)
    yield DeploymentRole("hub", hub.account, hub.deployment_role, trust, permissions)
    for name, target in landing_zone.targets.items():
        permissions = target_deployment_policy(target.account, plans)
        yield DeploymentRole(name, target.account, target.deployment_role, trust, permissions)


def main() -> None:
    """Print each account's deployment role as the two commands that make it there."""
    with told_plainly(Console(stderr=True)):
        for role in deployment_roles(PROJECT):
            print(f"# {role.account_name} ({role.account})")
            print(f"aws iam create-role --role-name {role.role} --assume-role-policy-document '{role.trust.json()}'")
            print(f"aws iam put-role-policy --role-name {role.role} --policy-name golden-ami-deployment \\")
            print(f"  --policy-document '{json.dumps(role.permissions.as_dict(), indent=2)}'")
            print()


if __name__ == "__main__":
    typer.run(main)
