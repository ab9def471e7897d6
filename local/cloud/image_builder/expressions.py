"""Expressions in double braces: parameters, constants, loop variables, and references to earlier steps.

Source: Image Builder User Guide, "Use variables in your custom component document" and "Input and output chaining".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_EXPRESSION = re.compile(r"\{\{\s*([A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*)\s*\}\}")
_PART = re.compile(r"\.([\w-]+)|\[(\d+)\]")


class ExpressionError(ValueError):
    """An expression names what is not there."""


@dataclass
class Scope:
    """What expressions can refer to while a document runs."""

    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    """Parameters and constants by name; loop variables while a step repeats."""

    steps: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By phase, by step: `inputs` as given, `outputs` once it ran."""

    def within(self, variables: Mapping[str, Any]) -> Scope:
        """The same scope with more variables."""
        return Scope({**self.variables, **variables}, self.steps)

    def resolve(self, value: Any) -> Any:
        """The value with every expression replaced, lists and mappings included.

        Raises:
            ExpressionError: An expression names neither a variable nor a step that ran.
        """
        if isinstance(value, str):
            whole = _EXPRESSION.fullmatch(value)
            if whole:
                found = self._look_up(whole[1])
                return found if isinstance(found, list | dict) else str(found)
            return _EXPRESSION.sub(lambda match: str(self._look_up(match[1])), value)
        if isinstance(value, list):
            return [self.resolve(entry) for entry in cast("list[Any]", value)]
        if isinstance(value, dict):
            return {key: self.resolve(entry) for key, entry in cast("dict[str, Any]", value).items()}
        return value

    def _look_up(self, reference: str) -> Any:
        head = re.match(r"[\w-]+", reference)
        name = head[0] if head else reference
        rest = reference[len(name) :]
        if name in self.variables:
            return _follow(self.variables[name], rest, reference)
        if name in self.steps:
            return _follow(self.steps[name], rest, reference)
        raise ExpressionError(
            f"Failed to resolve '{{{{ {reference} }}}}': no parameter, constant or step is called {name}"
        )


def _follow(value: Any, rest: str, reference: str) -> Any:
    for match in _PART.finditer(rest):
        key = match[1] if match[1] is not None else int(match[2])
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError) as error:
            raise ExpressionError(f"Failed to resolve '{{{{ {reference} }}}}': {key!r} is not there") from error
    return value
