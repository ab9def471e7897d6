"""Buckets of other accounts: the caller's policies and the bucket's must both allow, for the caller's own principal.

ministack holds a foreign bucket's policy against the root of the caller's account: a role that the policy names, or
admits by `aws:PrincipalArn`, is refused, and one that the account may not use is let in.
Source: IAM User Guide, "Cross-account policy evaluation logic". Grants of ACLs to single accounts are not heeded.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions
from ministack.core import iam_evaluator as evaluator
from ministack.services import s3

from local.cloud.enforcement import decided
from local.cloud.ministack_corrections import bucket_owner

OBJECTS = "arn:aws:s3:::"
RESOURCE_ACCOUNT = frozenset({"aws:resourceaccount", "s3:resourceaccount"})


def correct_foreign_buckets() -> None:
    """Have a bucket's own policy decide whoever asks, together with the policies of whoever asks."""
    policy_of = s3.bucket_policy_for_arn
    allows = s3._foreign_bucket_allows  # pyright: ignore[reportPrivateUsage]
    resolve = evaluator._resolve_condition_key  # pyright: ignore[reportPrivateUsage]

    def bucket_policy_for_arn(resource_arn: str) -> tuple[str, str] | None:
        if not resource_arn.startswith(OBJECTS):
            return policy_of(resource_arn)
        bucket = resource_arn.removeprefix(OBJECTS).split("/", 1)[0]
        owner = bucket_owner(bucket)
        return (_policy(owner, bucket), owner) if owner else None

    def foreign_bucket_allows(
        owner: str,
        bucket: str,
        key: str,
        method: str,
        query: dict[str, Any],
        caller: str,
        headers: dict[str, Any] | None = None,
    ) -> bool:
        if not caller or evaluator.caller_arn().endswith(":root"):
            # Nobody, and a root, have no policies of their own.
            return allows(owner, bucket, key, method, query, caller, headers)
        restricted = s3._public_access_blocked(  # pyright: ignore[reportPrivateUsage]
            owner, bucket, "RestrictPublicBuckets"
        )
        if restricted and s3._policy_is_public(_policy(owner, bucket)):  # pyright: ignore[reportPrivateUsage]
            return False
        return decided(f"{OBJECTS}{bucket}/{key}" if key else f"{OBJECTS}{bucket}")

    def resolve_condition_key(key: str, context: evaluator.EvalContext) -> Any:
        if key.lower() in RESOURCE_ACCOUNT and context.resource_arn.startswith(OBJECTS):
            bucket = context.resource_arn.removeprefix(OBJECTS).split("/", 1)[0]
            return bucket_owner(bucket) or context.principal_account
        return resolve(key, context)

    s3.bucket_policy_for_arn = bucket_policy_for_arn
    s3._foreign_bucket_allows = foreign_bucket_allows  # pyright: ignore[reportPrivateUsage]
    evaluator._resolve_condition_key = resolve_condition_key  # pyright: ignore[reportPrivateUsage]


def correct_conditional_requests() -> None:
    """Who writes or deletes an object on condition of its ETag learns about it: that takes s3:GetObject besides.

    Source: S3 User Guide, "How to prevent object overwrites with conditional writes" and "How to perform conditional
    deletes".
    """
    additional = iam_actions.s3_additional_checks

    def additional_checks(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> list[tuple[str, str]]:
        checks = list(additional(method, path, headers, body, query))
        key = path.lstrip("/").partition("/")[2]
        stated = headers.get("if-match", "").strip()
        writes = method == "PUT" or (method == "DELETE" and stated != "*")
        if key and stated and writes and not query.keys() - {"x-id", "versionId"}:
            checks.append(("s3:GetObject", OBJECTS + path.lstrip("/")))
        return checks

    iam_actions.s3_additional_checks = additional_checks


def _policy(owner: str, bucket: str) -> str:
    return s3._bucket_policies.get_scoped(owner, None, bucket) or ""  # pyright: ignore[reportPrivateUsage]
