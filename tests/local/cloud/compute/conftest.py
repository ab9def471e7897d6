"""A gateway in memory around EC2: who may do what, keys that note who used them, a network, profiles and parameters."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from local.cloud import protocol
from local.cloud.call import Call, Caller, Credentials, ServiceError
from local.cloud.clock import SettableClock
from local.cloud.compute.service import Compute

HUB, AMAZON = "111111111111", "900000000000"
HOME = "us-east-1"


def refused(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    error: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, operation)


@dataclass(frozen=True)
class KeyCall:
    account: str
    operation: str
    key: str
    region: str
    via: str | None


@dataclass
class FakeKms:
    """Keys by ARN with their state; a ciphertext names the key that made it."""

    keys: dict[str, str] = field(default_factory=dict[str, str])
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    refused: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    calls: list[KeyCall] = field(default_factory=list[KeyCall])
    numbers: Any = field(default_factory=itertools.count)

    def add(self, account: str = HUB, region: str = HOME) -> str:
        arn = f"arn:aws:kms:{region}:{account}:key/{next(self.numbers):08d}"
        self.keys[arn] = "Enabled"
        return arn

    def used(self) -> list[tuple[str, str]]:
        return [(call.operation, call.key) for call in self.calls]


@dataclass
class FakeKeyClient:
    kms: FakeKms
    account: str
    region: str
    via: str | None

    def _use(self, operation: str, key: str) -> str:
        self.kms.calls.append(KeyCall(self.account, operation, key, self.region, self.via))
        key = self.kms.aliases.get(key, key)
        if key not in self.kms.keys or key.split(":")[3] != self.region:
            raise refused(operation, "NotFoundException", f"Key '{key}' does not exist")
        if (operation, key) in self.kms.refused:
            raise refused(operation, "AccessDeniedException", f"{self.account} may not kms:{operation} on {key}")
        return key

    def describe_key(self, KeyId: str) -> dict[str, Any]:
        key = self._use("DescribeKey", KeyId)
        return {"KeyMetadata": {"Arn": key, "KeyState": self.kms.keys[key]}}

    def decrypt(self, CiphertextBlob: bytes, KeyId: str) -> dict[str, Any]:
        assert CiphertextBlob.decode() == f"under {KeyId}"
        self._use("Decrypt", KeyId)
        return {"Plaintext": b"data key"}

    def re_encrypt(self, CiphertextBlob: bytes, SourceKeyId: str, DestinationKeyId: str) -> dict[str, Any]:
        assert CiphertextBlob.decode() == f"under {SourceKeyId}"
        self._use("ReEncryptFrom", SourceKeyId)
        return {"CiphertextBlob": f"under {self._use('ReEncryptTo', DestinationKeyId)}".encode()}

    def generate_data_key_without_plaintext(self, KeyId: str, KeySpec: str) -> dict[str, Any]:
        assert KeySpec == "AES_256"
        return {"CiphertextBlob": f"under {self._use('GenerateDataKeyWithoutPlaintext', KeyId)}".encode()}

    def create_grant(self, KeyId: str, GranteePrincipal: str, Operations: list[str]) -> dict[str, Any]:
        assert f":{self.account}:" in GranteePrincipal
        assert "Decrypt" in Operations
        self._use("CreateGrant", KeyId)
        return {"GrantId": "grant"}


SUBNETS = {"subnet-1": "vpc-1", "subnet-2": "vpc-2"}
GROUPS = {"sg-default": ("vpc-1", "default"), "sg-web": ("vpc-1", "web"), "sg-far": ("vpc-2", "default")}


@dataclass
class FakeNetwork:
    defaults: bool = True

    def describe_subnets(self, SubnetIds: list[str] | None = None, Filters: Any = None) -> dict[str, Any]:
        for subnet in SubnetIds or []:
            if subnet not in SUBNETS:
                raise refused("DescribeSubnets", "InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist")
        chosen = SubnetIds or (["subnet-1"] if self.defaults else [])
        return {"Subnets": [{"SubnetId": subnet, "VpcId": SUBNETS[subnet]} for subnet in chosen]}

    def describe_security_groups(self, GroupIds: list[str] | None = None, Filters: Any = None) -> dict[str, Any]:
        for group in GroupIds or []:
            if group not in GROUPS:
                raise refused("DescribeSecurityGroups", "InvalidGroup.NotFound", f"The group '{group}' does not exist")
        wanted = {entry["Name"]: entry["Values"] for entry in Filters or []}
        shown = [
            {"GroupId": group, "VpcId": vpc, "GroupName": name}
            for group, (vpc, name) in GROUPS.items()
            if (GroupIds and group in GroupIds) or (wanted and vpc in wanted["vpc-id"] and name in wanted["group-name"])
        ]
        return {"SecurityGroups": shown}


class FakeProfiles:
    def get_instance_profile(self, InstanceProfileName: str) -> dict[str, Any]:
        if InstanceProfileName != "web":
            raise refused("GetInstanceProfile", "NoSuchEntity", "none", 404)
        profile = f"arn:aws:iam::{HUB}:instance-profile/web"
        return {"InstanceProfile": {"Arn": profile, "Roles": [{"Arn": f"arn:aws:iam::{HUB}:role/web"}]}}


@dataclass
class FakeParameters:
    values: Mapping[str, str]

    def get_parameters(self, Names: list[str]) -> dict[str, Any]:
        if Names == ["/closed"]:
            raise refused("GetParameters", "AccessDeniedException", "may not ssm:GetParameters on /closed")
        return {"Parameters": [{"Name": name, "Value": self.values[name]} for name in Names if name in self.values]}


@dataclass
class FakeGateway:
    clock: SettableClock
    kms: FakeKms = field(default_factory=FakeKms)
    network: FakeNetwork = field(default_factory=FakeNetwork)
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    forbidden: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Actions and resource patterns that nobody is allowed."""
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list[tuple[str, str, dict[str, Any]]])
    forwarded: list[Call] = field(default_factory=list[Call])
    beneath: dict[str, Any] = field(default_factory=dict[str, Any])
    """What ministack answers."""

    def authorize(
        self, caller: Caller, action: str, resource_arn: str, region: str, context: Any = None, code: str = ""
    ) -> None:
        self.asked.append((action, resource_arn, dict(context or {})))
        if any(action == one and fnmatchcase(resource_arn, pattern) for one, pattern in self.forbidden):
            message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource_arn}"
            raise ServiceError(code, message, 403)

    def key_client(self, credentials: Credentials, region: str, via_service: str | None) -> FakeKeyClient:
        return FakeKeyClient(self.kms, credentials.access_key_id, region, via_service)

    def root_client(self, service: str, account: str, region: str) -> Any:
        return {"ec2": self.network, "iam": FakeProfiles()}[service]

    def client(self, service: str, region: str, credentials: Credentials) -> Any:
        return {"ssm": FakeParameters(self.parameters)}[service]

    def forward(self, call: Call, account: str | None = None, region: str | None = None) -> dict[str, Any]:
        self.forwarded.append(call)
        return self.beneath

    def context_of(self, action: str, pattern: str) -> dict[str, Any]:
        """Condition keys under which an action was last asked for."""
        return next(keys for name, arn, keys in reversed(self.asked) if name == action and fnmatchcase(arn, pattern))


