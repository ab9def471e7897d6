"""Reading the project's files for a command, and ending one as a person expects."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_STACK, load_landing_zone, load_product, stack_path
from model.files.problems import FileError
from model.files.product import Product
from model.names import ProductNames

PROJECT = Path(__file__).resolve().parent.parent

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class CommandError(Exception):
    """A command cannot do what it was asked for; the message tells why, and what to do."""


def landing_zone_of(project: Path) -> LandingZone:
    """The project's landing zone; raises `FileError`."""
    return load_landing_zone(stack_path(project, LANDING_ZONE_STACK))


def product_of(project: Path, name: str) -> tuple[Product, LandingZone, ProductNames]:
    """A product, its landing zone and its names; raises `FileError`."""
    landing_zone = landing_zone_of(project)
    product = load_product(stack_path(project, name), landing_zone)
    return product, landing_zone, product.names(landing_zone)


def product_names(project: Path) -> list[str]:
    """Names of all products that have a file."""
    files = sorted((project / "stacks").glob("Pulumi.*.yaml"))
    names = [file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files]
    return [name for name in names if name != LANDING_ZONE_STACK]


def git(project: Path, *arguments: str) -> str:
    """What git prints in a project; raises `CommandError` in its words where it refuses."""
    done = subprocess.run(["git", "-C", str(project), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise CommandError(f"git {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def told_plainly(console: Console) -> Generator[None]:
    """End with one clear message instead of a traceback where a person can mend what is wrong."""
    try:
        yield
    except (CommandError, FileError, ClientError, BotoCoreError) as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
