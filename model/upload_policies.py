"""What lets a product's team upload its scripts: the role's own side, and the bucket's."""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement
from model.key_policies import UPLOAD_ACTIONS
from model.names import SCRIPTS_PREFIX, ProductNames, account_root_arn

OBJECT_ACTIONS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
)
"""A team writes, reads back and withdraws its files; versions that were built stay."""

LIST_ACTIONS = ("s3:ListBucket", "s3:ListBucketVersions")


def uploader_policy(names: ProductNames, data_key_arn: str) -> PolicyDocument:
    """The inline policy of a team's role: its product's prefix, and the key through S3 only.

    A role of another account needs both sides (IAM User Guide, "Cross-account policy evaluation logic").
    """
    return PolicyDocument(
        (
            Statement("UploadScripts", OBJECT_ACTIONS, (_scripts(names),)),
            Statement("ListScripts", LIST_ACTIONS, (names.bucket_arn,), conditions=_below_prefix()),
            Statement(
                "EncryptScripts",
                UPLOAD_ACTIONS,
                (data_key_arn,),
                conditions={"StringEquals": {"kms:ViaService": f"s3.{names.region}.amazonaws.com"}},
            ),
        )
    )


def bucket_statements(names: ProductNames, plan: DistributionPlan) -> tuple[Statement, ...]:
    """The bucket's side for roles of other accounts; roles of the hub need none.

    As in the key's policy, the accounts' roots under `aws:PrincipalArn`: a role need not exist yet.
    """
    foreign = tuple(uploader for uploader in plan.uploaders if uploader.account != plan.hub)
    if not foreign:
        return ()
    principal = {"AWS": tuple(dict.fromkeys(account_root_arn(uploader.account) for uploader in foreign))}
    only_roles = {"ArnEquals": {"aws:PrincipalArn": tuple(uploader.arn for uploader in foreign)}}
    return (
        Statement("UploadByTeam", OBJECT_ACTIONS, (_scripts(names),), principal=principal, conditions=only_roles),
        Statement(
            "ListByTeam",
            LIST_ACTIONS,
            (names.bucket_arn,),
            principal=principal,
            conditions={**only_roles, **_below_prefix()},
        ),
    )


def _scripts(names: ProductNames) -> str:
    return f"{names.bucket_arn}/{SCRIPTS_PREFIX}*"


def _below_prefix() -> dict[str, dict[str, str]]:
    return {"StringLike": {"s3:prefix": f"{SCRIPTS_PREFIX}*"}}
