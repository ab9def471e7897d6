"""The Python interpreter that a project names, and the packages installed for it."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


class InterpreterError(Exception):
    """A project names a virtual environment that does not hold a Python interpreter."""


@dataclass(frozen=True)
class PluginPackage:
    """What an SDK package says about the provider plugin it needs (its `pulumi-plugin.json`)."""

    name: str
    version: str
    server: str


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter and the folders in which its packages lie."""

    executable: str
    site_packages: tuple[Path, ...]

    @classmethod
    def of_this_process(cls) -> Interpreter:
        """The interpreter that runs this code."""
        return cls(sys.executable, tuple(Path(path) for path in sys.path if path.endswith("site-packages")))

    @classmethod
    def of_project(cls, root: Path, virtual_environment: str) -> Interpreter:
        """The interpreter of a project's `virtualenv` runtime option, this process's own where it has none.

        A relative path counts from the project's root (Pulumi's "Python" language page). Raises `InterpreterError`.
        """
        if not virtual_environment:
            return cls.of_this_process()
        folder = (root / virtual_environment).absolute()
        executable = folder / "bin" / "python"
        if not executable.exists():
            raise InterpreterError(
                f"the project's virtualenv {virtual_environment!r} holds no {executable}; make it with `make up`, "
                f"or with `python3 -m venv {folder}` and `pulumi install`"
            )
        return cls(str(executable), tuple(sorted(folder.glob("lib/python*/site-packages"))))

    def version(self) -> str:
        """The interpreter's version, for example `3.11.7`."""
        if self.executable == sys.executable:
            return platform.python_version()
        answer = subprocess.run([self.executable, "--version"], capture_output=True, text=True, check=True)
        return answer.stdout.removeprefix("Python ").strip()

    def plugin_packages(self) -> list[PluginPackage]:
        """Provider plugins that installed SDK packages need, each package once."""
        found: dict[str, PluginPackage] = {}
        for folder in self.site_packages:
            for file in sorted(folder.glob("*/pulumi-plugin.json")):
                content = cast(dict[str, Any], json.loads(file.read_text(encoding="utf-8")))
                if content.get("resource"):
                    name = content.get("name") or file.parent.name.removeprefix("pulumi_").replace("_", "-")
                    found.setdefault(name, PluginPackage(name, content.get("version", ""), content.get("server", "")))
        return list(found.values())

    def dependencies(self, *, transitive: bool) -> list[tuple[str, str]]:
        """Installed packages as (name, version); without `transitive` only those that no other package requires."""
        installed: dict[str, Distribution] = {}
        for distribution in distributions(path=[str(folder) for folder in self.site_packages]):
            installed.setdefault(canonicalize_name(distribution.name), distribution)
        if not transitive:
            required = {
                canonicalize_name(Requirement(line).name)
                for distribution in installed.values()
                for line in distribution.requires or ()
            }
            installed = {name: found for name, found in installed.items() if name not in required}
        return [(found.name, found.version) for _, found in sorted(installed.items())]
