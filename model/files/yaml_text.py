"""YAML as the files mean it: each key once and as it is written, and where everything stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from model.files.problems import FileError, Location, Problem, dotted, encoding_problem, yaml_problem

MERGE = "<<"


class _Loader(yaml.CSafeLoader):
    """Reads keys as text: a tag called `2027` or `on` is no number and no truth."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def parse_yaml(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    """A text's values, and the nodes that know their lines; raises `FileError` where a file cannot be so."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if problems := list(_problems(root, name)):
            raise FileError(problems)
        return (None if root is None else loader.construct_document(root)), root
    except yaml.YAMLError as error:
        raise FileError([yaml_problem(error, name)]) from None


def read_text(path: Path, name: str) -> str:
    """A file's text; raises `FileError` where it is not UTF-8, and `FileNotFoundError`."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileError([encoding_problem(error, name)]) from None


def _problems(
    node: yaml.Node | None, name: str, place: Location = (), around: tuple[yaml.Node, ...] = ()
) -> Iterator[Problem]:
    if node is not None and node in around:
        message = "an alias stands inside what it stands for; write the values out"
        yield Problem(name, node.start_mark.line + 1, dotted(place), message)
        return
    inside = (*around, *([node] if node is not None else []))
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                yield Problem(name, line, dotted(place), "a key must be text; quote a value that begins with {{")
                continue
            if key.value != MERGE and first.setdefault(key.value, line) != line:
                yield Problem(
                    name,
                    line,
                    dotted((*place, key.value)),
                    f"is stated before, in line {first[key.value]}, and only one can count; remove one",
                )
            yield from _problems(value, name, (*place, key.value), inside)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _problems(value, name, (*place, index), inside)
