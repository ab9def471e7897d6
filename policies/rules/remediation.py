"""Where to mend what breaks a rule: the line of the file that decided it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .landing_zone import LANDING_ZONE_STACK, stack_file

LANDING_ZONE = "landingZone"
"""The key of what all stacks share, which stands in one file for all of them."""


@dataclass(frozen=True)
class StackFiles:
    """The stack files beside the pack: their texts, by their stacks."""

    texts: Mapping[str, str] = field(default_factory=dict[str, str])

    def place(self, path: str, urn: str) -> str:
        """File, line and field that decided what a resource is, such as ` (stacks/Pulumi.ledger.yaml:14, subnet)`.

        `path` begins with the key of the file's configuration. Empty where no file here decides, as for another
        project's stacks. A field that is left out has the line of the nearest part around it.
        """
        stack, project = _origin(urn)
        key, _, fields = path.partition(".")
        name = LANDING_ZONE_STACK if key == LANDING_ZONE else stack
        text = self.texts.get(name)
        if not path or text is None:
            return ""
        # Every key of a file's configuration begins with the name of its project.
        line = _line(text, ("config", f"{project}:{key}"), tuple(fields.split(".")))
        return f" ({stack_file(name)}:{line}, {fields})" if line else ""


NO_FILES = StackFiles()


def read_stack_files(pack: Path) -> StackFiles:
    """The stack files beside a pack; none where the pack lies elsewhere or one of them cannot be read."""
    files = (pack.parent / "stacks").glob("Pulumi.*.yaml")
    try:
        return StackFiles({_stack(file): file.read_text(encoding="utf-8") for file in files})
    except (OSError, UnicodeDecodeError):
        return NO_FILES


def _stack(file: Path) -> str:
    return file.name.removeprefix("Pulumi.").removesuffix(".yaml")


def _origin(urn: str) -> tuple[str, str]:
    """Stack and project of a resource, by its URN; "" where it states none."""
    stack, _, rest = urn.removeprefix("urn:pulumi:").partition("::")
    return (stack, rest.partition("::")[0]) if urn.startswith("urn:pulumi:") else ("", "")


def _line(text: str, above: tuple[str, ...], fields: tuple[str, ...]) -> int:
    """Line of a field, or of the nearest part around it; 0 where the file has not even the parts above."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return 0
    line = 0
    for depth, name in enumerate((*above, *fields)):
        found = _entry(node, name)
        if found is None:
            return line if depth >= len(above) else 0
        line, node = found
    return line


def _entry(node: yaml.Node | None, name: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return key.start_mark.line + 1, value
    return None
