"""Every parameter of the seed's tables, set and left out: imported, previewed, and seen in what AWS is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from pulumi.runtime import mocks

from model.files.component_bucket import StoredDocument
from model.files.problems import FileError, dotted
from tests.components.sample_parameters import BUILD1, ROWS
from tests.components.sample_preview import PRODUCT, REFUSED, Preview, Row
from tests.sample.configurations import REPOSITORY, TOPIC_KEY, Project

SEED_TABLES: Mapping[str, tuple[str, ...]] = {
    "Parameter Details": (
        "attr",
        "baseImage",
        "baseImageType",
        "resource_removal_policy",
        "ami_component_bucket_name",
        "ami_component_bucket_create",
        "ami_component_bucket_version",
        "instanceProfileName",
        "instanceProfileRoleName",
        "imagePipelineName",
        "components_prefix",
        "iamEncryption",
        "amitag",
        "tag",
        "image_receipe",
        "infrastructure",
        "inspector_validation",
        "Inspector_Config",
        "Component_Config",
        "Distribution",
        "distributionName",
        "distributionDescription",
        "sns_topic",
        "key_alias",
        "schedule",
        "golden_ami",
    ),
    "distribution": ("region", "accounts"),
    "infrastructure": ("name", "instance_type", "subnet_id", "security_groups"),
    "Component_Config": ("name", "file", "version", "arn", "parameter"),
    "image_recipe": ("image_recipe_name", "image_recipe_version", "volume_size", "volume_type", "deleteOnTermination"),
    "Inspector_Config": ("version", "high_severity_findings_threshold", "region", "ignore_findings"),
}
"""Parameter names of the seed's tables, and those that only its type listings have: golden_ami, deleteOnTermination."""


@pytest.fixture(scope="module")
def preview(
    product_resources: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[dict[str, Any]], Preview]:
    """Imports a configuration and previews its product, whose bucket holds the sample's documents; each one once."""
    previews: dict[str, Preview] = {}

    def build(config: dict[str, Any]) -> Preview:
        project = Project.made(tmp_path_factory.mktemp("project"))
        done = project.imported(config, product=PRODUCT, topic_key=TOPIC_KEY if "sns_topic" in config else None)
        done.write()
        content = (REPOSITORY / "tests" / "sample" / BUILD1).read_bytes()
        stored = {"build1.yaml": StoredDocument(content, "v1", "AES256")}
        with retained_resources() as retained:
            resources = product_resources(done.product, done.landing_zone, project=project.folder, stored=stored)
        return Preview(done, resources, retained)

    def cached(config: dict[str, Any]) -> Preview:
        key = json.dumps(config, sort_keys=True)
        if key not in previews:
            previews[key] = build(config)
        return previews[key]

    return cached


@contextmanager
def retained_resources() -> Generator[dict[str, bool]]:
    """Whether each resource that is registered meanwhile stays when it is deleted."""
    retained: dict[str, bool] = {}
    register = mocks.MockMonitor.RegisterResource

    def spied(monitor: Any, request: Any) -> Any:
        retained[request.name] = request.retainOnDelete
        return register(monitor, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mocks.MockMonitor, "RegisterResource", spied)
        yield retained


def names_of(row: Row) -> str:
    return f"{row.table}: {row.name}"


@pytest.mark.parametrize("row", ROWS, ids=names_of)
def test_a_parameter_that_is_set_has_its_effect(row: Row, preview: Callable[[dict[str, Any]], Preview]) -> None:
    assert row.look(preview(row.config(stated=True))) == row.expected


@pytest.mark.parametrize("row", ROWS, ids=names_of)
def test_a_parameter_that_is_left_out_has_its_default(row: Row, preview: Callable[[dict[str, Any]], Preview]) -> None:
    config = row.config(stated=False)
    if row.left_out != REFUSED:
        assert row.look(preview(config)) == row.left_out
        return
    with pytest.raises(FileError) as raised:
        preview(config)
    told = [f"{problem.field} {problem.message}" for problem in raised.value.problems]
    assert any(row.name in line or dotted(row.place) in line for line in told), told


def test_the_table_holds_every_parameter_of_the_seed() -> None:
    assert {(table, name) for table, names in SEED_TABLES.items() for name in names} == {
        (row.table, row.name) for row in ROWS
    }
    assert len(ROWS) == len({names_of(row) for row in ROWS})
