"""The part of EC2 that stands in front of ministack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, reject_others, request_keys, tag_keys
from local.cloud.compute.encryption import KeyUse
from local.cloud.compute.fast_launch import FastLaunches
from local.cloud.compute.image_making import ImageMaking
from local.cloud.compute.images import Images
from local.cloud.compute.instances import Instances
from local.cloud.compute.launch_templates import LaunchTemplates
from local.cloud.compute.launches import Launches
from local.cloud.compute.records import Image, ImageDevice, Kind, Record, Snapshot, State, new_id
from local.cloud.compute.snapshots import Snapshots
from local.cloud.compute.store import Store, not_found
from local.cloud.compute.vpc_endpoints import VpcEndpoints
from local.cloud.gateway import Gateway
from local.cloud.service import Operation

KIND_OF_PREFIX = {"ami": Kind.IMAGE, "snap": Kind.SNAPSHOT, "i": Kind.INSTANCE, "vol": Kind.VOLUME}
"""Prefixes of the ids that are kept here; every other resource of EC2 is ministack's."""


class Compute:
    """Images, snapshots and instances. Networks stay with ministack."""

    name = "ec2"
    whole = False
    resource_of = None

    def __init__(
        self, gateway: Gateway, memberships: Callable[[str], frozenset[str]] = lambda _account: frozenset()
    ) -> None:
        """`memberships` tells the ARNs of the organisation and units that an account is in."""
        self._gateway = gateway
        self._store = Store(memberships)
        self._access = Access(gateway)
        keys = KeyUse(gateway)
        making = ImageMaking(gateway, self._store, self._access, keys)
        images = Images(gateway, self._store, self._access)
        snapshots = Snapshots(gateway, self._store, self._access)
        launches = Launches(gateway, self._store, self._access, keys)
        fast_launches = FastLaunches(gateway, self._store, self._access, keys)
        instances = Instances(gateway, self._store, self._access, launches)
        self.operations: Mapping[str, Operation] = {
            "CopyImage": making.copy,
            "CreateImage": making.create,
            "CreateTags": self._create_tags,
            "DeleteSnapshot": snapshots.delete,
            "DeleteTags": self._delete_tags,
            "DeregisterImage": images.deregister,
            "DescribeFastLaunchImages": fast_launches.describe,
            "DescribeImageAttribute": images.describe_attribute,
            "DescribeImages": images.describe,
            "DescribeInstanceStatus": instances.describe_status,
            "DescribeInstances": instances.describe,
            "DescribeSnapshotAttribute": snapshots.describe_attribute,
            "DescribeSnapshots": snapshots.describe,
            "DescribeVolumes": instances.describe_volumes,
            "DescribeVpcEndpoints": VpcEndpoints(gateway, self._access).describe,
            "DisableFastLaunch": fast_launches.disable,
            "EnableFastLaunch": fast_launches.enable,
            "ModifyImageAttribute": images.modify_attribute,
            "ModifySnapshotAttribute": snapshots.modify_attribute,
            "ResetImageAttribute": images.reset_attribute,
            "RunInstances": instances.run,
            "StartInstances": instances.start,
            "StopInstances": instances.stop,
            "TerminateInstances": instances.terminate,
            **LaunchTemplates(gateway, self._access).operations,
            **{name: _unsupported for name in UNSUPPORTED},
        }

    def reset(self) -> None:
        """Forget everything."""
        self._store.clear()

    def publish_base_image(
        self,
        account: str,
        region: str,
        name: str,
        root_device: str,
        platform: str | None,
        size: int,
        description: str,
        architecture: str = "x86_64",
        created: datetime | None = None,
    ) -> str:
        """A public image as Amazon publishes them: unencrypted, visible to everybody; `size` in GiB. Returns its id."""
        now = self._gateway.clock.now()

        def common(prefix: str, state: State) -> dict[str, Any]:
            return {
                "id": new_id(prefix), "owner": account, "region": region, "created": created or now, "tags": {},
                "state": state, "since": now, "description": description,
            }  # fmt: skip

        snapshot = self._store.add(Snapshot(**common("snap", State.COMPLETED), size=size))
        image = Image(
            **common("ami", State.AVAILABLE),
            name=name,
            devices=(ImageDevice(root_device, snapshot.id, size),),
            root_device=root_device,
            architecture=architecture,
            platform=platform,
            permissions=[{"Group": "all"}],
            owner_alias="amazon",
        )
        return self._store.add(image).id

    def _create_tags(self, call: Call) -> dict[str, Any]:
        reject_others(call, frozenset({"Resources", "Tags"}))
        tags = {tag["Key"]: tag.get("Value", "") for tag in call.parameters["Tags"]}
        ours, others = self._split(call)
        for record in ours:
            self._access.record(call, record, request_keys(tags))
        self._forward(call, others, request_keys(tags))
        for record in ours:
            record.tags.update(tags)
        return {}

    def _delete_tags(self, call: Call) -> dict[str, Any]:
        reject_others(call, frozenset({"Resources", "Tags"}))
        stated = call.parameters.get("Tags")
        ours, others = self._split(call)
        for record in ours:
            self._access.record(call, record)
        self._forward(call, others, {})
        for record in ours:
            for tag in stated if stated is not None else [{"Key": key} for key in list(record.tags)]:
                # A stated value must be the tag's own (API Reference, DeleteTags).
                if "Value" not in tag or record.tags.get(tag["Key"]) == tag["Value"]:
                    record.tags.pop(tag["Key"], None)
        return {}

    def _split(self, call: Call) -> tuple[list[Record], list[str]]:
        ours: list[Record] = []
        others: list[str] = []
        for resource in call.parameters["Resources"]:
            kind = KIND_OF_PREFIX.get(resource.partition("-")[0])
            if kind is None:
                others.append(resource)
                continue
            record = self._store.find(kind, resource, call.region)
            if record is None or record.owner != call.caller.account:
                raise not_found(kind, resource)
            ours.append(record)
        return ours, others

    def _forward(self, call: Call, resources: list[str], context: Mapping[str, Any]) -> None:
        if not resources:
            return
        for resource in resources:
            kind = RESOURCE_TYPES.get(resource.partition("-")[0])
            if kind is None:
                raise ServiceError("InvalidID", f"The ID '{resource}' is not valid")
            arn = f"arn:aws:ec2:{call.region}:{call.caller.account}:{kind}/{resource}"
            self._access.require(call, arn, {**tag_keys({}), **context})
        parameters = {**call.parameters, "Resources": resources}
        self._gateway.forward(Call(call.service, call.operation, call.region, call.caller, parameters))


RESOURCE_TYPES = {
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vpc": "vpc",
    "eni": "network-interface",
    "lt": "launch-template",
    "vpce": "vpc-endpoint",
    "rtb": "route-table",
    "igw": "internet-gateway",
}
"""Resource types of ministack's ids in ARNs (Service Authorization Reference, EC2)."""

UNSUPPORTED = (
    "CopySnapshot",
    "CreateSnapshot",
    "CreateSnapshots",
    "CreateVolume",
    "DescribeTags",
    "DisableImage",
    "DisableImageBlockPublicAccess",
    "DisableImageDeprecation",
    "EnableImage",
    "EnableImageBlockPublicAccess",
    "EnableImageDeprecation",
    "ImportImage",
    "ImportSnapshot",
    "ModifyInstanceAttribute",
    "RebootInstances",
    "RegisterImage",
    "RequestSpotInstances",
)
"""Operations on what is kept here that are not done: ministack would answer them from images of its own."""


def _unsupported(call: Call) -> dict[str, Any]:
    raise ServiceError("UnsupportedOperation", f"The local cloud does not do ec2:{call.operation}.", 501)
