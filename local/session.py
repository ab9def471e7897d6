"""One command's view of the local environment: the running cloud, its people, and clients that act as them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.cloud_process import CloudError, CloudProcess, Record
from local.credentials import Credentials
from local.environment import LocalFolder, endpoint, port, stack_environment
from local.people import PLATFORM_ENGINEER
from local.progress import Report
from local.stack_files import StackFiles
from local.stacks import Stacks

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_iam import IAMClient
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_ssm import SSMClient

CLIENT = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=60, proxies={})
"""A loopback address is reached at once or not at all, and never through a proxy."""


@dataclass(frozen=True)
class Session:
    """Everything that a command on the local cloud works with."""

    folder: LocalFolder
    report: Report
    files: StackFiles
    cloud: Record
    credentials: Credentials

    @classmethod
    def of_running_cloud(cls, folder: LocalFolder, report: Report, files: StackFiles) -> Session:
        """A session on the cloud that runs already; raises `CloudError` where none does."""
        record = CloudProcess(folder.cloud, port()).running()
        if record is None:
            raise CloudError("the local cloud is not running; `make up` starts it")
        credentials = Credentials.read(folder.cloud / "credentials.json", record.run)
        if not credentials.keys:
            raise CloudError("the local cloud has no accounts yet; `make up` makes them")
        return cls(folder, report, files, record, credentials)

    @property
    def address(self) -> str:
        """Where the cloud answers."""
        return endpoint(self.cloud.port)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the platform engineer deploys."""
        return self.environment_of(PLATFORM_ENGINEER)

    def environment_of(self, name: str) -> dict[str, str]:
        """The environment of a command that somebody of the hub runs."""
        key = self.credentials.keys[f"{name}@{self.files.landing_zone.hub.account}"]
        return stack_environment(self.folder, os.environ, self.address, key)

    @property
    def stacks(self) -> Stacks:
        """The repository's stacks on this cloud."""
        return Stacks(self.folder, self.environment, self.report)

    def person(self, name: str, account: str) -> Actor:
        """Somebody who works in an account."""
        key = self.credentials.keys[f"{name}@{account}"]
        return Actor(boto3.Session(key.access_key_id, key.secret_access_key), self.address)


@dataclass(frozen=True)
class Actor:
    """Somebody with credentials on the local cloud, and the clients that act in their name."""

    clients: boto3.Session
    address: str

    @classmethod
    def root(cls, account: str, address: str) -> Actor:
        """An account's root user: the cloud takes the account id for its access key. For bootstrap only."""
        return cls(boto3.Session(account, "root"), address)

    def assume(self, role_arn: str, session_name: str) -> Actor:
        """The same person in a role; raises botocore's `ClientError` where its trust or policy refuses."""
        sts = self.clients.client("sts", **self._at("us-east-1"))
        made = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
        session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        return Actor(session, self.address)

    def ec2(self, region: str) -> EC2Client:
        """Amazon EC2 in a Region."""
        return self.clients.client("ec2", **self._at(region))

    def iam(self) -> IAMClient:
        """IAM, which is the same everywhere."""
        return self.clients.client("iam", **self._at("us-east-1"))

    def image_builder(self, region: str) -> ImagebuilderClient:
        """EC2 Image Builder in a Region."""
        return self.clients.client("imagebuilder", **self._at(region))

    def functions(self, region: str) -> LambdaClient:
        """Lambda in a Region."""
        return self.clients.client("lambda", **self._at(region))

    def logs(self, region: str) -> CloudWatchLogsClient:
        """CloudWatch Logs in a Region."""
        return self.clients.client("logs", **self._at(region))

    def s3(self, region: str) -> S3Client:
        """S3 in a Region."""
        return self.clients.client("s3", **self._at(region))

    def ssm(self, region: str) -> SSMClient:
        """Systems Manager in a Region."""
        return self.clients.client("ssm", **self._at(region))

    def _at(self, region: str) -> dict[str, Any]:
        return {"region_name": region, "endpoint_url": self.address, "config": CLIENT}
