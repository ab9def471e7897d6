"""Properties map through botocore's own shapes, and what maps nowhere is named."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from local.provider.errors import ProviderError, UnsupportedPropertyError
from local.provider.mapping import Mapper, declared_scalar
from local.provider.work import input_shape

TOKEN = "aws:imagebuilder/imageRecipe:ImageRecipe"


def mapped(operation: str, properties: dict[str, Any], renames: dict[str, str] | None = None) -> dict[str, Any]:
    return Mapper(TOKEN, renames or {}).to_aws(input_shape("imagebuilder", operation), properties)


def test_text_becomes_the_number_or_boolean_that_the_shape_asks_for() -> None:
    found = mapped(
        "CreateImageRecipe",
        {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "volumeSize": "8"}}]},
    )
    assert found == {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": True, "volumeSize": 8}}]}


def test_a_single_value_becomes_a_list_of_one_where_the_shape_is_a_list() -> None:
    component = {"componentArn": "arn", "parameters": [{"name": "a", "value": "b"}]}
    found = mapped("CreateImageRecipe", {"components": [component]})
    assert found["components"][0]["parameters"] == [{"name": "a", "value": ["b"]}]


def test_a_map_becomes_a_list_of_key_and_value_in_the_services_own_words() -> None:
    shape = input_shape("kms", "CreateKey")
    assert Mapper("aws:kms/key:Key", {}).to_aws(shape, {"tags": {"Key": "a", "other": "b"}}) == {
        "Tags": [{"TagKey": "Key", "TagValue": "a"}, {"TagKey": "other", "TagValue": "b"}]
    }


def test_a_nested_property_without_a_member_is_an_error_that_names_type_and_path() -> None:
    with pytest.raises(UnsupportedPropertyError, match=rf"{TOKEN}: property 'blockDeviceMappings.ebs.colour'"):
        mapped("CreateImageRecipe", {"blockDeviceMappings": [{"ebs": {"colour": "red"}}]})


def test_a_value_of_the_wrong_type_is_an_error_that_shows_it() -> None:
    with pytest.raises(ProviderError, match=r"volumeSize must be a number, not 'large'"):
        mapped("CreateImageRecipe", {"blockDeviceMappings": [{"ebs": {"volumeSize": "large"}}]})


def test_a_rename_to_nothing_keeps_a_property_out_of_the_request() -> None:
    assert mapped(
        "CreateImageRecipe", {"name": "n", "version": "1.0.0"}, {"name": "", "version": "semanticVersion"}
    ) == {"semanticVersion": "1.0.0"}


def test_answers_come_back_under_the_declared_names_only() -> None:
    declared = {"arn": "str", "ebs": {"kmsKeyId": "str"}, "tags": {"*": "str"}, "count": "int"}
    answer = {
        "Arn": "a",
        "Ebs": {"KmsKeyId": "k", "Surprise": 1},
        "Tags": [{"Key": "x", "Value": "y"}],
        "Count": "3",
        "Unasked": True,
    }
    assert Mapper(TOKEN, {}).from_aws(declared, answer) == {
        "arn": "a",
        "ebs": {"kmsKeyId": "k"},
        "tags": {"x": "y"},
        "count": 3,
    }


def test_times_are_text_in_utc() -> None:
    berlin = datetime.timezone(datetime.timedelta(hours=2))
    assert declared_scalar("str", datetime.datetime(2026, 7, 1, 12, 0, tzinfo=berlin)) == "2026-07-01T10:00:00Z"
