"""First previews of the examples by the real engine on a cloud of their own, as the pack sees them."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.check.base_state import base_cloud
from local.environment import REPOSITORY, LocalFolder
from local.program_copy import copied_program
from local.progress import Report
from local.stack_files import StackFiles
from local.stacks import PLAIN, Stacks
from local.start import prepared
from policies.rules.rule import Resource

_CAPTURING_PACK = """
import pickle
from pathlib import Path

from pulumi_policy import PolicyPack, StackValidationPolicy

from policies.rules.enforcement import resources_of


def capture(args, report):
    Path({file!r}).write_bytes(pickle.dumps(resources_of(args)))


PolicyPack("capture", policies=[StackValidationPolicy("capture", "Keeps what packs are shown.", validate=capture)])
"""

_MUTATION = """
import json

import pulumi

TYPE, NAME, PROPERTIES, PROTECTED = json.loads({wanted!r})


def worse(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if (args.type_, args.name) != (TYPE, NAME):
        return None
    stated = {{**args.props, **PROPERTIES}}
    args.opts.protect = PROTECTED
    return pulumi.ResourceTransformResult({{key: each for key, each in stated.items() if each is not None}}, args.opts)


pulumi.runtime.register_resource_transform(worse)
"""


@dataclass(frozen=True)
class Previewed:
    """What the engine said, and the resources that it showed to the packs."""

    code: int
    text: str
    resources: tuple[Resource, ...]


@dataclass(frozen=True)
class FirstPreviews:
    """A copy of the program of which nothing is deployed."""

    project: Path
    stacks: Stacks

    def preview(self, stack: str) -> Previewed:
        """Preview a stack with the pack, and with another one beside it that only looks on."""
        pack, file = self.project / "capture", self.project / "captured"
        pack.mkdir(exist_ok=True)
        (pack / "PulumiPolicy.yaml").write_text((self.project / "policies" / "PulumiPolicy.yaml").read_text())
        (pack / "__main__.py").write_text(_CAPTURING_PACK.format(file=str(file)))
        answer = self._run(stack, "--policy-pack", str(pack))
        return Previewed(answer.returncode, answer.stdout + answer.stderr, pickle.loads(file.read_bytes()))

    def preview_worse(self, stack: str, resource: Resource, changes: dict[str, Any]) -> str:
        """Preview a stack of which one resource's properties are others, None for one left out; returns what is said.

        Raises AssertionError where the preview passes.
        """
        wanted = json.dumps([resource.type, resource.name, changes, resource.protected])
        program = self.project / "__main__.py"
        text = program.read_text(encoding="utf-8")
        (self.project / "mutation.py").write_text(_MUTATION.format(wanted=wanted), encoding="utf-8")
        program.write_text(f"import mutation\n{text}", encoding="utf-8")
        try:
            answer = self._run(stack)
        finally:
            program.write_text(text, encoding="utf-8")
        assert answer.returncode != 0, answer.stdout
        return answer.stdout + answer.stderr

    def _run(self, stack: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = self.stacks.preview_command(stack, *PLAIN, *options)
        return subprocess.run(
            command, cwd=self.project, env=dict(self.stacks.environment), capture_output=True, text=True
        )


@contextmanager
def first_previews(folder: Path) -> Generator[FirstPreviews]:
    """A copy of the program, and a cloud whose accounts hold what the stacks take for granted."""
    project = copied_program(folder / "project")
    own = LocalFolder(project / ".local", tools=REPOSITORY / ".local")
    report = Report()
    with base_cloud(own, report) as record:
        session = prepared(own, record, report, StackFiles.read(project))
        yield FirstPreviews(project, Stacks(own, session.environment, report, project))
