"""What pulumi-aws declares of each resource type: names and types of inputs and outputs.

The SDK itself is too slow and large to import in a plugin that users wait for. So what it declares is read once for
each version of the SDK and of the table, and kept in the ignored folder.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import tempfile
import threading
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from local.environment import REPOSITORY
from local.provider import sdk_places

FOLDER = REPOSITORY / ".local" / "cache" / "declarations"

Declared = str | list[Any] | dict[str, Any]
"""A type: "str", "int", "float", "bool" or "archive"; a list as [element]; a map as {"*": element}; else an object."""


@dataclass(frozen=True)
class Declaration:
    """The inputs and outputs of one resource type or function."""

    inputs: Mapping[str, Declared]
    outputs: Mapping[str, Declared]
    required: frozenset[str]


_reading = threading.Lock()


def declarations() -> Mapping[str, Declaration]:
    """Every declaration by its token; the first process to ask reads the SDK for all that follow."""
    # The SDK loads its modules when they are first used, which several threads may not do at once.
    with _reading:
        return _read()


@cache
def _read() -> Mapping[str, Declaration]:
    file = _file()
    if not file.exists():
        _write(file)
    content = json.loads(file.read_text(encoding="utf-8"))
    return {
        token: Declaration(entry["inputs"], entry["outputs"], frozenset(entry["required"]))
        for token, entry in content.items()
    }


def _file() -> Path:
    places = hashlib.sha256(Path(sdk_places.__file__).read_bytes()).hexdigest()[:16]
    return FOLDER / f"pulumi-aws-{metadata.version('pulumi-aws')}-{places}.json"


def _write(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(of_sdk(sdk_places.RESOURCES, sdk_places.FUNCTIONS), indent=1)
    # Several plugins start at once: each writes a file of its own, and the last one to finish wins whole.
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as draft:
        draft.write(text)
    Path(draft.name).replace(file)


def of_sdk(resources: Mapping[str, str], functions: Mapping[str, str]) -> dict[str, Any]:
    """Read the declarations from the installed pulumi_aws; the values are "<module>:<name>" within it."""
    return {
        **{token: _resource(place) for token, place in sorted(resources.items())},
        **{token: _function(place) for token, place in sorted(functions.items())},
    }


def _find(place: str) -> tuple[Any, str]:
    import importlib

    module, _, name = place.rpartition(":")
    return importlib.import_module(f"pulumi_aws.{module}" if module else "pulumi_aws"), name


def _resource(place: str) -> dict[str, Any]:
    from pulumi import _types  # pyright: ignore[reportPrivateUsage] - the SDK tells its types nowhere else

    module, name = _find(place)
    sdk_class = getattr(module, name)
    # Where a nested type took the name, the SDK calls the arguments "…InitArgs".
    arguments = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    names = _types.input_type_py_to_pulumi_names(arguments)
    types = _types.input_type_types(arguments)
    required = inspect.signature(arguments.__init__).parameters
    return {
        "inputs": {names[key]: _declared(types[names[key]]) for key in names},
        "outputs": {key: _declared(value) for key, value in _types.resource_types(sdk_class).items()},
        "required": sorted(
            names[key] for key, parameter in required.items() if key in names and parameter.default is parameter.empty
        ),
    }


def _function(place: str) -> dict[str, Any]:
    from pulumi import _types  # pyright: ignore[reportPrivateUsage] - the SDK tells its types nowhere else

    module, name = _find(place)
    result = getattr(module, f"{_class_name(name)}Result")
    outputs = _types.output_type_types(result)
    parameters = [key for key in inspect.signature(getattr(module, name)).parameters if key != "opts"]
    camel = {key: key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:]) for key in parameters}
    return {
        "inputs": {camel[key]: _declared(outputs[camel[key]]) for key in parameters},
        "outputs": {key: _declared(value) for key, value in outputs.items()},
        "required": [
            camel[key]
            for key, parameter in inspect.signature(getattr(module, name)).parameters.items()
            if key in camel and parameter.default is parameter.empty
        ],
    }


def _class_name(function: str) -> str:
    return "".join(part.title() for part in function.split("_"))


def _declared(kind: Any) -> Declared:
    from pulumi import (
        Archive,
        Output,
        _types,  # pyright: ignore[reportPrivateUsage]
    )

    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(origin, type) and issubclass(origin, Output):
        return _declared(arguments[0])
    if origin is typing.Union:
        known = [argument for argument in arguments if argument is not type(None)]
        # Policy documents may be text or an object; text is what AWS takes and the state holds.
        if str in known:
            return "str"
        return _declared(next((item for item in known if _types.is_input_type(item)), known[0]))
    if origin is not None and getattr(origin, "__name__", "") in ("list", "Sequence"):
        return [_declared(arguments[0])]
    if origin is not None and getattr(origin, "__name__", "") in ("dict", "Mapping"):
        return {"*": _declared(arguments[1])}
    if isinstance(kind, type) and issubclass(kind, Archive):
        return "archive"
    if _types.is_input_type(kind):
        return {name: _declared(value) for name, value in _types.input_type_types(kind).items()}
    if _types.is_output_type(kind):
        return {name: _declared(value) for name, value in _types.output_type_types(kind).items()}
    return str(kind.__name__)
