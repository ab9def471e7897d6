"""Reading what a deployed role may do: its policies, its boundary, and the instance profiles that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from model.access import NamedPolicy, Permissions, Principal
from model.launch_access import Obstacle
from model.planned_launches import role_policy_name
from runtime.functions.aws_errors import code_of

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

ABSENT = frozenset(
    {
        "InvalidAMIID.NotFound",
        "InvalidAMIID.Unavailable",
        "InvalidSnapshot.NotFound",
        "NoSuchEntity",
        "NotFoundException",
        "ParameterNotFound",
    }
)
REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def obstacle(error: ClientError, what: str, advice: str) -> Obstacle:
    """What an error of a reading tells about launches; raises it again where it tells nothing.

    What may not be read is not judged; what does not exist is missing, and `advice` tells how to get it.
    """
    code = code_of(error)
    if code in REFUSED:
        needs = "`make deployment-roles` prints what the account's deployment role needs"
        return Obstacle(f"{what} could not be read: {error.operation_name} was refused; {needs}", certain=False)
    if code in ABSENT:
        return Obstacle(f"{what} does not exist: {advice}")
    raise error


def read_permissions(iam: IAMClient, role_arn: str) -> Permissions:
    """A role's policies and boundary as they are; raises `ClientError`, also where there is no such role."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam.get_role(RoleName=name)["Role"]
    policies = (*_inline(iam, name, account), *_attached(iam, name, account))
    boundary_arn = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    boundary = (
        _managed(iam, boundary_arn, f"boundary {boundary_arn} of role {name} ({account})") if boundary_arn else None
    )
    return Permissions(Principal(role.get("Arn", role_arn)), policies, boundary)


def read_profile_roles(iam: IAMClient, role_arn: str) -> tuple[str, ...]:
    """The role itself, where an instance profile holds it and it can so be passed; raises `ClientError`."""
    pages = iam.get_paginator("list_instance_profiles_for_role").paginate(RoleName=role_arn.rsplit("/", 1)[-1])
    return (role_arn,) if any(page.get("InstanceProfiles") for page in pages) else ()


def _inline(iam: IAMClient, role: str, account: str) -> Iterator[NamedPolicy]:
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page.get("PolicyNames", []):
            document: Any = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            yield NamedPolicy(role_policy_name(name, role, account), document)


def _attached(iam: IAMClient, role: str, account: str) -> Iterator[NamedPolicy]:
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for attached in page.get("AttachedPolicies", []):
            arn = attached.get("PolicyArn", "")
            yield _managed(iam, arn, f"managed policy {arn} of role {role} ({account})")


def _managed(iam: IAMClient, arn: str, name: str) -> NamedPolicy:
    version = iam.get_policy(PolicyArn=arn)["Policy"].get("DefaultVersionId", "v1")
    document: Any = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"].get("Document", {})
    return NamedPolicy(name, document)
