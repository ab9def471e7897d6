"""What statements must say beside their actions: which resources, tags and prefix, and through which service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.rules import iam, kms, s3
from policies.rules.places import Place
from policies.rules.rule import Resource, ResourceRule, StackRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, KEY, PENDING, of

HUB, TARGET = "111111111111", "222222222222"
ANY_IMAGE = "arn:aws:ec2:us-east-1::image/*"
ANY_INSTANCE = f"arn:aws:ec2:us-east-1:{HUB}:instance/*"
OURS = {"StringEquals": {"ec2:ResourceTag/CreatedBy": "EC2 Image Builder"}}
SET = {"ForAllValues:StringEquals": {"aws:TagKeys": ["golden-ami:product"]}}
BUCKET = "arn:aws:s3:::scripts"
OTHER_KEY = f"arn:aws:kms:us-east-1:{TARGET}:key/0123"
OWN_KEY = f"arn:aws:kms:us-east-1:{HUB}:key/0123"
THROUGH_S3: dict[str, Any] = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
TAG, CHANGE, RUN, LIST, USE = (
    "ec2:CreateTags",
    "ec2:ModifyImageAttribute",
    "ec2:RunInstances",
    "s3:ListBucket",
    "kms:Decrypt",
)

CASES: list[tuple[ResourceRule, Any, Any, dict[str, Any], str]] = [
    (iam.bind_wildcards, CHANGE, ANY_IMAGE, OURS, KEPT),
    (iam.bind_wildcards, CHANGE, "arn:aws:ec2:us-east-1::image/ami-0123", {}, KEPT),
    (iam.bind_wildcards, "ec2:CopyImage", ANY_IMAGE, {}, KEPT),
    (iam.bind_wildcards, [TAG], [ANY_IMAGE], {"StringEquals": {"ec2:CreateAction": "RunInstances"}}, KEPT),
    (iam.bind_wildcards, CHANGE, ANY_IMAGE, {}, BROKEN),
    (iam.bind_wildcards, "ec2:Modify*", ANY_IMAGE, {}, BROKEN),
    (iam.bind_wildcards, "ssm:SendCommand", ["arn:aws:ssm:us-east-1::document/AWS-*", ANY_INSTANCE], {}, BROKEN),
    (iam.bind_wildcards, CHANGE, ANY_IMAGE, {"StringLike": {"ec2:ResourceTag/CreatedBy": "*"}}, BROKEN),
    (iam.bind_wildcards, CHANGE, ANY_IMAGE, {"StringNotEquals": {"ec2:ResourceTag/CreatedBy": "me"}}, BROKEN),
    (iam.bind_tags, TAG, ANY_IMAGE, SET, KEPT),
    (iam.bind_tags, TAG, ANY_IMAGE, {"StringEquals": {"aws:RequestTag/CreatedBy": "EC2 Image Builder"}}, KEPT),
    (iam.bind_tags, "ec2:DescribeTags", "*", {}, KEPT),
    (iam.bind_tags, TAG, ANY_IMAGE, OURS, BROKEN),
    (iam.bind_tags, TAG, ANY_IMAGE, {"ForAllValues:StringLike": {"aws:TagKeys": "*"}}, BROKEN),
    (iam.bind_tags, TAG, ANY_IMAGE, {"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, BROKEN),
    (iam.bind_launches, RUN, ANY_IMAGE, {"StringEquals": {"ec2:ResourceTag/golden-ami:product": "ledger"}}, KEPT),
    (iam.bind_launches, RUN, ANY_IMAGE, {"StringEquals": {"ec2:Owner": HUB}}, KEPT),
    (iam.bind_launches, RUN, ANY_INSTANCE, {}, KEPT),
    (iam.bind_launches, RUN, ANY_IMAGE, {}, BROKEN),
    (iam.bind_launches, RUN, [ANY_INSTANCE, ANY_IMAGE], {"StringLike": {"ec2:Owner": "*"}}, BROKEN),
    (iam.bind_listing, LIST, BUCKET, {"StringLike": {"s3:prefix": "scripts/*"}}, KEPT),
    (iam.bind_listing, "s3:GetObject", f"{BUCKET}/*", {}, KEPT),
    (iam.bind_listing, LIST, BUCKET, {}, BROKEN),
    (iam.bind_listing, ["s3:List*"], BUCKET, {"StringLike": {"s3:prefix": "*"}}, BROKEN),
    (iam.bind_key_use, USE, OTHER_KEY, THROUGH_S3, KEPT),
    (iam.bind_key_use, USE, OWN_KEY, {}, KEPT),
    (iam.bind_key_use, "kms:DescribeKey", OTHER_KEY, {}, KEPT),
    (iam.bind_key_use, USE, OTHER_KEY, {}, BROKEN),
    (iam.bind_key_use, "kms:GenerateDataKey*", [OWN_KEY, OTHER_KEY], {}, BROKEN),
    (iam.bind_key_use, USE, OTHER_KEY, {"StringLike": {"kms:ViaService": "*"}}, BROKEN),
    (s3.bind_listing, LIST, BUCKET, {"StringLike": {"s3:prefix": "scripts/*"}}, KEPT),
    (s3.bind_listing, "s3:GetObject", f"{BUCKET}/*", {}, KEPT),
    (s3.bind_listing, LIST, BUCKET, {}, BROKEN),
    (s3.bind_listing, "s3:ListBucketVersions", BUCKET, {"StringLike": {"s3:prefix": "*"}}, BROKEN),
]


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def judged(rule: ResourceRule, policy: Any) -> str:
    properties = {} if policy is None else {"policy": policy}
    return of(rule.check(Resource(rule.types[0], "tested", properties, place=Place(HUB, "us-east-1"))))


@pytest.mark.parametrize(("rule", "action", "resource", "condition", "expected"), CASES)
def test_a_statement_says_as_little_as_it_can(
    rule: ResourceRule, action: Any, resource: Any, condition: dict[str, Any], expected: str
) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}
    assert judged(rule, document(statement)) == expected
    assert judged(rule, document({**statement, "Effect": "Deny"})) == KEPT
    assert judged(rule, UNKNOWN) == PENDING


def test_a_role_that_launches_uses_the_key_of_its_volumes_itself() -> None:
    use = {"Effect": "Allow", "Action": USE, "Resource": OTHER_KEY}
    grant = {"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": OTHER_KEY}
    assert judged(iam.bind_key_use, document(use)) == BROKEN
    assert judged(iam.bind_key_use, document(use, grant)) == KEPT


FOREIGN: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{TARGET}:role/team"},
    "Action": USE,
    "Resource": "*",
}
CONTENT = {"kms:EncryptionContext:aws:s3:arn": BUCKET}
GRANTING = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "kms:CreateGrant"}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{**FOREIGN, "Condition": {"StringEquals": {**THROUGH_S3["StringEquals"], **CONTENT}}}], KEPT),
        ([{**FOREIGN, "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}}], KEPT),
        ([FOREIGN, GRANTING], KEPT),
        ([FOREIGN], BROKEN),
        ([{**FOREIGN, "Condition": THROUGH_S3}], BROKEN),
        ([{**FOREIGN, "Condition": {"StringEquals": CONTENT}}], BROKEN),
    ],
)
def test_another_account_uses_a_key_of_data_through_a_service(statements: list[Any], expected: str) -> None:
    assert judged(kms.bind_use, document(*statements)) == expected
    assert judged(kms.bind_use, UNKNOWN) == PENDING
    assert judged(kms.bind_use, None) == KEPT


REFUSAL: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "kms:CreateGrant",
    "Resource": "*",
    "Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "false"}},
}
EXCEPT = {"StringNotEquals": {"kms:GranteePrincipal": f"arn:aws:iam::{TARGET}:role/scaling"}}
FURTHER = {"StringEquals": {"aws:PrincipalAccount": TARGET}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([GRANTING, REFUSAL], KEPT),
        ([GRANTING, {**REFUSAL, "Condition": {**REFUSAL["Condition"], **EXCEPT}}], KEPT),
        ([{**GRANTING, "Action": "kms:*"}], KEPT),
        ([GRANTING], BROKEN),
        ([GRANTING, {**REFUSAL, "Effect": "Allow"}], BROKEN),
        ([GRANTING, {**REFUSAL, "Principal": {"AWS": f"arn:aws:iam::{TARGET}:root"}}], BROKEN),
        ([GRANTING, {**REFUSAL, "Action": "kms:Decrypt"}], BROKEN),
        ([GRANTING, {**REFUSAL, "Condition": {**REFUSAL["Condition"], **FURTHER}}], BROKEN),
        ([GRANTING, {**REFUSAL, "Condition": {"Bool": {"kms:GrantIsForAWSResource": "false"}}}], BROKEN),
    ],
)
def test_a_key_that_grants_denies_grants_to_anybody_else(statements: list[Any], expected: str) -> None:
    assert judged(kms.forbid_other_grants, document(*statements)) == expected
    assert judged(kms.forbid_other_grants, UNKNOWN) == PENDING
    assert judged(kms.forbid_other_grants, None) == KEPT


HEADER = "s3:x-amz-server-side-encryption-aws-kms-key-id"
OTHER_KEYS: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:PutObject",
    "Resource": f"{BUCKET}/*",
    "Condition": {"StringNotEquals": {HEADER: KEY}, "Null": {HEADER: "false"}},
}
FOREIGN_BUILDS: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["s3:PutObject", "s3:DeleteObject"],
    "Resource": f"{BUCKET}/builds/*",
    "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:role/start"}},
}
ANYBODY = {"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}


@pytest.mark.parametrize(
    ("rule", "statement", "expected"),
    [
        (s3.require_own_key, OTHER_KEYS, KEPT),
        (s3.require_own_key, {**OTHER_KEYS, "Resource": "*"}, KEPT),
        (s3.require_own_key, {**OTHER_KEYS, "Effect": "Allow"}, BROKEN),
        (s3.require_own_key, {**OTHER_KEYS, "Principal": {"AWS": TARGET}}, BROKEN),
        (s3.require_own_key, {**OTHER_KEYS, "Resource": f"{BUCKET}/scripts/*"}, BROKEN),
        (s3.require_own_key, {**OTHER_KEYS, "Condition": {**OTHER_KEYS["Condition"], **FURTHER}}, BROKEN),
        (s3.require_own_key, None, BROKEN),
        (s3.require_own_key, UNKNOWN, PENDING),
        (s3.require_one_builder, FOREIGN_BUILDS, KEPT),
        (s3.require_one_builder, {**FOREIGN_BUILDS, "Action": "s3:PutObject"}, KEPT),
        (s3.require_one_builder, {**FOREIGN_BUILDS, "Resource": f"{BUCKET}/scripts/*"}, BROKEN),
        (s3.require_one_builder, {**FOREIGN_BUILDS, "Condition": ANYBODY}, BROKEN),
        (s3.require_one_builder, {**FOREIGN_BUILDS, "Condition": {**FOREIGN_BUILDS["Condition"], **FURTHER}}, BROKEN),
        (s3.require_one_builder, None, BROKEN),
        (s3.require_one_builder, UNKNOWN, PENDING),
    ],
)
def test_a_script_bucket_keeps_to_its_key_and_its_builder(rule: StackRule, statement: Any, expected: str) -> None:
    above = Resource(s3.SCRIPT_BUCKET, "scripts", {}, "urn::above")
    bucket = Resource(s3.BUCKET[0], "bucket", {"bucket": "scripts"}, "urn::bucket", parent="urn::above")
    policy = UNKNOWN if statement is UNKNOWN else document(*([statement] if statement else []))
    held = Resource(s3.POLICY[0], "policy", {"bucket": "scripts", "policy": policy}, "urn::policy")
    assert of(rule.check((above, bucket, held))) == expected


def test_other_buckets_need_no_builder() -> None:
    assert of(s3.require_one_builder.check((Resource(s3.BUCKET[0], "bucket", {"bucket": "a"}, "urn::bucket"),))) == KEPT
