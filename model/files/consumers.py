"""Roles that launch a product's image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from model.files.fields import AccountName, FileModel, RolePath


class ConsumerMode(StrEnum):
    """Who makes a consumer role."""

    EXISTING = "existing"
    CREATE = "create"


class Consumer(FileModel):
    """A role that launches instances from the image.

    Source: seed 001, Account B; EC2 Auto Scaling User Guide, "Required AWS KMS key policy".
    """

    account: AccountName
    """Name of the account that holds the role: a target account that gets the image or a share of it, or `hub`."""
    role: RolePath
    """Name of the role, with its path in front where it has one."""
    mode: ConsumerMode
    """`existing`: the role is there and gets the key policy; `create`: role and instance profile are made."""
    auto_scaling: bool = False
    """Whether Auto Scaling groups of the account launch from the image: their service-linked role gets a grant."""


def same_roles(roles: Sequence[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    """Places of roles, each given by account and name with its path, that IAM takes for an earlier one.

    A role's name is unique in its account whatever its path and case (IAM User Guide, "IAM and AWS STS quotas").
    """
    first: dict[tuple[str, str], int] = {}
    for index, (account, role) in enumerate(roles):
        before = first.setdefault((account, role.rpartition("/")[2].lower()), index)
        if before != index:
            message = f"{role!r} is there before as {roles[before][1]!r}, which is one role for IAM; keep one"
            yield index, message
