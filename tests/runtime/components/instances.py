"""Instances on which ready-made components run, and an EC2 that knows their volumes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.cloud.image_builder import instance_metadata
from local.cloud.image_builder.document_runner import StepFailure, run_phase, scope_of
from local.cloud.image_builder.documents import Document, parse
from local.cloud.image_builder.instance_calls import InstanceCalls
from local.cloud.image_builder.machine import LINUX, WINDOWS, Machine
from local.cloud.image_builder.sandbox import Sandbox
from local.cloud.image_builder.workbench import Workbench

COMPONENTS = Path(__file__).parents[3] / "runtime" / "components"
PATHS = sorted(COMPONENTS.glob("*.yaml"))
INSTANCE_ID = "i-0123456789abcdef0"


@dataclass
class Volumes:
    """An EC2 client over volumes by id and whether they are encrypted, all attached to the instance."""

    encrypted: dict[str, bool] = field(default_factory=dict[str, bool])

    def get_paginator(self, operation: str) -> Volumes:
        assert operation == "describe_volumes"
        return self

    def paginate(self, Filters: list[dict[str, Any]]) -> Volumes:
        assert Filters == [{"Name": "attachment.instance-id", "Values": [INSTANCE_ID]}]
        return self

    def build_full_result(self) -> dict[str, Any]:
        return {"Volumes": [{"VolumeId": name, "Encrypted": value} for name, value in self.encrypted.items()]}


@dataclass
class Instance:
    """An instance of a public image on which components run."""

    machine: Machine
    bench: Workbench
    log: list[str]
    volumes: Volumes

    def document(self, component: str) -> Document:
        """A component for the instance's system."""
        system = "windows" if self.machine.platform == WINDOWS else "linux"
        return parse((COMPONENTS / f"{component}-{system}.yaml").read_text(encoding="utf-8"))

    def run(self, component: str, *phases: str, **values: str) -> None:
        """Run a component's phases; all of them where none is named."""
        self.run_document(self.document(component), *phases, **values)

    def run_document(self, document: Document, *phases: str, **values: str) -> None:
        scope = scope_of(document, values)
        for phase in document.phases:
            if phase.name in (phases or (phase.name,)):
                run_phase(phase, scope, self.bench)

    def bash(self, script: str) -> None:
        """What somebody does to the instance beside its components."""
        result = self.bench.sandbox.bash(script, None)
        assert result.exit_code == 0, result.stderr

    def write(self, path: str, text: str = "x\n") -> Path:
        file = self.machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def refuses(self, component: str, phase: str, told: str, **values: str) -> None:
        with pytest.raises(StepFailure) as raised:
            self.run(component, phase, **values)
        assert told in str(raised.value)


def launch(
    folder: Path,
    image: str = "al2023-ami-2023",
    platform: str = LINUX,
    tokens: str = "required",
    content: Path | None = None,
) -> Instance:
    """An instance below a folder, of a public image or of the content that an earlier one left."""
    machine = Machine.boot(folder / ("next" if content else "instance"), platform, image, content)
    described = {"InstanceId": INSTANCE_ID, "MetadataOptions": {"HttpTokens": tokens}}
    instance_metadata.lay_out(machine.folder, described, "us-east-1")
    volumes = Volumes({"vol-1": True})
    sandbox = Sandbox(machine, folder, InstanceCalls(lambda _service, _region: volumes, "us-east-1"))
    log: list[str] = []
    directory = "C:\\tmp" if platform == WINDOWS else "/tmp"
    return Instance(machine, Workbench(machine, sandbox, lambda: None, log.append, directory), log, volumes)
