"""`make pack`: the policy pack as a folder of its own, for other projects and for `pulumi policy publish`."""

from __future__ import annotations

import ast
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from commands.project import PROJECT, CommandError, told_plainly

DESTINATION = PROJECT / ".local" / "pack" / "policies"
DEFINITION = "PulumiPolicy.yaml"
LIBRARIES = ("pulumi", "pulumi-policy", "PyYAML")
"""What the pack imports beside its own files; the rest of the program's requirements it does not need."""


def packed(project: Path, destination: Path) -> tuple[Path, ...]:
    """Write the pack, with what its rules import of the project; returns its files.

    A folder that is there is replaced whole, but only where it holds a pack: raises `CommandError` otherwise.
    """
    if destination.exists() and any(destination.iterdir()) and not (destination / DEFINITION).exists():
        raise CommandError(f"{destination} holds something else than a pack; name an empty folder")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent) as beside:
        draft = Path(beside) / "pack"
        _fill(project, draft)
        if destination.exists():
            shutil.rmtree(destination)
        draft.rename(destination)
    return tuple(sorted(file for file in destination.rglob("*") if file.is_file()))


def imported_modules(project: Path, files: list[Path]) -> list[Path]:
    """The project's own modules outside the pack that some files import, and what those import."""
    found: dict[Path, None] = {}
    waiting = list(files)
    while waiting:
        for module in _imports(waiting.pop()):
            file = project / Path(*module.split(".")).with_suffix(".py")
            if file.exists() and file not in found:
                found[file] = None
                waiting.append(file)
    return list(found)


def _fill(project: Path, draft: Path) -> None:
    source = project / "policies"
    rules = sorted((source / "rules").glob("*.py"))
    modules = imported_modules(project, rules)
    packages = {file.parent / "__init__.py" for file in modules}
    for file in (source / "__main__.py", source / "waivers.yaml", *rules):
        _copy(file, draft / file.relative_to(source))
    for file in (*packages, *modules):
        _copy(file, draft / file.relative_to(project))
    definition = yaml.safe_load((source / DEFINITION).read_text(encoding="utf-8"))
    definition["runtime"]["options"] = {"virtualenv": "venv"}
    (draft / DEFINITION).write_text(yaml.safe_dump(definition, sort_keys=False), encoding="utf-8")
    (draft / "requirements.txt").write_text("".join(_requirements(project)), encoding="utf-8")


def _requirements(project: Path) -> Iterator[str]:
    for line in (project / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line.partition("==")[0] in LIBRARIES:
            yield f"{line}\n"


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def main(
    output: Annotated[Path, typer.Option(help="Folder to write; one that holds a pack is replaced.")] = DESTINATION,
) -> None:
    """Write the policy pack as a folder that needs nothing else of this project."""
    console = Console(soft_wrap=True, highlight=False)
    with told_plainly(Console(stderr=True)):
        files = packed(PROJECT, output)
        console.print(f"{output}: {len(files)} files. Next, in that folder:", markup=False)
        console.print("  python3 -m venv venv && venv/bin/pip install -r requirements.txt", markup=False)
        console.print(
            "  pulumi policy publish        # or elsewhere: pulumi preview --policy-pack <folder>", markup=False
        )


if __name__ == "__main__":
    typer.run(main)
