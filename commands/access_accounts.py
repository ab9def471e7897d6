"""Clients in the accounts of a landing zone, each as that account's deployment role."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import boto3

from model.files.landing_zone import LandingZone

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_ssm import SSMClient


class Accounts(Protocol):
    """Read-only use of the accounts' services."""

    def ec2(self, account: str, region: str) -> EC2Client:
        """Amazon EC2 of an account in a Region."""
        ...

    def iam(self, account: str) -> IAMClient:
        """IAM of an account."""
        ...

    def kms(self, account: str, region: str) -> KMSClient:
        """KMS of an account in a Region."""
        ...

    def ssm(self, account: str, region: str) -> SSMClient:
        """Systems Manager of an account in a Region."""
        ...


@dataclass(frozen=True)
class DeploymentRoles:
    """The accounts' deployment roles, assumed with somebody's credentials, each at its first use.

    Any client may raise botocore's `ClientError` where the role refuses.
    """

    session: boto3.Session
    landing_zone: LandingZone
    _assumed: dict[str, boto3.Session] = field(default_factory=dict[str, boto3.Session])

    def ec2(self, account: str, region: str) -> EC2Client:
        """Amazon EC2 of an account in a Region."""
        return self._in(account).client("ec2", region_name=region)

    def iam(self, account: str) -> IAMClient:
        """IAM of an account."""
        return self._in(account).client("iam", region_name=self.landing_zone.hub.region)

    def kms(self, account: str, region: str) -> KMSClient:
        """KMS of an account in a Region."""
        return self._in(account).client("kms", region_name=region)

    def ssm(self, account: str, region: str) -> SSMClient:
        """Systems Manager of an account in a Region."""
        return self._in(account).client("ssm", region_name=region)

    def _in(self, account: str) -> boto3.Session:
        if account not in self._assumed:
            zone = self.landing_zone
            sts = self.session.client("sts", region_name=zone.hub.region)
            made = sts.assume_role(RoleArn=zone.deployment_role_arn(account), RoleSessionName="golden-ami-access")
            keys = made["Credentials"]
            self._assumed[account] = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return self._assumed[account]
