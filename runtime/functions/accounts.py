"""Clients for the accounts that hold a product's images: the hub's own, and in a target those of a role there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3

from runtime.functions.retention import Place

if TYPE_CHECKING:
    from types_boto3_autoscaling import AutoScalingClient
    from types_boto3_ec2 import EC2Client
    from types_boto3_ssm import SSMClient


@dataclass(frozen=True)
class Accounts:
    """The hub, and the ARN of the role to work with in any other account.

    Whatever a client is asked for raises botocore's `ClientError` where the role does not admit the hub.
    """

    hub: str
    role_arn: Callable[[str], str]
    session_name: str
    _sessions: dict[str, boto3.Session] = field(default_factory=dict[str, boto3.Session])

    def ec2(self, place: Place) -> EC2Client:
        """EC2 in an account and Region."""
        return self._session(place.account).client("ec2", region_name=place.region)

    def ssm(self, place: Place) -> SSMClient:
        """Parameter Store in an account and Region."""
        return self._session(place.account).client("ssm", region_name=place.region)

    def autoscaling(self, place: Place) -> AutoScalingClient:
        """Auto Scaling in an account and Region."""
        return self._session(place.account).client("autoscaling", region_name=place.region)

    def _session(self, account: str) -> boto3.Session:
        if account not in self._sessions:
            self._sessions[account] = boto3.Session() if account == self.hub else self._assumed(account)
        return self._sessions[account]

    def _assumed(self, account: str) -> boto3.Session:
        keys = boto3.client("sts").assume_role(RoleArn=self.role_arn(account), RoleSessionName=self.session_name)[
            "Credentials"
        ]
        return boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
