"""What the pack asks of a bucket's logs, lifecycle and copies, and of what is granted in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.rules import s3, s3_buckets
from policies.rules.rule import Resource, StackRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, of, stack_verdict, verdict

LOGS, LIFECYCLE, REPLICATION = s3_buckets.LOGGING, s3_buckets.LIFECYCLE, s3_buckets.REPLICATION
ON = {"id": "on", "status": "Enabled"}
OFF = {"id": "off", "status": "Disabled"}
UNCLEAR = {"id": "unclear", "status": UNKNOWN}
ABORT = {**ON, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}
COPY = {**ON, "destination": {"bucket": "arn:aws:s3:::copies"}}


def rules(*several: Any) -> dict[str, Any]:
    return {"rules": list(several)}


CASES: list[tuple[StackRule, str, dict[str, Any], str]] = [
    (s3_buckets.require_access_log, LOGS[0], {"targetBucket": "logs"}, KEPT),
    (s3_buckets.require_access_log, LOGS[1], {"targetBucket": "logs", "targetPrefix": "scripts/"}, KEPT),
    (s3_buckets.require_access_log, LOGS[0], {"targetBucket": ""}, BROKEN),
    (s3_buckets.require_access_log, LOGS[1], {"targetPrefix": "scripts/"}, BROKEN),
    (s3_buckets.require_access_log, LOGS[0], {}, BROKEN),
    (s3_buckets.require_access_log, LOGS[0], {"targetBucket": UNKNOWN}, PENDING),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], rules(ON), KEPT),
    (s3_buckets.require_lifecycle, LIFECYCLE[1], rules(OFF, UNCLEAR, ON), KEPT),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], rules(OFF), BROKEN),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], rules(OFF, {"id": "x"}), BROKEN),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], rules(), BROKEN),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], {}, BROKEN),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], rules(OFF, UNCLEAR), PENDING),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], rules(OFF, UNKNOWN), PENDING),
    (s3_buckets.require_lifecycle, LIFECYCLE[0], {"rules": UNKNOWN}, PENDING),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules(ABORT), KEPT),
    (s3_buckets.require_upload_abort, LIFECYCLE[1], rules(ON, {**ABORT, "filter": {}}), KEPT),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, "filter": {"prefix": ""}}), KEPT),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, "prefix": ""}), KEPT),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules(ON), BROKEN),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, **OFF}), BROKEN),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, "status": None}, ON), BROKEN),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ON, "abortIncompleteMultipartUpload": {}}), BROKEN),
    (
        s3_buckets.require_upload_abort,
        LIFECYCLE[0],
        rules({**ON, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 0}}),
        BROKEN,
    ),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, "prefix": "builds/"}), BROKEN),
    *(
        (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, "filter": narrowing}), BROKEN)
        for narrowing in (
            {"prefix": "builds/"},
            {"tag": {"key": "a", "value": "b"}},
            {"and": {"prefix": "builds/"}},
            {"objectSizeGreaterThan": 1},
            {"objectSizeLessThan": 1},
            {"prefix": "builds/", "tag": UNKNOWN},
        )
    ),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules(), BROKEN),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], {}, BROKEN),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, "filter": UNKNOWN}), PENDING),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, "filter": {"prefix": UNKNOWN}}), PENDING),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ABORT, **UNCLEAR}), PENDING),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], rules({**ON, **UNCLEAR}), BROKEN),
    (
        s3_buckets.require_upload_abort,
        LIFECYCLE[0],
        rules({**ON, "abortIncompleteMultipartUpload": UNKNOWN}, ON),
        PENDING,
    ),
    (s3_buckets.require_upload_abort, LIFECYCLE[0], {"rules": UNKNOWN}, PENDING),
    (s3_buckets.require_replication, REPLICATION[0], rules(COPY), KEPT),
    (s3_buckets.require_replication, REPLICATION[0], rules(OFF, COPY), KEPT),
    (s3_buckets.require_replication, REPLICATION[0], rules({**COPY, **OFF}), BROKEN),
    (s3_buckets.require_replication, REPLICATION[0], rules(ON), BROKEN),
    (s3_buckets.require_replication, REPLICATION[0], rules({**ON, "destination": {"bucket": ""}}), BROKEN),
    (s3_buckets.require_replication, REPLICATION[0], {}, BROKEN),
    (s3_buckets.require_replication, REPLICATION[0], rules({**ON, "destination": {"bucket": UNKNOWN}}), PENDING),
    (s3_buckets.require_replication, REPLICATION[0], {"rules": UNKNOWN}, PENDING),
]
BUCKET_RULES = tuple(dict.fromkeys(case[0] for case in CASES))


def bucket(kind: str = s3.BUCKET[0], name: Any = "scripts") -> Resource:
    return Resource(kind, "scripts", {"bucket": name}, urn=f"urn:bucket:{name}")


def settings(kind: str, own: dict[str, Any], name: Any = "scripts", source: str = "") -> Resource:
    sources = {"bucket": frozenset({source})} if source else {}
    return Resource(kind, "settings", {"bucket": name, **own}, "urn:settings", sources)


@pytest.mark.parametrize(("rule", "kind", "own", "expected"), CASES)
def test_a_bucket_is_judged_by_the_settings_that_name_it(
    rule: StackRule, kind: str, own: dict[str, Any], expected: str
) -> None:
    assert stack_verdict(rule, bucket(), settings(kind, own)) == expected


@pytest.mark.parametrize("rule", BUCKET_RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("kind", s3.BUCKET)
def test_every_bucket_needs_settings_of_its_own(rule: StackRule, kind: str) -> None:
    settings_kind, own = next(case[1:3] for case in CASES if (case[0], case[3]) == (rule, KEPT))
    of_first = settings(settings_kind, own)
    assert stack_verdict(rule) == KEPT
    assert stack_verdict(rule, bucket(kind), of_first) == KEPT
    assert stack_verdict(rule, bucket(kind)) == BROKEN
    assert stack_verdict(rule, bucket(kind), bucket(kind, "last"), of_first) == BROKEN


@pytest.mark.parametrize("rule", BUCKET_RULES, ids=lambda rule: rule.name)
def test_settings_of_a_bucket_without_a_known_name_are_found_by_where_the_name_comes_from(rule: StackRule) -> None:
    kind, own = next(case[1:3] for case in CASES if (case[0], case[3]) == (rule, KEPT))
    unnamed = bucket(name=UNKNOWN)
    assert stack_verdict(rule, unnamed, settings(kind, own, UNKNOWN, unnamed.urn)) == KEPT
    assert stack_verdict(rule, unnamed, settings(kind, own, UNKNOWN, "urn:another")) == BROKEN
    assert stack_verdict(rule, unnamed, settings(kind, own, UNKNOWN)) == PENDING


def policy(action: Any, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": action, "Resource": "*", **more}
    read = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "s3:GetObject", "Resource": "*"}
    return json.dumps({"Statement": [read, statement]})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (policy("s3:GetObject"), KEPT),
        (policy(["s3:Get*", "s3:PutObject*"]), KEPT),
        (policy("s3:*", Effect="Deny"), KEPT),
        (policy("*", Effect="Deny"), KEPT),
        (policy("s3:*"), BROKEN),
        (policy("S3:*"), BROKEN),
        (policy("*"), BROKEN),
        (policy("s3*"), BROKEN),
        (policy("s3:?*"), BROKEN),
        (policy(["s3:GetObject", "s3:*"]), BROKEN),
        (json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "NotAction": "s3:GetObject"}}), BROKEN),
        ("{", BROKEN),
        (None, BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_a_bucket_policy_allows_no_more_than_the_actions_that_it_names(document: Any, expected: str) -> None:
    properties = {} if document is None else {"policy": document}
    assert verdict(s3_buckets.forbid_wildcard_action, properties) == expected


def grant(uri: Any) -> dict[str, Any]:
    own = {"grantee": {"type": "CanonicalUser", "id": "0123"}, "permission": "FULL_CONTROL"}
    return {"accessControlPolicy": {"grants": [own, {"grantee": {"type": "Group", "uri": uri}, "permission": "READ"}]}}


GROUPS = "http://acs.amazonaws.com/groups"


@pytest.mark.parametrize("kind", s3_buckets.ACL)
@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"acl": "private"}, KEPT),
        ({"acl": "log-delivery-write"}, KEPT),
        (grant(f"{GROUPS}/s3/LogDelivery"), KEPT),
        ({}, KEPT),
        ({"acl": "public-read"}, BROKEN),
        ({"acl": "public-read-write"}, BROKEN),
        ({"acl": "authenticated-read"}, BROKEN),
        (grant(f"{GROUPS}/global/AllUsers"), BROKEN),
        (grant(f"{GROUPS}/global/AuthenticatedUsers"), BROKEN),
        ({"acl": UNKNOWN, **grant(f"{GROUPS}/global/AllUsers")}, BROKEN),
        ({"acl": UNKNOWN}, PENDING),
        (grant(UNKNOWN), PENDING),
        ({"accessControlPolicy": UNKNOWN}, PENDING),
        ({"accessControlPolicy": {"grants": [UNKNOWN]}}, PENDING),
    ],
)
def test_no_access_control_list_admits_everybody(kind: str, properties: dict[str, Any], expected: str) -> None:
    assert verdict(s3_buckets.forbid_public_grants, properties, kind) == expected


@pytest.mark.parametrize("kind", s3.BUCKET)
@pytest.mark.parametrize(
    ("protected", "properties", "expected"),
    [
        (True, {}, KEPT),
        (True, {"forceDestroy": False}, KEPT),
        (True, {"forceDestroy": True}, BROKEN),
        (False, {}, BROKEN),
        (False, {"forceDestroy": UNKNOWN}, BROKEN),
        (True, {"forceDestroy": UNKNOWN}, PENDING),
    ],
)
def test_a_bucket_is_deleted_neither_by_an_update_nor_with_what_is_in_it(
    kind: str, protected: bool, properties: dict[str, Any], expected: str
) -> None:
    bucket = Resource(kind, "tested", properties, protected=protected)
    assert of(s3_buckets.require_protection.check(bucket)) == expected
