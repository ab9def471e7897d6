"""What the sample's components become: steps of a recipe, and documents beside the stack's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from model.files.component_steps import Components, label_of
from model.files.problems import Location
from model.files.sample.configuration import Component, ComponentConfig, Parameter
from model.files.sample.draft import Draft, ImportedDocument


class Runs(NamedTuple):
    """A component that Image Builder has, by its ARN, and the values that it is given."""

    arn: str
    parameters: frozenset[tuple[str, str]]


@dataclass
class Steps:
    """Steps of one stack; every document is taken once, however often it runs."""

    draft: Draft
    stack: str
    prefix: str | None = None
    """What every document's key begins with in the bucket that has them; None where they are copied."""
    mandatory: frozenset[Runs] = frozenset()
    """Components that Image Builder has, with their values, that the landing zone runs for every product."""
    _named: dict[str, str] = field(default_factory=dict[str, str])

    def of(
        self, config: ComponentConfig, origin: Location, target: Location, before: Components | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """The steps of each stage that has some, behind those that the file has, and where they come from."""
        stages = (("build", "Build", config.build), ("test", "Test", config.test))
        found: dict[str, list[dict[str, Any]]] = {}
        for stage, key, components in stages:
            offset = len(getattr(before, stage)) if before else 0
            steps: list[dict[str, Any]] = []
            for index, component in enumerate(components):
                place = (*origin, key, index)
                step = self._step(component, place, (*target, stage, offset + len(steps)))
                if runs(step) in self.mandatory:
                    reason = "the landing zone has this step, with the same values, among its mandatory ones"
                    self.draft.decide((*place, "arn"), "left out", reason)
                else:
                    steps.append(step)
            if steps:
                found[stage] = steps
            self.draft.comes_from((*target, stage), (*origin, key))
        self.draft.comes_from(target, origin)
        return found

    def _step(self, component: Component, origin: Location, target: Location) -> dict[str, Any]:
        self.draft.comes_from(target, origin)
        parameters = self._parameters(component.parameter, origin, target)
        step: dict[str, Any] = {}
        if component.arn is not None:
            self.draft.comes_from((*target, "arn"), (*origin, "arn"))
            step["arn"] = component.arn
            for part in ("name", "version"):
                if getattr(component, part) is not None:
                    self.draft.decide((*origin, part), "left out", "a component's ARN tells its name and version")
        else:
            step = self._document(component, component.file or "", origin, target)
        return {**step, **({"parameters": parameters} if parameters else {})}

    def _document(self, component: Component, file: str, origin: Location, target: Location) -> dict[str, Any]:
        self.draft.comes_from((*target, "version"), (*origin, "version"))
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or not path.name or "\\" in file:
            self.draft.refuse((*origin, "file"), f"must be a path below the configuration's folder, got {file!r}")
        if self.prefix is not None:
            self.draft.comes_from((*target, "bucketDocument"), (*origin, "file"))
            return {"bucketDocument": file.removeprefix(self.prefix), "version": component.version}
        self.draft.comes_from((*target, "document"), (*origin, "name" if component.name else "file"))
        name = f"{label_of(component.name or path.stem)}.yaml"
        first = self._named.setdefault(name, file)
        if first != file:
            self.draft.refuse((*origin, "name"), f"makes {name}, which is {first} already; rename one of the two steps")
        elif not any(each.name == name for each in self.draft.documents if each.stack == self.stack):
            place = (*origin, "file")
            self.draft.documents.append(ImportedDocument(self.stack, name, file, place, self.draft.source))
        return {"document": name, "version": component.version}

    def _parameters(self, parameters: tuple[Parameter, ...], origin: Location, target: Location) -> dict[str, str]:
        found: dict[str, str] = {}
        self.draft.comes_from((*target, "parameters"), (*origin, "parameter"))
        for index, parameter in enumerate(parameters):
            place = (*origin, "parameter", index)
            self.draft.comes_from((*target, "parameters", parameter.name), place)
            if len(parameter.value) != 1:
                message = f"must hold one value, which is all that a component takes, got {list(parameter.value)!r}"
                self.draft.refuse((*place, "value"), message)
            elif parameter.name in found:
                self.draft.refuse((*place, "name"), f"{parameter.name!r} is stated twice; keep one")
            else:
                found[parameter.name] = parameter.value[0]
        return found


def runs(step: Mapping[str, Any]) -> Runs | None:
    """What tells two steps that run the same component with the same values; None for documents of one's own."""
    arn = step.get("arn")
    parameters: dict[str, str] = step.get("parameters") or {}
    return Runs(arn, frozenset(parameters.items())) if arn else None


def bucket_prefix(prefix: str, files: list[str]) -> str:
    """The prefix of all documents in a bucket: the sample's own where it holds for all, else none."""
    stated = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return stated if all(file.startswith(stated) for file in files) else ""
