"""`make product NAME=journal`: write a product's file and preview it; nothing else is to be done for a new product."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from commands.project import (
    INTERRUPTED,
    PROJECT,
    CommandError,
    landing_zone_of,
    product_names,
    product_of,
    told_plainly,
)
from model.files.consumers import ConsumerMode
from model.files.landing_zone import LandingZone
from model.files.loading import PRODUCT_KEY, StackFile, load_product, stack_path, validate_product
from model.files.operating_system import OperatingSystem
from model.files.problems import FileError, shown

SCHEMA_LINE = "# yaml-language-server: $schema=schemas/product.schema.json"

BASE_IMAGES = {
    OperatingSystem.LINUX: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    OperatingSystem.WINDOWS: "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base",
}
"""AWS's public parameters (Systems Manager User Guide, "Finding public parameters")."""

Ask = Callable[[str, str], str]
"""Asks a person for one fact, with what is taken when nothing is typed."""


@dataclass(frozen=True)
class Facts:
    """What a new product's file is made of; None is asked for."""

    name: str | None = None
    description: str | None = None
    operating_system: str | None = None
    base_image: str | None = None
    entry_script: str | None = None
    subnet: str | None = None
    consumers: tuple[str, ...] = ()
    uploaders: tuple[str, ...] = ()


def compose(facts: Facts, landing_zone: LandingZone, subnet: str, ask: Ask) -> dict[str, Any]:
    """The new product's values, with every fact that was not given asked for; raises `CommandError`."""
    name = facts.name or ask("name", "")
    system = facts.operating_system or ask("operating system (linux, windows)", OperatingSystem.LINUX.value)
    # A system that does not exist is told with everything else that is wrong, once the file is checked.
    family = OperatingSystem.WINDOWS if system == OperatingSystem.WINDOWS.value else OperatingSystem.LINUX
    base = facts.base_image or ask("base image (SSM parameter or AMI id)", BASE_IMAGES[family])
    accounts = list(landing_zone.targets)
    product: dict[str, Any] = {
        "name": name,
        "description": facts.description or ask("description", f"Hosts of {name}"),
        "operatingSystem": system,
        "baseImage": {"amiId" if base.startswith("ami-") else "ssmParameter": base},
        "entryScript": facts.entry_script or ask("entry script", f"install{family.script_extension}"),
        "subnet": facts.subnet or ask("subnet for build instances", subnet),
    }
    if accounts:
        product["distribution"] = [{"region": region, "accounts": list(accounts)} for region in landing_zone.regions]
    consumers = facts.consumers or _asked_consumers(name, accounts, ask)
    if consumers:
        product["consumers"] = [_consumer(text) for text in consumers]
    if facts.uploaders:
        product["uploaders"] = list(facts.uploaders)
    return product


def _asked_consumers(name: str, accounts: list[str], ask: Ask) -> tuple[str, ...]:
    default = ", ".join(f"{account}:{name}-instances:create" for account in accounts)
    answer = ask("consumer roles (account:role:create or account:role:existing, separated by commas)", default)
    return tuple(part.strip() for part in answer.split(",") if part.strip())


def _consumer(text: str) -> dict[str, str]:
    parts = text.split(":")
    modes = ", ".join(mode.value for mode in ConsumerMode)
    if len(parts) != 3:
        raise CommandError(f"consumer {text!r}: state account:role:mode, where mode is one of {modes}")
    return dict(zip(("account", "role", "mode"), parts, strict=True))


def write(project: Path, values: dict[str, Any], landing_zone: LandingZone) -> Path:
    """Write the file if it is right, and only then; raises `FileError`, or `CommandError` where there is one."""
    path = stack_path(project, str(values["name"]))
    text = f"{SCHEMA_LINE}\n" + yaml.safe_dump({"config": {PRODUCT_KEY: values}}, sort_keys=False, width=120)
    validate_product(values, landing_zone, StackFile.parse(text, shown(path)))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"{shown(path)} is there already; edit it, or choose another name") from None
    return path


def default_subnet(project: Path, landing_zone: LandingZone) -> str:
    """The subnet that the other products build in, where they all use one."""
    subnets: set[str | None] = set()
    for name in product_names(project):
        try:
            subnets.add(load_product(stack_path(project, name), landing_zone).subnet)
        except FileError:
            continue
    return (subnets.pop() or "") if len(subnets) == 1 else ""


def closing(project: Path, name: str) -> str:
    """What comes next."""
    product, landing_zone, names = product_of(project, name)
    lines = [
        f"deploy it:        pulumi up --stack {name} --policy-pack policies",
        f"its team uploads: aws s3 cp --recursive <folder> s3://{names.bucket}/scripts/",
        f"and with that, the image is built by running {product.entry_script}",
    ]
    if any(not consumer.create for consumer in product.plan(landing_zone).consumers):
        lines.append("existing consumer roles get their policy for the image key; the roles must be there before")
    for uploader in product.plan(landing_zone).uploaders:
        if not uploader.ours:
            lines.append(f"{uploader.arn} gets its policy from its own account: `pulumi stack output uploaderPolicy`")
    return "\n".join(lines)


def preview(project: Path, name: str) -> int:
    """Preview the new stack with the engine that is on PATH, in the stack's own backend; returns its exit code."""
    command = ["pulumi", "--non-interactive", "--cwd", str(project)]
    try:
        subprocess.run([*command, "stack", "select", "--create", name], check=True)
        return subprocess.run([*command, "preview", "--stack", name], check=False).returncode
    except FileNotFoundError:
        raise CommandError("the file is written; `pulumi` is not on PATH, so there is no preview") from None
    except subprocess.CalledProcessError as error:
        return error.returncode


def main(
    name: Annotated[str | None, typer.Option(help="The product's name.")] = None,
    description: Annotated[str | None, typer.Option(help="What the image is for.")] = None,
    operating_system: Annotated[str | None, typer.Option(help="linux or windows")] = None,
    base_image: Annotated[str | None, typer.Option(help="SSM parameter or AMI id.")] = None,
    entry_script: Annotated[str | None, typer.Option(help="The script that installs the team's software.")] = None,
    subnet: Annotated[str | None, typer.Option(help="Subnet for build instances.")] = None,
    consumer: Annotated[list[str] | None, typer.Option(help="account:role:create or account:role:existing")] = None,
    uploader: Annotated[
        list[str] | None, typer.Option(help="ARN of a role that uploads scripts, of any account.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take the default of what is not given.")] = False,
    with_preview: Annotated[bool, typer.Option("--preview/--no-preview", help="Preview the new stack.")] = True,
) -> None:
    """Write a product's file, check it, and preview its stack."""

    def ask(what: str, default: str) -> str:
        if yes:
            return default
        return typer.prompt(what, default=default or None)

    facts = Facts(
        name,
        description,
        operating_system,
        base_image,
        entry_script,
        subnet,
        tuple(consumer or ()),
        tuple(uploader or ()),
    )
    with told_plainly(Console(stderr=True)):
        landing_zone = landing_zone_of(PROJECT)
        try:
            values = compose(facts, landing_zone, default_subnet(PROJECT, landing_zone), ask)
        except (KeyboardInterrupt, typer.Abort):
            print("\nnothing was written", file=sys.stderr)
            sys.exit(INTERRUPTED)
        path = write(PROJECT, values, landing_zone)
        print(f"wrote {path.relative_to(PROJECT)}")
        code = preview(PROJECT, str(values["name"])) if with_preview else 0
        print(closing(PROJECT, str(values["name"])))
        sys.exit(code)


if __name__ == "__main__":
    typer.run(main)
