"""RunInstances: what a launch checks, in the order in which EC2 refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, new_arn, reject_others, request_keys, requested_tags, tag_keys
from local.cloud.compute.block_devices import new_device, performance_of_device, stated_devices
from local.cloud.compute.encryption import KeyUse, key_arn_of
from local.cloud.compute.instance_types import check_architecture
from local.cloud.compute.records import (
    Encryption,
    Failure,
    Image,
    ImageDevice,
    Instance,
    Kind,
    State,
    Volume,
    new_id,
)
from local.cloud.compute.store import Store
from local.cloud.gateway import Gateway, service_error

LAUNCH_FAILED = Failure("Client.InternalError", "Client.InternalError: Client error on launch")
"""What an instance ends with whose caller may not use a volume's key (EC2 User Guide, "Instance terminates
immediately"): the launch is answered before the key is used."""

KNOWN = frozenset(
    {
        "BlockDeviceMappings", "ClientToken", "DryRun", "IamInstanceProfile", "ImageId", "InstanceType", "MaxCount",
        "MetadataOptions", "MinCount", "NetworkInterfaces", "SecurityGroupIds", "SubnetId", "TagSpecifications",
        "UserData",
    }
)  # fmt: skip

MADE = frozenset({Kind.INSTANCE, Kind.VOLUME})
"""What a launch makes and its caller can tag."""

DEFAULT_TYPE = "m1.small"
"""Instance type of a launch that names none (API Reference, RunInstances)."""


@dataclass(frozen=True)
class Network:
    """Where an instance is put: checked against the account's network in ministack."""

    subnet_id: str
    vpc_id: str
    groups: tuple[dict[str, str], ...]


