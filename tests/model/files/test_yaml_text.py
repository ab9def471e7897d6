"""YAML that a file cannot be is told with its line, whatever PyYAML would make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.files.loading import StackFile
from model.files.problems import FileError
from model.files.yaml_text import parse_yaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "f.yaml:4: b.c: is stated before, in line 3, and only one can count"),
        ("a: &x\n  - *x\n", "f.yaml:1: a.0: an alias stands inside what it stands for"),
        ("? [a]\n: 1\n", "f.yaml:1: a key must be text"),
        ("a: [", "f.yaml:2: not YAML"),
        ("a: \x00", "f.yaml: not YAML"),
        ("a: !!python/object:os.system x\n", "f.yaml:1: not YAML"),
    ],
)
def test_what_no_file_can_be_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(FileError) as caught:
        parse_yaml(text, "f.yaml")
    assert str(caught.value).startswith(told)


def test_keys_are_what_is_written() -> None:
    values, _ = parse_yaml("2027-01-31: a\n1: b\non: c\nnull: d\n", "f.yaml")
    assert values == {"2027-01-31": "a", "1": "b", "on": "c", "null": "d"}


def test_merged_mappings_stay(tmp_path: Path) -> None:
    values, _ = parse_yaml("base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\n", "f.yaml")
    assert values["other"] == {"a": 1, "b": 3}


def test_a_stack_file_that_is_not_utf_8_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.journal.yaml"
    path.write_bytes(b"config: \xff\n")
    with pytest.raises(FileError, match="is not UTF-8 text"):
        StackFile.read(path)
