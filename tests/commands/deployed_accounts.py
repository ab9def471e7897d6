"""Accounts as they are after a product was deployed, held in memory and answering the reading calls as AWS does."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from model.launch_access import LaunchAccess, Launcher
from model.names import channel_parameter, image_key_alias
from model.target_policies import consumer_launch_policy

KEY_ID = "mrk-00000000000000000000000000000001"


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{operation} was refused"}}, operation)


@dataclass
class Role:
    arn: str
    inline: dict[str, Any] = field(default_factory=dict[str, Any])
    attached: list[str] = field(default_factory=list[str])
    boundary: str | None = None
    profiles: list[str] = field(default_factory=list[str])


@dataclass
class Key:
    arn: str
    policy: dict[str, Any]
    state: str = "Enabled"
    grants: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass
class Place:
    parameter: str | None
    image: dict[str, Any]
    snapshot: dict[str, Any]
    sees_snapshot: bool = True


class Pages:
    """A paginator over an operation that answers one thing at a time."""

    def __init__(self, pages: Callable[..., list[dict[str, Any]]]) -> None:
        self._pages = pages

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        return self._pages(**arguments)


class Client:
    """A service's client; what is not one of its methods is called on nobody."""

    def __init__(self, cloud: "DeployedAccounts", account: str, region: str = "") -> None:
        self._cloud, self._account, self._region = cloud, account, region

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if name.startswith("_") or name == "get_paginator":
            return value
        cloud = object.__getattribute__(self, "_cloud")
        cloud.calls.append(name)
        if name in cloud.refused:
            raise refusal(cloud.refused[name], name)
        return value

    def get_paginator(self, operation: str) -> Pages:
        return Pages(getattr(self, operation))


class Iam(Client):
    def _role(self, name: str) -> Role:
        role = self._cloud.roles.get((self._account, name))
        if role is None:
            raise refusal("NoSuchEntity", "GetRole")
        return role

    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        role = self._role(RoleName)
        boundary = {"PermissionsBoundary": {"PermissionsBoundaryArn": role.boundary}} if role.boundary else {}
        return {"Role": {"Arn": role.arn, **boundary}}

    def list_role_policies(self, *, RoleName: str) -> list[dict[str, Any]]:
        return [{"PolicyNames": [name]} for name in self._role(RoleName).inline]

    def get_role_policy(self, *, RoleName: str, PolicyName: str) -> dict[str, Any]:
        return {"PolicyDocument": self._role(RoleName).inline[PolicyName]}

    def list_attached_role_policies(self, *, RoleName: str) -> list[dict[str, Any]]:
        return [{"AttachedPolicies": [{"PolicyArn": arn}]} for arn in self._role(RoleName).attached]

    def list_instance_profiles_for_role(self, *, RoleName: str) -> list[dict[str, Any]]:
        return [{"InstanceProfiles": [{"InstanceProfileName": name}]} for name in self._role(RoleName).profiles]

    def get_policy(self, *, PolicyArn: str) -> dict[str, Any]:
        return {"Policy": {"DefaultVersionId": "v3"}}

    def get_policy_version(self, *, PolicyArn: str, VersionId: str) -> dict[str, Any]:
        assert VersionId == "v3"
        return {"PolicyVersion": {"Document": self._cloud.managed[PolicyArn]}}


class Kms(Client):
    def _key(self) -> Key:
        key = self._cloud.keys.get(self._region)
        if key is None:
            raise refusal("NotFoundException", "DescribeKey")
        return key

    def describe_key(self, *, KeyId: str) -> dict[str, Any]:
        assert KeyId == image_key_alias("ledger")
        return {"KeyMetadata": {"Arn": self._key().arn, "KeyState": self._key().state}}

    def get_key_policy(self, *, KeyId: str, PolicyName: str) -> dict[str, Any]:
        assert (KeyId, PolicyName) == (self._key().arn, "default")
        return {"Policy": json.dumps(self._key().policy)}

    def list_grants(self, *, KeyId: str) -> list[dict[str, Any]]:
        assert KeyId == self._key().arn
        return [{"Grants": [grant]} for grant in self._key().grants]