class Launches:
    """Launches instances."""

    def __init__(self, gateway: Gateway, store: Store, access: Access, keys: KeyUse) -> None:
        self._gateway = gateway
        self._store = store
        self._access = access
        self._keys = keys

    def run(self, call: Call) -> tuple[str, list[Instance]]:
        """Launch; returns the reservation's id and its instances. Raises `ServiceError`."""
        reject_others(call, KNOWN)
        token = (
            call.operation,
            call.caller.account,
            call.region,
            call.parameters.get("ClientToken") or new_id("token"),
        )
        if known := self._store.client_tokens.get(token):
            launched = [self._store.instance(one, call.caller.account, call.region) for one in known]
            return launched[0].reservation_id, launched
        image = self._image(call)
        check_architecture(image, call.parameters.get("InstanceType", DEFAULT_TYPE))
        tags = requested_tags(call, MADE)
        network = self._network(call)
        profile_arn = self._profile(call)
        devices = self._devices(call, image)
        self._authorize(call, image, network, devices, tags)
        if call.parameters.get("DryRun"):
            raise ServiceError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        now = self._gateway.clock.now()
        if image.now(now) != State.AVAILABLE:
            raise ServiceError("InvalidAMIID.Unavailable", f"The image ID '[{image.id}]' is not available")
        volumes, failure = self._volumes(call, image, devices, tags, now)
        reservation = new_id("r")
        instance = Instance(
            id=new_id("i"),
            owner=call.caller.account,
            region=call.region,
            created=now,
            tags=dict(tags.get(Kind.INSTANCE, {})),
            state=State.PENDING,
            since=now,
            failure=failure,
            image_id=image.id,
            instance_type=call.parameters.get("InstanceType", DEFAULT_TYPE),
            subnet_id=network.subnet_id,
            vpc_id=network.vpc_id,
            security_groups=network.groups,
            profile_arn=profile_arn,
            metadata_options=call.parameters.get("MetadataOptions", {}),
            volumes=tuple(volume.id for volume in volumes),
            root_device=image.root_device,
            architecture=image.architecture,
            platform=image.platform,
            reservation_id=reservation,
        )
        for volume in volumes:
            volume.instance_id = instance.id
            self._store.add(volume)
        self._store.add(instance)
        image.launches.append(now)
        self._store.client_tokens[token] = [instance.id]
        return reservation, [instance]

    def _image(self, call: Call) -> Image:
        if (call.parameters["MinCount"], call.parameters["MaxCount"]) != (1, 1):
            message = "The local cloud's RunInstances launches one instance at a time."
            raise ServiceError("UnsupportedOperation", message)
        image_id = call.parameters.get("ImageId")
        if not image_id:
            raise ServiceError("MissingParameter", "The request must contain the parameter ImageId")
        if image_id.startswith("resolve:ssm:"):
            name = image_id.removeprefix("resolve:ssm:")
            ssm = self._gateway.client("ssm", call.region, call.caller.credentials)
            try:
                found = ssm.get_parameters(Names=[name])
            except ClientError as error:
                raise service_error(error) from error
            if not found["Parameters"]:
                raise ServiceError("InvalidAMIID.NotFound", f"The SSM parameter {name} could not be resolved")
            image_id = found["Parameters"][0]["Value"]
        return self._store.image(image_id, call.caller.account, call.region)

    def _network(self, call: Call) -> Network:
        parameters = call.parameters
        interfaces = parameters.get("NetworkInterfaces", [])
        if len(interfaces) > 1:
            raise ServiceError("UnsupportedOperation", "The local cloud gives an instance one network interface.")
        interface = interfaces[0] if interfaces else {}
        subnet_id = interface.get("SubnetId") or parameters.get("SubnetId")
        group_ids = interface.get("Groups") or parameters.get("SecurityGroupIds") or []
        ec2 = self._gateway.root_client("ec2", call.caller.account, call.region)
        try:
            if subnet_id:
                subnet = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
            else:
                defaults = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
                if not defaults:
                    raise ServiceError("VPCIdNotSpecified", "No default VPC for this user")
                subnet = defaults[0]
            if group_ids:
                groups = ec2.describe_security_groups(GroupIds=group_ids)["SecurityGroups"]
            else:
                in_vpc = [
                    {"Name": "vpc-id", "Values": [subnet["VpcId"]]},
                    {"Name": "group-name", "Values": ["default"]},
                ]
                groups = ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"]
        except ClientError as error:
            raise service_error(error) from error
        for group in groups:
            if group["VpcId"] != subnet["VpcId"]:
                raise ServiceError(
                    "InvalidGroup.NotFound",
                    f"The security group '{group['GroupId']}' does not exist in VPC '{subnet['VpcId']}'",
                )
        named = tuple({"GroupId": group["GroupId"], "GroupName": group["GroupName"]} for group in groups)
        return Network(subnet["SubnetId"], subnet["VpcId"], named)

    def _profile(self, call: Call) -> str | None:
        stated = call.parameters.get("IamInstanceProfile")
        if not stated:
            return None
        arn = stated.get("Arn", "")
        name = stated.get("Name") or arn.rsplit("/", 1)[-1]
        iam = self._gateway.root_client("iam", call.caller.account, "us-east-1")
        try:
            profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        except ClientError as error:
            message = (
                f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
            )
            raise ServiceError("InvalidParameterValue", message) from error
        for role in profile["Roles"]:
            self._access_to_pass(call, role["Arn"])
        return profile["Arn"]

    def _access_to_pass(self, call: Call, role_arn: str) -> None:
        context = {"iam:PassedToService": "ec2.amazonaws.com"}
        try:
            self._gateway.authorize(
                call.caller, "iam:PassRole", role_arn, call.region, context, code="UnauthorizedOperation"
            )
        except ServiceError as error:
            message = f"You are not authorized to perform this operation. {error.message}"
            raise ServiceError(error.code, message, 403) from error

    def _authorize(
        self,
        call: Call,
        image: Image,
        network: Network,
        devices: list[tuple[ImageDevice, Mapping[str, Any]]],
        tags: Mapping[Kind, dict[str, str]],
    ) -> None:
        account, region = call.caller.account, call.region
        own_tags = tag_keys(image.tags) if image.owner == account else {}
        public = str(image.public).lower()
        image_keys = {**own_tags, "ec2:Owner": image.owner_alias or image.owner, "ec2:Public": public}
        self._access.require(call, image.arn, image_keys)
        options = call.parameters.get("MetadataOptions", {})
        instance_keys: dict[str, Any] = {
            "ec2:InstanceType": call.parameters.get("InstanceType", DEFAULT_TYPE),
            "ec2:MetadataHttpTokens": options.get("HttpTokens", "optional"),
            **request_keys(tags.get(Kind.INSTANCE, {})),
        }
        self._access.require(call, new_arn(Kind.INSTANCE, call), instance_keys)
        self._access.require(call, f"arn:aws:ec2:{region}:{account}:subnet/{network.subnet_id}")
        for group in network.groups:
            self._access.require(call, f"arn:aws:ec2:{region}:{account}:security-group/{group['GroupId']}")
        self._access.require(call, new_arn("network-interface", call))
        for device, ebs in devices:
            encrypted = ebs.get("Encrypted") or self._source(device, region) is not None
            volume_keys = {"ec2:Encrypted": str(bool(encrypted)).lower(), **request_keys(tags.get(Kind.VOLUME, {}))}
            self._access.require(call, new_arn(Kind.VOLUME, call), volume_keys)
        self._access.tags(call, tags)

    def _devices(self, call: Call, image: Image) -> list[tuple[ImageDevice, Mapping[str, Any]]]:
        """The image's own volumes and further ones, each with what the call states of it."""
        stated = stated_devices(call.parameters.get("BlockDeviceMappings", []))
        for source in image.devices:
            self._check_source(call, source, stated.get(source.name, {}))
        known = {device.name for device in image.devices}
        further = [(new_device(name, ebs), ebs) for name, ebs in stated.items() if name not in known]
        return [*((device, stated.get(device.name, {})) for device in image.devices), *further]

    def _check_source(self, call: Call, source: ImageDevice, ebs: Mapping[str, Any]) -> None:
        size = ebs.get("VolumeSize", source.size)
        if size < source.size:
            message = (
                f"Volume of size {size}GB is smaller than snapshot '{source.snapshot_id}', "
                f"expect size >= {source.size}GB"
            )
            raise ServiceError("InvalidBlockDeviceMapping", message)
        performance_of_device(source, ebs)
        if ebs.get("Encrypted") is False and self._source(source, call.region):
            raise ServiceError("InvalidParameterValue", "A volume of an encrypted snapshot is always encrypted.")

    def _source(self, device: ImageDevice, region: str) -> Encryption | None:
        return self._store.snapshot(device.snapshot_id, region).encryption if device.snapshot_id else None

    def _volumes(
        self,
        call: Call,
        image: Image,
        devices: list[tuple[ImageDevice, Mapping[str, Any]]],
        tags: Mapping[Kind, dict[str, str]],
        now: datetime,
    ) -> tuple[list[Volume], Failure | None]:
        volumes: list[Volume] = []
        failure: Failure | None = None
        for device, ebs in devices:
            source = self._source(device, image.region)
            encryption = source
            if source or ebs.get("Encrypted"):
                key_id = ebs.get("KmsKeyId")
                key_arn = (
                    key_arn_of(key_id, call.caller.account, call.region) if key_id or not source else source.key_arn
                )
                try:
                    encryption = self._keys.attach(call, source, key_arn)
                except ServiceError as error:
                    # Told by the instance's state only, as EC2 does; the key's refusal stands in the cloud's own log.
                    failure = Failure(LAUNCH_FAILED.code, f"{LAUNCH_FAILED.message} ({error.message})")
                    encryption = Encryption(key_arn)
            volumes.append(
                Volume(
                    id=new_id("vol"),
                    owner=call.caller.account,
                    region=call.region,
                    created=now,
                    tags=dict(tags.get(Kind.VOLUME, {})),
                    state=State.AVAILABLE,
                    since=now,
                    size=ebs.get("VolumeSize", device.size),
                    encryption=encryption,
                    volume_type=ebs.get("VolumeType", device.volume_type),
                    performance=performance_of_device(device, ebs),
                    device=device.name,
                    snapshot_id=device.snapshot_id,
                    delete_on_termination=ebs.get("DeleteOnTermination", device.delete_on_termination),
                )
            )
        return volumes, failure
