"""Any corruption of a configuration is told by its key; nothing is written, and no traceback comes."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.files.problems import FileError, dotted
from tests.sample.configurations import Project, whole

Place = tuple[str | int, ...]

REQUIRED: list[Place] = [
    ("baseImage",),
    ("components_prefix",),
    ("image_receipe",),
    ("image_receipe", "image_recipe_version"),
    ("Component_Config",),
    ("Component_Config", "Build", 0, "version"),
    ("Component_Config", "Build", 0, "parameter", 0, "name"),
    ("Component_Config", "Build", 0, "parameter", 0, "value"),
    ("Distribution", 0, "region"),
    ("Distribution", 0, "accounts"),
]

OUT_OF_RANGE: list[tuple[Place, Any]] = [
    (("attr",), ""),
    (("baseImage",), "/golden ami"),
    (("baseImageType",), "name"),
    (("resource_removal_policy",), "keep"),
    (("ami_component_bucket_create",), "perhaps"),
    (("ami_component_bucket_version",), 2),
    (("iamEncryption",), "maybe"),
    (("amitag", "Name"), "golden-ami-{{imagebuilder:date}}"),
    (("amitag", "golden_ami"), "<true>"),
    (("tag", "env"), "x" * 257),
    (("image_receipe", "image_recipe_version"), "1.0"),
    (("image_receipe", "volume_size"), 0),
    (("image_receipe", "volume_size"), 16_001),
    (("image_receipe", "volume_size"), 1.5),
    (("image_receipe", "volume_size"), True),
    (("image_receipe", "volume_size"), "large"),
    (("image_receipe", "volume_type"), "st1"),
    (("image_receipe", "volume_type"), "io1"),
    (("image_receipe", "deleteOnTermination"), "sometimes"),
    (("infrastructure", "instance_type"), ["t2"]),
    (("infrastructure", "instance_type"), ["mac1.metal"]),
    (("infrastructure", "instance_type"), []),
    (("infrastructure", "subnet_id"), "subnet-123456"),
    (("inspector_validation",), "high"),
    (("Component_Config", "Build", 0, "version"), "one"),
    (("Component_Config", "Build", 0, "file"), "/etc/passwd"),
    (("Component_Config", "Build", 0, "file"), "golden_ami_amf_components/none.yaml"),
    (("Component_Config", "Build", 0, "parameter", 0, "name"), "param3"),
    (("Component_Config", "Build", 0, "parameter", 0, "value"), ["a", "b"]),
    (("Component_Config", "Build", 0, "parameter", 0, "value"), []),
    (("Component_Config", "Build", 1, "arn"), "arn:aws:imagebuilder:us-east-1:aws:component/update-linux"),
    (("Component_Config", "Build", 1, "arn"), "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/x.x.x"),
    (("Component_Config", "Build", 0, "arn"), "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.2/1"),
    (("Component_Config", "Test", 0, "file"), "golden_ami_amf_components/build1.yaml"),
    (("Distribution", 0, "region"), "us"),
    (("Distribution", 0, "region"), "ap-south-1"),
    (("Distribution", 0, "accounts"), ["1234556788"]),
    (("Distribution", 0, "accounts"), ["1234556789", "1234556789"]),
    (("distributionDescription",), "two\nlines"),
    (("schedule", "scheduleExpression"), "daily"),
    (("schedule", "pipelineExecutionStartCondition"), "ALWAYS"),
    (("Inspector_Config",), {"Build": []}),
    (("Inspector_Config", "Build", 0, "parameter"), []),
    (("Inspector_Config", "Build", 0, "parameter", 1, "value"), ["many"]),
    (("Inspector_Config", "Build", 0, "parameter", 3, "value"), ["perhaps"]),
]


@pytest.fixture(scope="module")
def project() -> Generator[Project]:
    with tempfile.TemporaryDirectory() as folder:
        yield Project.made(Path(folder))


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place of a configuration but its root."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*place, key)
        yield from places(entry, (*place, key))


PLACES = list(places(whole()))


def changed(place: Place, change: Callable[[Any, str | int], None]) -> dict[str, Any]:
    """The configuration with one change where a place is held."""
    config = copy.deepcopy(whole())
    holder: Any = config
    for part in place[:-1]:
        holder = holder[part]
    change(holder, place[-1])
    return config


def assert_told(project: Project, config: dict[str, Any], place: Place) -> None:
    """An import is refused, and each problem is about the place, or about what holds it or lies in it."""
    before = project.files()
    with pytest.raises(FileError) as raised:
        project.imported(config)
    assert project.files() == before
    key = dotted(place)
    for problem in raised.value.problems:
        assert Path(problem.file).name == "config.json"
        assert problem.field
        assert f"{problem.field}.".startswith(f"{key}.") or f"{key}.".startswith(f"{problem.field}."), str(problem)
        assert problem.line > 0
        assert "Traceback" not in str(problem)


@settings(max_examples=30)
@given(place=st.sampled_from(PLACES), wrong=st.sampled_from([{"unexpected": {"deeper": []}}, [[["unexpected"]]]]))
def test_a_value_of_another_kind_is_told_by_its_key(project: Project, place: Place, wrong: Any) -> None:
    def change(holder: Any, part: str | int) -> None:
        holder[part] = wrong

    assert_told(project, changed(place, change), place)


@settings(max_examples=30)
@given(
    place=st.sampled_from(
        [place for place in PLACES if isinstance(place[-1], str) and not {"tag", "amitag"} & {*place[:1]}]
    )
)
def test_a_key_that_is_misspelt_is_told(project: Project, place: Place) -> None:
    other = f"{place[-1]}x"

    def change(holder: Any, part: str | int) -> None:
        holder[other] = holder.pop(part)

    before = project.files()
    with pytest.raises(FileError) as raised:
        project.imported(changed(place, change))
    assert project.files() == before
    assert dotted((*place[:-1], other)) in {problem.field for problem in raised.value.problems}


@pytest.mark.parametrize("place", REQUIRED, ids=dotted)
def test_a_key_that_is_needed_and_missing_is_told(project: Project, place: Place) -> None:
    def change(holder: Any, part: str | int) -> None:
        del holder[part]

    before = project.files()
    with pytest.raises(FileError) as raised:
        project.imported(changed(place, change))
    assert project.files() == before
    assert dotted(place) in {problem.field for problem in raised.value.problems}


@pytest.mark.parametrize(("place", "wrong"), OUT_OF_RANGE, ids=str)
def test_a_value_out_of_its_range_is_told_by_its_key(project: Project, place: Place, wrong: Any) -> None:
    def change(holder: Any, part: str | int) -> None:
        holder[part] = wrong

    assert_told(project, changed(place, change), place)


@settings(max_examples=30)
@given(data=st.data())
def test_any_change_of_the_text_imports_or_is_told(project: Project, data: st.DataObject) -> None:
    text = json.dumps(whole(), indent=1)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    put = data.draw(st.text(st.sampled_from('{}[]":,\\0x\n\t'), max_size=4))
    before = project.files()
    with contextlib.suppress(FileError):
        project.imported(text[:start] + put + text[end:])
    assert project.files() == before
