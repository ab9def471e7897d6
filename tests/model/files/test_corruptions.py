"""Any single corruption of a file that is right is an error that names the field, with its line, and no traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from pydantic import BaseModel

from model.files.component_document import ComponentDocument, DocumentFile
from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_KEY, PRODUCT_KEY, StackFile
from model.files.problems import FileError, Problem
from model.files.product import Product
from tests.model.files.corruptions import Corruption, corruptions
from tests.model.files.generated_files import (
    DRAWN,
    LANDING_ZONE_FILE,
    Drawn,
    landing_zones,
    product_files,
    read_landing_zone,
    read_product,
)
from tests.model.files.generated_project import DOCUMENTS, write_project
from tests.model.files.generated_values import fields_of


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


def problems_of_file(read: Callable[[Any, StackFile], Any], key: str, name: str, values: Any) -> list[Problem]:
    """What is told of a file with these values, as it would be written; any other error than `FileError` is raised."""
    text = yaml.safe_dump({"config": {key: values}}, sort_keys=False, allow_unicode=True)
    file = StackFile.parse(text, name)
    with pytest.raises(FileError) as caught:
        read(file.values[key], file)
    lines = text.splitlines()
    for problem in caught.value.problems:
        assert problem.field, f"names no field: {problem}"
        if problem.file == name:
            assert 0 < problem.line <= len(lines), f"has no line: {problem}"
    return list(caught.value.problems)


def is_told(corruption: Corruption, problems: list[Problem]) -> None:
    # Of a list, the entry that is wrong.
    found = [problem for problem in problems if f"{problem.field}.".startswith(f"{corruption.field}.")]
    told = "\n".join(str(problem) for problem in problems)
    assert found, f"{corruption.kind} of {corruption.field} is told as:\n{told}"
    for problem in found:
        assert "\n" not in problem.message or "\\n" in repr(corruption.values), problem
        if corruption.kind == "missing":
            assert "is missing" in problem.message
        elif corruption.kind == "unknown":
            assert "is no field of this file" in problem.message
        else:
            assert "got" in problem.message or "value" in problem.message, f"does not tell what it got: {problem}"


def are_told(drawn: Drawn, project: Path, found: Iterable[Corruption]) -> None:
    name = f"Pulumi.{drawn.product.name}.yaml"

    def read(values: Any, file: StackFile) -> Drawn:
        return read_product(values, drawn.landing_zone, project, file)

    for corruption in found:
        is_told(corruption, problems_of_file(read, PRODUCT_KEY, name, corruption.values))


@settings(DRAWN, max_examples=4)
@given(st.data())
def test_a_corrupted_product_is_an_error_that_names_the_field(project: Path, data: st.DataObject) -> None:
    drawn = data.draw(product_files(project))
    found = st.sampled_from(list(corruptions(Product, drawn.values)))
    are_told(drawn, project, data.draw(st.lists(found, min_size=10, max_size=10)))


@pytest.mark.stack
@settings(DRAWN, max_examples=8)
@given(st.data())
def test_every_corruption_of_many_products_is_an_error_that_names_the_field(project: Path, data: st.DataObject) -> None:
    drawn = data.draw(product_files(project))
    are_told(drawn, project, corruptions(Product, drawn.values))


@settings(DRAWN, max_examples=1)
@given(landing_zones())
def test_a_corrupted_landing_zone_is_an_error_that_names_the_field(drawn: tuple[dict[str, Any], LandingZone]) -> None:
    for corruption in corruptions(LandingZone, drawn[0]):
        told = problems_of_file(read_landing_zone, LANDING_ZONE_KEY, LANDING_ZONE_FILE, corruption.values)
        is_told(corruption, told)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_corrupted_document_is_an_error_that_names_its_field(name: str) -> None:
    values = yaml.safe_load(DOCUMENTS[name])
    for corruption in corruptions(ComponentDocument, values):
        text = yaml.safe_dump(corruption.values, sort_keys=False)
        with pytest.raises(FileError) as caught:
            DocumentFile.parse(text, name)
        is_told(corruption, list(caught.value.problems))
        assert all(problem.line for problem in caught.value.problems)


@settings(DRAWN, max_examples=3)
@given(st.data())
def test_one_more_field_is_right_or_an_error_that_names_a_field(project: Path, data: st.DataObject) -> None:
    """Contradictions: a field beside which others may not stand."""
    drawn, other = data.draw(product_files(project)), data.draw(product_files(project))
    for name, value in other.values.items():
        problems: tuple[Problem, ...] = ()
        try:
            read_product({**drawn.values, name: value, "name": drawn.product.name}, drawn.landing_zone, project)
        except FileError as error:
            problems = error.problems
        assert all(problem.field for problem in problems), problems


@pytest.mark.stack
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # a whole file is long
def test_every_field_of_the_models_is_drawn_in_a_file_that_is_right(project: Path) -> None:
    """A field that is always mended away needs a line in `generated_files`."""
    missing = _known(Product)

    def draws_the_last(drawn: Drawn) -> bool:
        missing.difference_update(_stated(Product, drawn.values))
        return not missing

    # The same examples are drawn each time: what one number of targets leaves out, another one draws.
    for targets in (2, 1, 3, 0, 12):
        if missing:
            with contextlib.suppress(NoSuchExample):
                drawn = product_files(project, st.just(targets))
                find(drawn, draws_the_last, settings=settings(DRAWN, max_examples=100))
    assert sorted(missing) == []


def _known(model: type[BaseModel]) -> set[str]:
    found: set[str] = set()
    for each in fields_of(model).values():
        found.add(str(each))
        found.update(*(_known(inner) for inner in each.models))
    return found


def _stated(model: type[BaseModel], value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for entry in value for name in _stated(model, entry)}
    if not isinstance(value, dict):
        return set()
    fields = fields_of(model)
    if not set(value) <= set(fields):
        return {name for entry in value.values() for name in _stated(model, entry)}
    found = {str(fields[name]) for name in value}
    for name, inner in value.items():
        for part in fields[name].models:
            found |= _stated(part, inner)
    return found
