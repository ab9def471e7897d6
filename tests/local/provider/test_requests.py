"""Creating, comparing, reading, updating and deleting through the table, on an AWS in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.provider.errors import HalfMadeError, ProviderError, UnsupportedTypeError
from local.provider.requests import Provider
from local.provider.values import UNKNOWN, Secret

KEY = "urn:pulumi:dev::golden-ami::aws:kms/key:Key::images"
COMPONENT = "urn:pulumi:dev::golden-ami::aws:imagebuilder/component:Component::install"
GROUP = "urn:pulumi:dev::golden-ami::aws:cloudwatch/logGroup:LogGroup::log"

COMPONENT_INPUTS = {"name": "install", "platform": "Linux", "version": "1.0.0", "data": "schemaVersion: 1.0"}


class FakeKeys:
    """One KMS key."""

    def __init__(self, sessions: Any) -> None:
        self.sessions = sessions
        self.metadata: dict[str, Any] = {}
        self.rotation = False
        self.policy = "{}"
        self.tags: dict[str, str] = {}
        sessions.operations.update(
            CreateKey=self.create,
            DescribeKey=lambda **_: {"KeyMetadata": self.metadata},
            GetKeyPolicy=lambda **_: {"Policy": self.policy},
            GetKeyRotationStatus=lambda **_: {"KeyRotationEnabled": self.rotation},
            ListResourceTags=lambda **_: {"Tags": [{"TagKey": k, "TagValue": v} for k, v in self.tags.items()]},
            EnableKeyRotation=lambda **_: self.turn(True),
            DisableKeyRotation=lambda **_: self.turn(False),
            PutKeyPolicy=self.put_policy,
            TagResource=lambda **p: self.tags.update({t["TagKey"]: t["TagValue"] for t in p["Tags"]}),
            UntagResource=lambda **p: [self.tags.pop(key) for key in p["TagKeys"]],
            UpdateKeyDescription=lambda **p: self.metadata.update(Description=p["Description"]),
            ScheduleKeyDeletion=lambda **_: self.metadata.update(KeyState="PendingDeletion"),
        )

    def create(self, **parameters: Any) -> Any:
        self.policy = parameters.get("Policy", "{}")
        self.tags = {tag["TagKey"]: tag["TagValue"] for tag in parameters.get("Tags", ())}
        self.metadata = {
            "KeyId": "k-1",
            "Arn": "arn:aws:kms:us-east-1:111111111111:key/k-1",
            "Enabled": True,
            "KeyState": "Enabled",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "MultiRegion": parameters.get("MultiRegion", False),
            "Description": parameters.get("Description", ""),
        }
        return {"KeyMetadata": self.metadata}

    def turn(self, rotation: bool) -> None:
        self.rotation = rotation

    def put_policy(self, **parameters: Any) -> None:
        self.policy = parameters["Policy"]


@pytest.fixture
def keys(sessions: Any) -> FakeKeys:
    return FakeKeys(sessions)


def test_a_created_key_has_every_declared_output(provider: Provider, keys: FakeKeys) -> None:
    resource_id, outputs = provider.create(KEY, {"enableKeyRotation": True, "tags": {"a": "b"}}, preview=False)
    assert resource_id == "k-1"
    assert outputs["arn"] == "arn:aws:kms:us-east-1:111111111111:key/k-1"
    assert outputs["enableKeyRotation"] is True
    assert outputs["tags"] == {"a": "b"}
    assert outputs["tagsAll"] == {"a": "b", "owner": "platform"}
    assert outputs["region"] == "us-east-1"


def test_the_same_inputs_change_nothing_afterwards(provider: Provider, keys: FakeKeys) -> None:
    inputs = {"description": "images", "policy": '{"Statement": []}', "tags": {"a": "b"}}
    _, state = provider.create(KEY, inputs, preview=False)
    assert not provider.diff(KEY, inputs, state, inputs, ()).kinds


def test_a_half_made_key_is_told_with_what_it_is_and_repaired_by_the_next_update(
    provider: Provider, sessions: Any, keys: FakeKeys, refusal: Callable[..., ClientError]
) -> None:
    def refuse(**_: Any) -> None:
        raise refusal("AccessDeniedException", "not allowed to rotate")

    working = sessions.operations["EnableKeyRotation"]
    sessions.operations["EnableKeyRotation"] = refuse
    inputs = {"enableKeyRotation": True}
    with pytest.raises(HalfMadeError, match="not allowed to rotate") as error:
        provider.create(KEY, inputs, preview=False)
    assert error.value.resource_id == "k-1"
    state = dict(error.value.properties)
    assert state["enableKeyRotation"] is False
    sessions.operations["EnableKeyRotation"] = working
    assert set(provider.diff(KEY, inputs, state, inputs, ()).kinds) == {"enableKeyRotation"}
    repaired = provider.update(KEY, "k-1", inputs, state, inputs, (), preview=False)
    assert repaired["enableKeyRotation"] is True
    assert len(sessions.called("CreateKey")) == 1


def test_an_immutable_property_replaces_and_a_setting_does_not(provider: Provider, keys: FakeKeys) -> None:
    _, state = provider.create(KEY, {}, preview=False)
    found = provider.diff(KEY, {"multiRegion": True, "description": "new"}, state, {}, ())
    assert found.replaces == {"multiRegion"}
    assert set(found.kinds) == {"multiRegion", "description"}
    assert not found.delete_first


def test_an_ignored_change_is_none(provider: Provider, keys: FakeKeys) -> None:
    _, state = provider.create(KEY, {"tags": {"a": "b"}}, preview=False)
    news = {"description": "new", "tags": {"a": "c"}}
    assert not provider.diff(KEY, news, state, {}, ["description", "tags.a"]).kinds


def test_changed_tags_are_set_and_dropped_ones_removed(provider: Provider, sessions: Any, keys: FakeKeys) -> None:
    old = {"tags": {"a": "b", "gone": "x"}}
    _, state = provider.create(KEY, old, preview=False)
    outputs = provider.update(KEY, "k-1", {"tags": {"a": "c"}}, state, old, (), preview=False)
    assert keys.tags == {"a": "c", "owner": "platform"}
    assert outputs["tags"] == {"a": "c"}


def test_a_refresh_finds_an_edited_policy_and_the_next_update_puts_it_back(provider: Provider, keys: FakeKeys) -> None:
    inputs = {"policy": '{"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}'}
    _, state = provider.create(KEY, inputs, preview=False)
    keys.policy = '{"Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}'
    _, refreshed, refreshed_inputs = provider.read(KEY, "k-1", state, inputs)
    assert json.loads(refreshed_inputs["policy"])["Statement"][0]["Action"] == "kms:Decrypt"
    assert set(provider.diff(KEY, inputs, refreshed, refreshed_inputs, ()).kinds) == {"policy"}
    provider.update(KEY, "k-1", inputs, refreshed, refreshed_inputs, (), preview=False)
    assert "kms:*" in keys.policy


def test_a_refresh_of_an_unchanged_key_keeps_the_programs_words(provider: Provider, keys: FakeKeys) -> None:
    inputs = {"policy": '{"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}'}
    _, state = provider.create(KEY, inputs, preview=False)
    keys.policy = '{"Statement":[{"Action":["kms:*"],"Resource":["*"],"Effect":"Allow"}]}'
    assert provider.read(KEY, "k-1", state, inputs) == ("k-1", state, inputs)


def test_a_key_on_its_way_to_deletion_is_gone(provider: Provider, keys: FakeKeys) -> None:
    _, state = provider.create(KEY, {}, preview=False)
    provider.delete(KEY, "k-1", state, {"deletionWindowInDays": 7})
    assert keys.sessions.called("ScheduleKeyDeletion") == [{"KeyId": "k-1", "PendingWindowInDays": 7}]
    assert provider.read(KEY, "k-1", state, {}) == ("", {}, {})


def test_a_preview_leaves_open_what_aws_decides_and_keeps_secrets(provider: Provider, sessions: Any) -> None:
    inputs = {"description": Secret("hidden"), "policy": UNKNOWN}
    resource_id, outputs = provider.create(KEY, inputs, preview=True)
    assert resource_id == ""
    assert outputs["description"] == Secret("hidden")
    assert outputs["arn"] is UNKNOWN
    assert outputs["policy"] is UNKNOWN
    assert outputs["isEnabled"] is True
    assert sessions.calls == []


def test_an_unsupported_property_is_a_fault_that_names_type_and_property(provider: Provider) -> None:
    urn = "urn:pulumi:dev::golden-ami::aws:s3/bucket:Bucket::files"
    _, faults = provider.check(urn, b"seed", {"corsRules": [{"allowedMethods": ["GET"]}]}, {})
    assert [(fault.property, fault.reason) for fault in faults] == [
        (
            "corsRules",
            "aws:s3/bucket:Bucket: property 'corsRules' is not supported by the local aws provider",
        )
    ]


def test_a_missing_required_property_is_a_fault(provider: Provider) -> None:
    _, faults = provider.check(COMPONENT, b"seed", {"platform": "Linux"}, {})
    assert "missing required property 'version'" in faults[0].reason


def test_an_unsupported_type_is_named(provider: Provider) -> None:
    urn = "urn:pulumi:dev::golden-ami::my:component:Thing$aws:rds/cluster:Cluster::db"
    with pytest.raises(UnsupportedTypeError, match="aws:rds/cluster:Cluster"):
        provider.check(urn, b"seed", {}, {})


def test_an_unsupported_function_is_named(provider: Provider) -> None:
    with pytest.raises(UnsupportedTypeError, match="aws:ec2/getVpc:getVpc"):
        provider.invoke("aws:ec2/getVpc:getVpc", {})


def test_a_document_given_as_an_object_becomes_text(provider: Provider) -> None:
    inputs, _ = provider.check(KEY, b"seed", {"policy": {"Statement": []}}, {})
    assert inputs["policy"] == '{"Statement":[]}'


def test_a_fixed_name_is_deleted_before_its_replacement_and_a_chosen_one_is_not(provider: Provider) -> None:
    state = {"name": "app", "logGroupClass": "STANDARD", "region": "us-east-1", "tagsAll": {"owner": "platform"}}
    news = {"name": "app", "logGroupClass": "INFREQUENT_ACCESS", "__defaults": []}
    assert provider.diff(GROUP, news, state, {}, ()).delete_first
    assert not provider.diff(GROUP, news | {"__defaults": ["name"]}, state, {}, ()).delete_first
    assert not provider.diff(GROUP, news | {"name": "other"}, state, {}, ()).delete_first


def test_another_region_replaces(provider: Provider) -> None:
    state = {"name": "app", "region": "us-east-1", "tagsAll": {"owner": "platform"}}
    found = provider.diff(GROUP, {"name": "app", "region": "eu-west-1"}, state, {}, ())
    assert found.replaces == {"region"}
    assert not found.delete_first


class FakeComponents:
    """Image Builder's components, with its memory of client tokens."""

    def __init__(self, sessions: Any, missing: ClientError) -> None:
        self.components: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}
        self._missing = missing
        sessions.operations.update(CreateComponent=self.create, GetComponent=self.get)

    def create(self, **parameters: Any) -> Any:
        token = parameters["clientToken"]
        if token not in self.tokens:
            build = len(self.tokens) + 1
            arn = f"arn:aws:imagebuilder:us-east-1:111111111111:component/{parameters['name']}/1.0.0/{build}"
            self.tokens[token] = arn
            self.components[arn] = {
                "arn": arn,
                "name": parameters["name"],
                "version": parameters["semanticVersion"],
                "platform": parameters["platform"],
                "data": parameters["data"],
                "tags": parameters.get("tags", {}),
            }
        return {"componentBuildVersionArn": self.tokens[token]}

    def get(self, componentBuildVersionArn: str) -> Any:
        if componentBuildVersionArn not in self.components:
            raise self._missing
        return {"component": self.components[componentBuildVersionArn]}


