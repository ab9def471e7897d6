"""What ministack's evaluator and accounts get wrong and this program depends on, put right at start-up.

Everything here reaches into ministack, and only here; each correction says what AWS does.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.services import iam

MANAGED_POLICY_PREFIX = "arn:aws:iam::aws:policy"


def role_arn_of(principal_arn: str) -> str:
    """The IAM ARN behind a session: `aws:PrincipalArn` holds the role's own ARN, with its path, not the session's.

    Source: IAM User Guide, "AWS global condition context keys", aws:PrincipalArn.
    """
    if ":assumed-role/" not in principal_arn:
        return principal_arn
    account = principal_arn.split(":")[4]
    name = principal_arn.split("/")[1]
    role: dict[str, Any] | None = iam._roles.get_scoped(account, None, name)  # pyright: ignore[reportPrivateUsage]
    return role["Arn"] if role else f"arn:aws:iam::{account}:role/{name}"


def correct_principal_arn() -> None:
    """Let `aws:PrincipalArn` be the role of a session; ministack gives the session."""
    original = evaluator._resolve_condition_key  # pyright: ignore[reportPrivateUsage]

    def resolve(key: str, context: evaluator.EvalContext) -> Any:
        if key.lower() == "aws:principalarn":
            return role_arn_of(context.principal_arn)
        return original(key, context)

    evaluator._resolve_condition_key = resolve  # pyright: ignore[reportPrivateUsage]


def add_managed_policies() -> None:
    """Know AWS's managed policies by their own documents, of which ministack has a few only.

    ministack could make up any that it does not know, but those would grant everything. moto has copies of all.
    """
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    known: dict[str, Any] = iam._aws_managed_policies  # pyright: ignore[reportPrivateUsage]
    template = next(iter(known.values()))
    for name, policy in json.loads(aws_managed_policies_data).items():
        arn = f"{MANAGED_POLICY_PREFIX}{policy['Path']}{name}"
        version = policy["DefaultVersionId"]
        versioned = next(iter(template["Versions"].values()))
        document = {**versioned, "VersionId": version, "IsDefaultVersion": True}
        document["Document"] = json.dumps(policy["Document"])
        known[arn] = {
            **template,
            "Arn": arn,
            "PolicyName": name,
            "Path": policy["Path"],
            "DefaultVersionId": version,
            "Versions": {version: document},
            "Description": "",
        }
