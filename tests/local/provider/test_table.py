"""The table is whole: every type that programs here use, every property that its operations take."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from local.provider.checking import supported
from local.provider.declarations import Declared, declarations, of_sdk
from local.provider.errors import UnsupportedTypeError
from local.provider.invokes import FUNCTIONS as INVOKED
from local.provider.mapping import Mapper
from local.provider.resource_table import MODULES, resource_type
from local.provider.resource_type import Call, ResourceType
from local.provider.sdk_places import FUNCTIONS, RESOURCES
from local.provider.work import input_shape, service_model

COMPONENTS = Path(__file__).parents[3] / "components"

LEFT_OUT = {
    "aws:cloudwatch/eventTarget:EventTarget": {"batchTarget", "ecsTarget", "runCommandTargets"},
    "aws:iam/policy:Policy": {"delayAfterPolicyCreationInMs"},
    "aws:lambda/function:Function": {"codeSha256", "replaceSecurityGroupsOnDestroy", "replacementSecurityGroupIds"},
    "aws:s3/bucket:Bucket": {
        "accelerationStatus",
        "bucketNamespace",
        "corsRules",
        "grants",
        "lifecycleRules",
        "logging",
        "objectLockConfiguration",
        "policy",
        "replicationConfiguration",
        "requestPayer",
        "serverSideEncryptionConfiguration",
        "versioning",
        "website",
    },
    "aws:s3/bucketObjectv2:BucketObjectv2": {
        "acl",
        "checksumAlgorithm",
        "contentBase64",
        "etag",
        "objectLockLegalHoldStatus",
        "objectLockMode",
        "objectLockRetainUntilDate",
        "source",
        "sourceHash",
        "storageClass",
        "tags",
        "websiteRedirect",
    },
}
"""Inputs that are refused by name: other operations than the type's own would be needed."""


def test_declarations_are_those_of_the_installed_sdk() -> None:
    written = {
        token: {"inputs": entry.inputs, "outputs": entry.outputs, "required": sorted(entry.required)}
        for token, entry in declarations().items()
    }
    assert written == of_sdk(RESOURCES, FUNCTIONS)


def test_table_declarations_and_functions_name_the_same_things() -> None:
    assert set(MODULES) == set(RESOURCES)
    assert set(INVOKED) == set(FUNCTIONS)


def test_every_type_that_a_component_makes_is_in_the_table() -> None:
    known = {place.replace("lambda_:", "lambda_.").replace(":", ".") for place in RESOURCES.values()}
    used = set[str]()
    for path in COMPONENTS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("aws."):
                name = ast.unparse(node.func).removeprefix("aws.")
                if "." in name and name[0].islower() and name.rpartition(".")[2][0].isupper():
                    used.add(name)
    resources = {name for name in used if not name.endswith("Args")}
    assert resources
    assert resources <= known


@pytest.mark.parametrize("token", sorted(MODULES))
def test_every_input_is_supported_or_known_to_be_left_out(token: str) -> None:
    row = resource_type(token)
    assert set(declarations()[token].inputs) - supported(row) == LEFT_OUT.get(token, set())


@pytest.mark.parametrize("token", sorted(MODULES))
def test_a_row_names_only_what_the_sdk_declares(token: str) -> None:
    row, declared = resource_type(token), declarations()[token]
    settable = {name for setting in row.settings for name in setting.properties}
    named = {*row.local, *row.unread, *row.created_with, *row.volatile, *row.key, *row.defaults, *settable}
    assert named <= {*declared.inputs, *declared.outputs}
    roots = {path.partition(".")[0] for path in (*row.comparison.kinds, *row.comparison.computed)}
    assert roots <= {*declared.inputs, *declared.outputs}


@pytest.mark.parametrize("token", sorted(MODULES))
def test_a_rows_calls_exist_in_botocores_model(token: str) -> None:
    row = resource_type(token)
    for call in _calls(row):
        members = input_shape(row.service, call.operation).members
        assert set(call.identity) | set(call.fixed) <= set(members), call.operation
    assert service_model(row.service).operation_names


@pytest.mark.parametrize(
    ("token", "operation"),
    [
        ("aws:imagebuilder/component:Component", "CreateComponent"),
        ("aws:imagebuilder/imageRecipe:ImageRecipe", "CreateImageRecipe"),
        ("aws:imagebuilder/imagePipeline:ImagePipeline", "CreateImagePipeline"),
        (
            "aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration",
            "CreateInfrastructureConfiguration",
        ),
        ("aws:imagebuilder/distributionConfiguration:DistributionConfiguration", "CreateDistributionConfiguration"),
        ("aws:imagebuilder/lifecyclePolicy:LifecyclePolicy", "CreateLifecyclePolicy"),
        ("aws:kms/key:Key", "CreateKey"),
        ("aws:lambda/function:Function", "CreateFunction"),
        ("aws:lambda/permission:Permission", "AddPermission"),
        ("aws:iam/role:Role", "CreateRole"),
        ("aws:cloudwatch/eventRule:EventRule", "PutRule"),
    ],
)
def test_every_nested_input_of_a_created_property_has_its_member(token: str, operation: str) -> None:
    row = resource_type(token)
    mapper = Mapper(token, row.renames)
    shape = input_shape(row.service, operation)
    lacking: list[str] = []
    for name, kind in declarations()[token].inputs.items():
        member = mapper.member(shape, name)
        if member is not None:
            _walk(mapper, shape.members[member], kind, name, lacking)
    # Two that AWS only answers.
    assert set(lacking) <= {"snapStart.optimizationStatus", "vpcConfig.vpcId"}


def test_a_type_outside_of_the_table_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedTypeError, match="aws:rds/cluster:Cluster is not supported"):
        resource_type("aws:rds/cluster:Cluster")


def _calls(row: ResourceType) -> list[Call]:
    actions = [row.create, row.delete, *(setting.apply for setting in row.settings)]
    return [action for action in actions if isinstance(action, Call)]


def _walk(mapper: Mapper, shape: Any, kind: Declared, path: str, lacking: list[str]) -> None:
    if isinstance(kind, list):
        _walk(mapper, shape.member if shape.type_name == "list" else shape, kind[0], path, lacking)
    elif isinstance(kind, dict) and "*" not in kind:
        inner = shape.member if shape.type_name == "list" else shape
        for name, nested in kind.items():
            member = mapper.member(inner, f"{path}.{name}")
            if member is None:
                lacking.append(f"{path}.{name}")
            else:
                _walk(mapper, inner.members[member], nested, f"{path}.{name}", lacking)
