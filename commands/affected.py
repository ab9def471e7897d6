"""`make affected`: the stacks that a change can affect, in the order in which they are deployed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from commands.project import PROJECT, CommandError, git, product_names, product_of, told_plainly
from model.files.loading import LANDING_ZONE_STACK
from model.files.problems import FileError

DEFAULT_BASE = "origin/main"

CODE = (
    "Pulumi.yaml",
    "__main__.py",
    "components/",
    "model/",
    "policies/",
    "requirements-functions.txt",
    "requirements.txt",
    "runtime/",
)
"""What every stack is made of."""


class Change:
    """What differs between a repository's work tree and the commit at which it left its base.

    `commit` is that commit, `paths` are what was added, altered or removed since, with `/` between folders.
    """

    def __init__(self, project: Path, base: str) -> None:
        """Ask git; raises `CommandError` where it does not know the base or shares nothing with it."""
        try:
            git(project, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
        except CommandError:
            message = f"git knows no commit {base!r} here; fetch it, or name another one: BASE=<ref>"
            raise CommandError(message) from None
        try:
            self.commit = git(project, "merge-base", base, "HEAD").strip()
        except CommandError:
            message = f"HEAD and {base} share no commit here; fetch the whole history (fetch-depth: 0 in a workflow)"
            raise CommandError(message) from None
        differing = git(project, "diff", "--name-only", "--no-renames", "-z", self.commit, "--")
        untracked = git(project, "ls-files", "--others", "--exclude-standard", "-z")
        self.paths = tuple(sorted({path for path in (differing + untracked).split("\0") if path}))


def affected(paths: Iterable[str], products: dict[str, str | None]) -> tuple[str, ...]:
    """The stacks that changed paths can affect, the landing zone first and a product after what it starts from.

    `products` has the name of each product, and the product whose image it starts from where there is one. A stack
    that is no product any more is not among them.
    """
    everything = (LANDING_ZONE_STACK, *_in_order(products))
    named = {stack for path in paths for stack in _stacks_of(path, everything)}
    for product in _in_order(products):
        if products[product] in named:
            named.add(product)
    return tuple(stack for stack in everything if stack in named)


def removed(paths: Iterable[str], products: Iterable[str]) -> tuple[str, ...]:
    """The products whose files are gone."""
    files = {path: path.removeprefix("stacks/Pulumi.").removesuffix(".yaml") for path in paths if _is_stack_file(path)}
    return tuple(sorted(set(files.values()) - {*products, LANDING_ZONE_STACK}))


def bases_of(project: Path) -> dict[str, str | None]:
    """Each product of a project with the product that it starts from; raises `FileError` with all that is wrong."""
    found: dict[str, str | None] = {}
    problems: list[FileError] = []
    for name in product_names(project):
        try:
            found[name] = product_of(project, name)[0].base_image.product
        except FileError as error:
            problems.append(error)
    if problems:
        raise FileError(list(dict.fromkeys(problem for error in problems for problem in error.problems)))
    return found


def _stacks_of(path: str, everything: tuple[str, ...]) -> tuple[str, ...]:
    if any(path == part or (part.endswith("/") and path.startswith(part)) for part in CODE):
        return everything
    if not path.startswith("stacks/"):
        return ()
    name = path.split("/")[1].removeprefix("Pulumi.").removesuffix(".yaml")
    return everything if name == LANDING_ZONE_STACK else (name,)


def _is_stack_file(path: str) -> bool:
    return path.startswith("stacks/Pulumi.") and path.endswith(".yaml") and path.count("/") == 1


def _in_order(products: dict[str, str | None]) -> tuple[str, ...]:
    """A product after the one that it starts from, else by name."""
    ordered: dict[str, None] = {}
    for name in sorted(products):
        chain = [name]
        while (base := products.get(chain[-1])) and base in products and base not in (*chain, *ordered):
            chain.append(base)
        ordered.update(dict.fromkeys(reversed(chain)))
    return tuple(ordered)


def main(
    base: Annotated[str, typer.Option(help="Commit, branch or tag that the change is compared with.")] = DEFAULT_BASE,
) -> None:
    """Print the stacks that a change can affect, one per line; nothing where there is none."""
    with told_plainly(Console(stderr=True)):
        for stack in affected(Change(PROJECT, base).paths, bases_of(PROJECT)):
            sys.stdout.write(f"{stack}\n")


if __name__ == "__main__":
    typer.run(main)