@pytest.fixture
def components(sessions: Any, refusal: Callable[..., ClientError]) -> FakeComponents:
    return FakeComponents(sessions, refusal("ResourceNotFoundException"))


def test_a_component_left_by_an_interrupted_run_is_found_again(provider: Provider, components: FakeComponents) -> None:
    first, _ = provider.create(COMPONENT, COMPONENT_INPUTS, preview=False)
    second, outputs = provider.create(COMPONENT, COMPONENT_INPUTS, preview=False)
    assert first == second
    assert len(components.components) == 1
    assert outputs["version"] == "1.0.0"


def test_a_deleted_component_is_made_anew_although_its_token_is_remembered(
    provider: Provider, components: FakeComponents
) -> None:
    first, _ = provider.create(COMPONENT, COMPONENT_INPUTS, preview=False)
    del components.components[first]
    second, _ = provider.create(COMPONENT, COMPONENT_INPUTS, preview=False)
    assert second != first
    assert set(components.components) == {second}


def test_a_create_that_finds_a_resource_says_how_to_take_it_over(
    provider: Provider, sessions: Any, refusal: Callable[..., ClientError]
) -> None:
    def exists(**_: Any) -> None:
        raise refusal("EntityAlreadyExists", "Role with name a already exists.")

    sessions.operations["CreateRole"] = exists
    urn = "urn:pulumi:dev::golden-ami::aws:iam/role:Role::role"
    with pytest.raises(ProviderError, match="pulumi import aws:iam/role:Role role <id>"):
        provider.create(urn, {"name": "a", "assumeRolePolicy": "{}"}, preview=False)


def test_after_a_cancel_nothing_is_made(provider: Provider, sessions: Any) -> None:
    provider.cancel()
    with pytest.raises(ProviderError, match="cancelled"):
        provider.create(KEY, {}, preview=False)
    assert sessions.calls == []
