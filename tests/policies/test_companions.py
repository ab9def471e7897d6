"""What the pack asks of buckets, topics and queues through the resources that belong to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.rules import s3, sns, sqs
from policies.rules.rule import Resource, StackRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, KEY, PENDING, changed, stack_verdict

ARN = "arn:aws:s3:::scripts"


def owner(kind: str, name: str = "scripts", **properties: Any) -> Resource:
    return Resource(kind, name, properties, urn=f"urn:{kind}:{name}")


def companion(kind: str, name: str = "companion", source: str | None = None, **properties: Any) -> Resource:
    key = next(iter(properties))
    sources = {key: frozenset({source})} if source else {}
    return Resource(kind, name, properties, f"urn:{kind}:{name}", sources)


def encryption(key: Any = KEY, algorithm: Any = "aws:kms") -> dict[str, Any]:
    default = changed({"sseAlgorithm": algorithm}, key, "kmsMasterKeyId")
    return {"rules": [{"applyServerSideEncryptionByDefault": default}]}


def tls(effect: str = "Deny", **more: Any) -> dict[str, Any]:
    return {
        "Effect": effect,
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [ARN, f"{ARN}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        **more,
    }


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"policy": json.dumps({"Statement": list(statements)})}


ALL_BLOCKS: dict[str, Any] = {name: True for name in s3.BLOCKS}
OTHER = tls(Action="s3:GetObject")
ENFORCED = {"rule": {"objectOwnership": "BucketOwnerEnforced"}}

CASES: list[tuple[StackRule, str, dict[str, Any], str]] = [
    (s3.require_customer_key, s3.ENCRYPTION[0], encryption(), KEPT),
    (s3.require_customer_key, s3.ENCRYPTION[1], encryption(algorithm="aws:kms:dsse"), KEPT),
    (s3.require_customer_key, s3.ENCRYPTION[0], encryption(algorithm="AES256"), BROKEN),
    (s3.require_customer_key, s3.ENCRYPTION[0], encryption(key=None), BROKEN),
    (s3.require_customer_key, s3.ENCRYPTION[0], {"rules": []}, BROKEN),
    (s3.require_customer_key, s3.ENCRYPTION[0], {"rules": [*encryption()["rules"], {}]}, BROKEN),
    (s3.require_customer_key, s3.ENCRYPTION[0], encryption(key=UNKNOWN), PENDING),
    (s3.require_customer_key, s3.ENCRYPTION[0], {"rules": UNKNOWN}, PENDING),
    (s3.require_versioning, s3.VERSIONING[0], {"versioningConfiguration": {"status": "Enabled"}}, KEPT),
    (s3.require_versioning, s3.VERSIONING[0], {"versioningConfiguration": {"status": "Suspended"}}, BROKEN),
    (s3.require_versioning, s3.VERSIONING[0], {}, BROKEN),
    (s3.require_versioning, s3.VERSIONING[0], {"versioningConfiguration": UNKNOWN}, PENDING),
    (s3.block_public_access, s3.PUBLIC_ACCESS_BLOCK[0], ALL_BLOCKS, KEPT),
    *(
        (s3.block_public_access, s3.PUBLIC_ACCESS_BLOCK[0], changed(ALL_BLOCKS, value, name), expected)
        for name in s3.BLOCKS
        for value, expected in ((None, BROKEN), (False, BROKEN), (UNKNOWN, PENDING))
    ),
    (s3.disable_acls, s3.OWNERSHIP[0], ENFORCED, KEPT),
    (s3.disable_acls, s3.OWNERSHIP[0], {"rule": {"objectOwnership": "ObjectWriter"}}, BROKEN),
    (s3.disable_acls, s3.OWNERSHIP[0], {}, BROKEN),
    (s3.disable_acls, s3.OWNERSHIP[0], {"rule": UNKNOWN}, PENDING),
    (s3.require_tls, s3.POLICY[0], policy(OTHER, tls()), KEPT),
    (s3.require_tls, s3.POLICY[0], policy(tls(Principal={"AWS": "*"}, Resource="*")), KEPT),
    (s3.require_tls, s3.POLICY[0], policy(OTHER), BROKEN),
    (s3.require_tls, s3.POLICY[0], policy(tls("Allow")), BROKEN),
    (s3.require_tls, s3.POLICY[0], policy(tls(Principal={"AWS": "111111111111"})), BROKEN),
    (s3.require_tls, s3.POLICY[0], policy(tls(Resource=ARN)), BROKEN),
    (s3.require_tls, s3.POLICY[0], policy(tls(Resource=f"{ARN}/*")), BROKEN),
    (s3.require_tls, s3.POLICY[0], policy(tls(Resource=[ARN, f"{ARN}/scripts/*"])), BROKEN),
    (s3.require_tls, s3.POLICY[0], policy(tls(Condition={"Bool": {"aws:SecureTransport": "true"}})), BROKEN),
    (
        s3.require_tls,
        s3.POLICY[0],
        policy(tls(Condition={"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "192.0.2.7"}})),
        BROKEN,
    ),
    (s3.require_tls, s3.POLICY[0], {}, BROKEN),
    (s3.require_tls, s3.POLICY[0], {"policy": "{"}, BROKEN),
    (s3.require_tls, s3.POLICY[0], {"policy": UNKNOWN}, PENDING),
]

BUCKET_RULES = (
    s3.require_customer_key,
    s3.require_versioning,
    s3.block_public_access,
    s3.disable_acls,
    s3.require_tls,
)
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    rule.name: next((kind, settings) for other, kind, settings, expected in CASES if (other, expected) == (rule, KEPT))
    for rule in BUCKET_RULES
}


@pytest.mark.parametrize(("rule", "kind", "settings", "expected"), CASES)
def test_a_bucket_is_judged_by_the_resources_that_name_it(
    rule: StackRule, kind: str, settings: dict[str, Any], expected: str
) -> None:
    bucket = owner(s3.BUCKET[0], bucket="scripts")
    assert stack_verdict(rule, bucket, companion(kind, bucket="scripts", **settings)) == expected


@pytest.mark.parametrize("rule", BUCKET_RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("kind", s3.BUCKET)
def test_the_last_of_several_buckets_needs_companions_of_its_own(rule: StackRule, kind: str) -> None:
    companion_kind, settings = GOOD[rule.name]
    first, last = owner(kind, bucket="scripts"), owner(kind, "last", bucket="last")
    of_first = companion(companion_kind, bucket="scripts", **settings)
    assert stack_verdict(rule, first, of_first) == KEPT
    assert stack_verdict(rule, first, last, of_first) == BROKEN
    assert stack_verdict(rule, first) == BROKEN


@pytest.mark.parametrize("rule", BUCKET_RULES, ids=lambda rule: rule.name)
def test_a_bucket_whose_name_is_unknown_is_found_by_where_the_name_comes_from(rule: StackRule) -> None:
    kind, settings = GOOD[rule.name]
    bucket = owner(s3.BUCKET[0], bucket=UNKNOWN)
    own = companion(kind, bucket=UNKNOWN, source=bucket.urn, **settings)
    foreign = companion(kind, bucket=UNKNOWN, source="urn:another", **settings)
    unclear = companion(kind, bucket=UNKNOWN, **settings)
    assert stack_verdict(rule, bucket, own) == KEPT
    assert stack_verdict(rule, bucket, foreign) == BROKEN
    assert stack_verdict(rule, bucket, unclear) == PENDING


def test_one_bad_companion_beside_a_good_one_breaks_the_rule() -> None:
    bucket = owner(s3.BUCKET[0], bucket="scripts")
    good = companion(s3.ENCRYPTION[0], bucket="scripts", **encryption())
    bad = companion(s3.ENCRYPTION[0], "last", bucket="scripts", **encryption(algorithm="AES256"))
    assert stack_verdict(s3.require_customer_key, bucket, good, bad) == BROKEN


TOPIC_TLS = tls(Action="sns:Publish", Resource="arn:aws:sns:us-east-1:111111111111:outcomes")
QUEUE_TLS = tls(Action="sqs:*", Resource="arn:aws:sqs:us-east-1:111111111111:dead")


@pytest.mark.parametrize(
    ("rule", "kind", "own", "policy_kind", "name", "statement"),
    [
        (sns.require_tls, sns.TOPIC, "arn", sns.POLICY, "arn", TOPIC_TLS),
        (sqs.require_tls, sqs.QUEUE, "url", sqs.POLICY, "queueUrl", QUEUE_TLS),
    ],
)
def test_topics_and_queues_insist_on_tls(
    rule: StackRule, kind: str, own: str, policy_kind: str, name: str, statement: dict[str, Any]
) -> None:
    tested = owner(kind, **{own: "here"})

    def of(*policies: Resource) -> str:
        return stack_verdict(rule, tested, *policies)

    insists = companion(policy_kind, **{name: "here"}, **policy(statement))
    allows = companion(policy_kind, **{name: "here"}, **policy({**statement, "Effect": "Allow"}))
    elsewhere = companion(policy_kind, **{name: "elsewhere"}, **policy(statement))
    unknown = companion(policy_kind, **{name: "here"}, policy=UNKNOWN)
    assert of(insists) == KEPT
    assert of(allows) == BROKEN
    assert of(elsewhere) == BROKEN
    assert of() == BROKEN
    assert of(unknown) == PENDING
    # In a first preview the owner has no ARN or URL at all.
    unmade = owner(kind)
    found = companion(policy_kind, source=unmade.urn, **{name: UNKNOWN}, **policy(statement))
    assert stack_verdict(rule, unmade, found) == KEPT