@dataclass
class Ec2:
    """EC2 with calls checked against botocore's shapes on the way in and out."""

    gateway: FakeGateway
    compute: Compute

    def __call__(self, operation: str, account: str = HUB, region: str = HOME, **parameters: Any) -> Any:
        model = protocol.service_model("ec2").operation_model(operation)
        _fits(parameters, model.input_shape)
        caller = Caller(account, f"arn:aws:iam::{account}:user/somebody", Credentials(account, "secret"))
        output = self.compute.operations[operation](Call("ec2", operation, region, caller, parameters))
        if model.output_shape is not None:
            _fits(output, model.output_shape)
        return output

    def refusal(self, operation: str, **arguments: Any) -> ServiceError:
        with pytest.raises(ServiceError) as caught:
            self(operation, **arguments)
        return caught.value

    def settle(self) -> None:
        """Let the clock pass what any state lasts."""
        self.gateway.clock.move(1)

    def base(self, region: str = HOME, size: int = 8, platform: str | None = None, architecture: str = "x86_64") -> str:
        described = ("base", "/dev/xvda", platform, size, "A base image", architecture)
        return self.compute.publish_base_image(AMAZON, region, *described)

    def launched(self, image: str | None = None, account: str = HUB, region: str = HOME, **parameters: Any) -> str:
        """A running instance."""
        image = image or self.base(region)
        request = {"ImageId": image, "MinCount": 1, "MaxCount": 1, **parameters}
        instance = self("RunInstances", account, region, **request)["Instances"][0]["InstanceId"]
        self.settle()
        return instance

    def made(self, key: str | None = None, name: str = "made", account: str = HUB, region: str = HOME) -> str:
        """An available image of an account's own, encrypted under a key where one is given."""
        ebs = {"Encrypted": True, "KmsKeyId": key} if key else {}
        mappings = [{"DeviceName": "/dev/xvda", "Ebs": ebs}] if key else []
        instance = self.launched(account=account, region=region, BlockDeviceMappings=mappings)
        image = self("CreateImage", account, region, InstanceId=instance, Name=name)["ImageId"]
        self.settle()
        return image

    def image(self, image: str, account: str = HUB, region: str = HOME) -> Any:
        return self("DescribeImages", account, region, ImageIds=[image])["Images"][0]

    def instance(self, instance: str, account: str = HUB, region: str = HOME) -> Any:
        return self("DescribeInstances", account, region, InstanceIds=[instance])["Reservations"][0]["Instances"][0]

    def snapshot(self, image: str, account: str = HUB, region: str = HOME) -> Any:
        """The snapshot behind an image's only device, as its owner sees it."""
        found = self.image(image, account, region)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        return self("DescribeSnapshots", account, region, SnapshotIds=[found])["Snapshots"][0]

    def volumes(self, instance: str, account: str = HUB, region: str = HOME) -> Any:
        of_instance = [{"Name": "attachment.instance-id", "Values": [instance]}]
        return self("DescribeVolumes", account, region, Filters=of_instance)["Volumes"]

    def share(self, image: str, account: str, owner: str = HUB, region: str = HOME, storage: bool = True) -> None:
        """Share an image, and its snapshot unless told otherwise, with an account."""
        added = {"Add": [{"UserId": account}]}
        self("ModifyImageAttribute", owner, region, ImageId=image, LaunchPermission=added)
        if storage:
            snapshot = self.snapshot(image, owner, region)["SnapshotId"]
            self("ModifySnapshotAttribute", owner, region, SnapshotId=snapshot, CreateVolumePermission=added)


def _fits(values: Mapping[str, Any], shape: Any) -> None:
    report = ParamValidator().validate(values, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(SettableClock(datetime(2026, 11, 2, 12, tzinfo=UTC)))


@pytest.fixture
def ec2(gateway: Any) -> Ec2:
    return Ec2(gateway, Compute(gateway))


@pytest.fixture(scope="session")
def fresh() -> Callable[[], Ec2]:
    """Makes an EC2 of its own, for each example that Hypothesis tries."""

    def make() -> Ec2:
        own: Any = FakeGateway(SettableClock(datetime(2026, 11, 2, 12, tzinfo=UTC)))
        return Ec2(own, Compute(own))

    return make
