"""Principals that KMS looks up when a policy or a grant names them: it keeps their unique ids, not their names."""

from __future__ import annotations

from botocore.exceptions import ClientError

from local.cloud.gateway import Gateway


def unique_id(arn: str, gateway: Gateway) -> str | None:
    """The id of a role or user by its IAM ARN, path and all; None where it is not there."""
    iam = gateway.root_client("iam", arn.split(":")[4], "us-east-1")
    name = arn.rsplit("/", 1)[-1]
    try:
        if ":role/" in arn:
            role = iam.get_role(RoleName=name)["Role"]
            return role["RoleId"] if role["Arn"] == arn else None
        user = iam.get_user(UserName=name)["User"]
    except ClientError:
        return None
    return user["UserId"] if user["Arn"] == arn else None