class Ssm(Client):
    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        assert Name == channel_parameter("ledger")
        value = self._cloud.places[self._account, self._region].parameter
        if value is None:
            raise refusal("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Value": value}}


class Ec2(Client):
    def describe_images(self, *, ImageIds: list[str]) -> dict[str, Any]:
        image = self._cloud.places[self._account, self._region].image
        return {"Images": [image] if image.get("ImageId") in ImageIds else []}

    def describe_snapshots(self, *, SnapshotIds: list[str]) -> dict[str, Any]:
        place = self._cloud.places[self._account, self._region]
        if not place.sees_snapshot:
            raise refusal("InvalidSnapshot.NotFound", "DescribeSnapshots")
        snapshot = place.snapshot
        return {"Snapshots": [snapshot] if snapshot["SnapshotId"] in SnapshotIds else []}


@dataclass
class DeployedAccounts:
    """The accounts; tests change what they hold, `refused` answers an operation with an error code."""

    roles: dict[tuple[str, str], Role]
    keys: dict[str, Key]
    places: dict[tuple[str, str], Place]
    managed: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    calls: list[str] = field(default_factory=list[str])

    def ec2(self, account: str, region: str) -> Any:
        return Ec2(self, account, region)

    def iam(self, account: str) -> Any:
        return Iam(self, account)

    def kms(self, account: str, region: str) -> Any:
        assert account == "111111111111"
        return Kms(self, account, region)

    def ssm(self, account: str, region: str) -> Any:
        return Ssm(self, account, region)


def deployed(planned: LaunchAccess) -> DeployedAccounts:
    """What is there once the planned documents are deployed and the image was built; keys have their ids."""
    accounts = DeployedAccounts({}, {}, {})
    for place in planned.places:
        arn = _with_id(place.key_arn)
        assert place.key.policy is not None
        policy = dict(place.key.policy.document)
        grants = [
            {"GranteePrincipal": grant.grantee, "Operations": sorted(grant.operations)} for grant in place.key.grants
        ]
        accounts.keys[place.region] = Key(arn, policy, grants=grants)
        if (owner := accounts.places.get((place.owner, place.region))) and place.owner != place.account:
            shared = Place(owner.parameter, {**owner.image, "Tags": []}, owner.snapshot, sees_snapshot=False)
            accounts.places[place.account, place.region] = shared
            continue
        number = f"{len(accounts.places) + 1:017x}"
        image = {
            "ImageId": f"ami-{number}",
            "OwnerId": place.account,
            "State": "available",
            "Tags": [{"Key": key, "Value": value} for key, value in place.tags.items()],
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": f"snap-{number}"}}],
        }
        snapshot = {"SnapshotId": f"snap-{number}", "OwnerId": place.account, "KmsKeyId": arn}
        accounts.places[place.account, place.region] = Place(f"ami-{number}", image, snapshot)
    for launcher in planned.launchers:
        role = _role(planned, launcher)
        accounts.roles[launcher.principal.account, role.arn.rsplit("/", 1)[-1]] = role
    return accounts


def _role(planned: LaunchAccess, launcher: Launcher) -> Role:
    arn = launcher.principal.arn
    role = Role(arn, {policy.name.split()[1]: _with_ids(policy.document) for policy in launcher.permissions.policies})
    if launcher.passes == (arn,):
        role.profiles.append("profile")
    if launcher.own:
        account = launcher.principal.account
        regions = tuple(place.region for place in planned.places if place.account == account)
        role.inline["own"] = consumer_launch_policy(planned.product, arn, regions).as_dict()
    return role


def _with_ids(value: Any) -> Any:
    if isinstance(value, str):
        return _with_id(value)
    if isinstance(value, Mapping):
        return {key: _with_ids(each) for key, each in value.items()}
    return [_with_ids(each) for each in value]


def _with_id(text: str) -> str:
    return text.replace("mrk-…", KEY_ID)
