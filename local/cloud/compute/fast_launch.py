"""Fast launch of Windows images: who has it enabled, and with which settings.

Source: EC2 API Reference, EnableFastLaunch, DisableFastLaunch, DescribeFastLaunchImages; EC2 User Guide, "Use EC2 Fast
Launch for your Windows instances" and "Service-linked role for EC2 Fast Launch". Snapshots are not made beforehand:
nothing runs on instances here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, reject_others
from local.cloud.compute.encryption import KeyUse
from local.cloud.compute.filters import matching, page
from local.cloud.compute.records import FastLaunch, Image, Kind
from local.cloud.compute.store import Store
from local.cloud.gateway import Gateway, service_error
from runtime.functions.aws_errors import code_of

SERVICE = "ec2fastlaunch.amazonaws.com"
ROLE = "AWSServiceRoleForEC2FastLaunch"

LEAST_LAUNCHES = 6
SNAPSHOTS = 5
"""Snapshots on hand where a call states no number."""

ENABLING = timedelta(seconds=0.2)
"""How long the snapshots take to be there."""

GRANT_OPERATIONS = (
    "CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
)  # fmt: skip
"""What EC2's role does with the key of an encrypted image."""


class FastLaunches:
    """Operations on images that launch fast."""

    def __init__(self, gateway: Gateway, store: Store, access: Access, keys: KeyUse) -> None:
        self._gateway = gateway
        self._store = store
        self._access = access
        self._keys = keys

    def enable(self, call: Call) -> dict[str, Any]:
        """EnableFastLaunch: for Windows only; EC2's own role gets the use of an encrypted image's keys."""
        known = {"ImageId", "ResourceType", "SnapshotConfiguration", "LaunchTemplate", "MaxParallelLaunches"}
        reject_others(call, frozenset(known))
        parameters, account = call.parameters, call.caller.account
        image = self._store.image(parameters["ImageId"], account, call.region)
        self._access.record(call, image)
        if image.platform is None:
            raise ServiceError("InvalidParameter", f"Fast launch is for Windows images, and {image.id} is none.")
        launches = parameters.get("MaxParallelLaunches", LEAST_LAUNCHES)
        if launches < LEAST_LAUNCHES:
            message = f"Value ({launches}) for parameter maxParallelLaunches is invalid. It must be 6 or greater."
            raise ServiceError("InvalidParameterValue", message)
        template = parameters.get("LaunchTemplate")
        self._check_template(call, template)
        self._ensure_role(call)
        for device in image.devices:
            encryption = self._store.snapshot(device.snapshot_id, image.region).encryption
            if encryption and not encryption.is_default_key:
                grantee = f"arn:aws:iam::{account}:role/aws-service-role/{SERVICE}/{ROLE}"
                self._keys.grant(call, encryption.key_arn, grantee, GRANT_OPERATIONS)
        snapshots = (parameters.get("SnapshotConfiguration") or {}).get("TargetResourceCount", SNAPSHOTS)
        enabled = FastLaunch(self._gateway.clock.now(), launches, snapshots, template)
        image.fast_launches[account] = enabled
        return self._shown(image, account, enabled)

    def disable(self, call: Call) -> dict[str, Any]:
        """DisableFastLaunch."""
        reject_others(call, frozenset({"ImageId", "Force"}))
        account = call.caller.account
        image = self._store.image(call.parameters["ImageId"], account, call.region)
        self._access.record(call, image)
        if account not in image.fast_launches:
            raise ServiceError("InvalidRequest", f"Fast launch is not enabled for {image.id}.")
        shown = self._shown(image, account, image.fast_launches.pop(account))
        return {**shown, "State": "disabling", "StateTransitionReason": "Client.UserInitiated"}

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeFastLaunchImages: those for which the caller's account enabled it."""
        reject_others(call, frozenset({"ImageIds", "Filters", "MaxResults", "NextToken"}))
        self._access.describe(call)
        account, ids = call.caller.account, call.parameters.get("ImageIds")
        records = self._store.everywhere(Kind.IMAGE, call.region)
        found = [
            self._shown(image, account, image.fast_launches[account])
            for image in records
            if isinstance(image, Image) and account in image.fast_launches and (not ids or image.id in ids)
        ]
        readers = {
            "resource-type": lambda shown: [shown["ResourceType"]],
            "owner-id": lambda shown: [shown["OwnerId"]],
            "state": lambda shown: [shown["State"]],
        }
        chosen = matching(found, call.parameters.get("Filters", []), readers, lambda _: {})
        shown, token = page(chosen, call.parameters)
        return {"FastLaunchImages": shown, **({"NextToken": token} if token else {})}

    def _check_template(self, call: Call, template: Mapping[str, str] | None) -> None:
        if template is None:
            return
        ec2 = self._gateway.root_client("ec2", call.caller.account, call.region)
        names = {key: template[key] for key in ("LaunchTemplateId", "LaunchTemplateName") if key in template}
        try:
            (version,) = ec2.describe_launch_template_versions(**names, Versions=[template["Version"]])[
                "LaunchTemplateVersions"
            ]
        except ClientError as error:
            raise service_error(error) from error
        place = f"{call.region}:{call.caller.account}:launch-template/{version['LaunchTemplateId']}"
        self._access.require(call, f"arn:aws:ec2:{place}")

    def _ensure_role(self, call: Call) -> None:
        """EC2 makes its role at an account's first fast launch, as the caller."""
        iam = self._gateway.root_client("iam", call.caller.account, "us-east-1")
        try:
            iam.get_role(RoleName=ROLE)
        except ClientError as error:
            if code_of(error) != "NoSuchEntity":
                raise
            caller = self._gateway.client("iam", "us-east-1", call.caller.credentials)
            try:
                caller.create_service_linked_role(AWSServiceName=SERVICE)
            except ClientError as refusal:
                raise service_error(refusal) from refusal

    def _shown(self, image: Image, account: str, enabled: FastLaunch) -> dict[str, Any]:
        now: datetime = self._gateway.clock.now()
        done = now - enabled.since >= ENABLING
        shown: dict[str, Any] = {
            "ImageId": image.id,
            "ResourceType": "snapshot",
            "SnapshotConfiguration": {"TargetResourceCount": enabled.snapshots},
            "MaxParallelLaunches": enabled.launches,
            "OwnerId": account,
            "State": "enabled" if done else "enabling",
            "StateTransitionReason": "Client.UserInitiated",
            "StateTransitionTime": enabled.since + ENABLING if done else enabled.since,
        }
        return {**shown, "LaunchTemplate": dict(enabled.template)} if enabled.template else shown
