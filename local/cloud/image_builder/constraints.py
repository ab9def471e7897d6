"""Limits of Image Builder's service model that botocore leaves to the service: lengths, patterns and closed sets."""

from __future__ import annotations

import re
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from local.cloud.image_builder import errors


def check(shape: Shape, value: Any, path: str = "") -> None:
    """Check a value, with all it holds, against its shape.

    Raises:
        ServiceError: InvalidParameterValueException that names the member and the limit.
    """
    if value is None:
        return
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            check(member, value.get(name), f"{path}.{name}" if path else name)
        return
    _check_size(shape, value, path)
    if isinstance(shape, ListShape):
        for index, entry in enumerate(value):
            check(shape.member, entry, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        for key, entry in value.items():
            check(shape.key, key, f"{path}.{key}")
            check(shape.value, entry, f"{path}.{key}")
    elif isinstance(shape, StringShape):
        _check_text(shape, str(value), path)


def _check_size(shape: Shape, value: Any, path: str) -> None:
    metadata = shape.metadata
    size: Any = len(value) if hasattr(value, "__len__") else value
    if isinstance(size, bool) or not isinstance(size, int | float):
        return
    if "max" in metadata and size > metadata["max"]:
        raise errors.invalid_value(path, f"It must be at most {metadata['max']}, it is {size}.")
    if "min" in metadata and size < metadata["min"]:
        raise errors.invalid_value(path, f"It must be at least {metadata['min']}, it is {size}.")


def _check_text(shape: StringShape, value: str, path: str) -> None:
    pattern = shape.metadata.get("pattern")
    if pattern and re.fullmatch(pattern, value) is None:
        raise errors.invalid_value(path, f"{value!r} does not match the pattern {pattern}.")
    if shape.enum and value not in shape.enum:
        raise errors.invalid_value(path, f"{value!r} is none of {', '.join(shape.enum)}.")
