"""Launching from an image as its consumers do: with the role that the product's file names, through the parameter."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from runtime.functions.aws_errors import reason_of

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import InstanceTypeDef

POLL_SECONDS = 0.25
RUNNING_SECONDS = 60.0
"""Time in which an instance has to leave `pending`; a refused key ends it in that time (EC2 User Guide)."""


@dataclass(frozen=True)
class Launch:
    """What came of one launch; `refusal` is empty where the instance ran."""

    image: str
    refusal: str = ""

    def __str__(self) -> str:
        return f"no: {self.refusal}" if self.refusal else "yes"


@dataclass(frozen=True)
class Launcher:
    """Launches as a consumer role; the account's operator looks after the instance and ends it."""

    consumer: EC2Client
    operator: EC2Client
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def launch(self, parameter: str, instance_type: str) -> Launch:
        """Launch from the image that a parameter names, wait until the instance runs, and end it.

        A refusal is an answer, no error: of the call itself, or later of the key (`Client.InternalError`, "Client
        error on launch", EC2 User Guide, "Instance terminates immediately").
        """
        try:
            answer = self.consumer.run_instances(
                ImageId=f"resolve:ssm:{parameter}",
                InstanceType=instance_type,  # pyright: ignore[reportArgumentType]
                MinCount=1,
                MaxCount=1,
            )
        except ClientError as error:
            return Launch("", reason_of(error))
        instance = answer.get("Instances", [])[0]
        instance_id = instance.get("InstanceId", "")
        try:
            instance = self._settled(instance_id)
        finally:
            self.operator.terminate_instances(InstanceIds=[instance_id])
        image, state = instance.get("ImageId", ""), instance.get("State", {}).get("Name", "pending")
        if state == "running":
            return Launch(image)
        reason = instance.get("StateReason", {}).get("Message") or f"the instance is {state}"
        return Launch(image, reason)

    def _settled(self, instance_id: str) -> InstanceTypeDef:
        deadline = self.clock() + RUNNING_SECONDS
        while True:
            answer = self.operator.describe_instances(InstanceIds=[instance_id])
            instance = answer.get("Reservations", [])[0].get("Instances", [])[0]
            if instance.get("State", {}).get("Name") != "pending" or self.clock() > deadline:
                return instance
            self.wait(POLL_SECONDS)
