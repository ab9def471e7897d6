"""A cloud in memory around Image Builder: images, roles, parameters, objects, logs, events, and who is refused what."""

import io
import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud.call import Call, Caller, Credentials, ServiceError
from local.cloud.clock import SettableClock
from local.cloud.image_builder.service import ImageBuilder

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"


def refused(operation: str, message: str, code: str = "AccessDenied") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Any:
        while chunk := self.read(size):
            yield chunk


@dataclass
class FakeGateway:
    """Stands where the front is; credentials' access key ids are `<account>:<who>`."""

    clock: SettableClock
    images: dict[tuple[str, str, str], dict[str, Any]] = field(
        default_factory=dict[tuple[str, str, str], dict[str, Any]]
    )
    instances: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    parameters: dict[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])
    templates: dict[tuple[str, str, str], list[str]] = field(default_factory=dict[tuple[str, str, str], list[str]])
    """Images of a launch template's versions; `defaults` has the numbers of default ones."""
    defaults: dict[str, int] = field(default_factory=dict[str, int])
    licenses: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    logs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    calls: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    refuse: set[str] = field(default_factory=set[str])
    """`<operation or action> <account>`, `<operation> <Region>` or an assumed role's ARN."""
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def client(self, service: str, region: str, credentials: Credentials) -> "FakeClient":
        return FakeClient(self, service, region, *credentials.access_key_id.split(":", 1))

    def root_client(self, service: str, account: str, region: str) -> "FakeClient":
        return FakeClient(self, service, region, account, "root")

    def assume_service_role(
        self, role_arn: str, service_principal: str, session_name: str, context: Mapping[str, str] | None = None
    ) -> Credentials:
        if role_arn in self.refuse:
            raise ServiceError("AccessDenied", f"{service_principal} is not trusted by {role_arn}", 403)
        return Credentials(f"{role_arn.split(':')[4]}:{role_arn.rsplit('/', 1)[-1]}", "secret", "token")

    def assume_role(self, credentials: Credentials, role_arn: str, session_name: str) -> Credentials:
        if role_arn in self.refuse:
            who = credentials.access_key_id
            raise ServiceError("AccessDenied", f"User: {who} is not authorized to perform: sts:AssumeRole", 403)
        return Credentials(f"{role_arn.split(':')[4]}:{role_arn.rsplit('/', 1)[-1]}", "secret", "token")

    def authorize(
        self, caller: Caller | Credentials, action: str, resource_arn: str, region: str, context: Any = None
    ) -> None:
        key = caller.credentials.access_key_id if isinstance(caller, Caller) else caller.access_key_id
        self.calls.append((key, action, resource_arn))
        if action in self.refuse or f"{action} {resource_arn}" in self.refuse:
            raise ServiceError("AccessDeniedException", f"{key} may not {action} on {resource_arn}", 403)

    def put_service_event(
        self, account: str, region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]
    ) -> None:
        self.events.append({"source": source, "type": detail_type, "resources": resources, "detail": detail})


@dataclass
class FakeClient:
    """The operations that Image Builder uses, of all services at once."""

    cloud: FakeGateway
    service: str
    region: str
    account: str
    who: str

    def _begin(self, operation: str) -> None:
        self.cloud.calls.append((f"{self.account}:{self.who}", operation, self.region))
        if {f"{operation} {self.account}", f"{operation} {self.account} {self.region}"} & self.cloud.refuse:
            raise refused(operation, f"{self.who} may not {operation}")

    def get_role(self, RoleName: str) -> dict[str, Any]:
        return {"Role": {"RoleName": RoleName}}

    def get_instance_profile(self, InstanceProfileName: str) -> dict[str, Any]:
        if InstanceProfileName != "build":
            raise refused("GetInstanceProfile", "none", "NoSuchEntity")
        return {"InstanceProfile": {"Roles": [{"Arn": f"arn:aws:iam::{self.account}:role/build"}]}}

    def describe_images(
        self, ImageIds: list[str] | None = None, Filters: list[dict[str, Any]] | None = None, **_more: Any
    ) -> dict[str, Any]:
        wanted = ImageIds or [value for entry in Filters or [] for value in entry["Values"]]
        found = [
            image
            for (owner, region, name), image in self.cloud.images.items()
            if name in wanted and region == self.region and (owner in (self.account, "amazon"))
        ]
        return {"Images": found}

    def run_instances(self, **request: Any) -> dict[str, Any]:
        self._begin("RunInstances")
        assert self.describe_images([request["ImageId"]])["Images"]
        name = f"i-{next(self.cloud.numbers):017x}"
        self.cloud.instances[name] = {"InstanceId": name, "State": {"Name": "running"}, "request": request}
        return {"Instances": [self.cloud.instances[name]]}

    def describe_instances(self, InstanceIds: list[str]) -> dict[str, Any]:
        shown = [dict(self.cloud.instances[name]) for name in InstanceIds]
        for name in InstanceIds:
            # A state is passed through once it has been seen.
            if self.cloud.instances[name]["State"]["Name"] == "stopping":
                self.cloud.instances[name]["State"] = {"Name": "stopped"}
        return {"Reservations": [{"Instances": shown}]}

    def stop_instances(self, InstanceIds: list[str]) -> None:
        self.cloud.instances[InstanceIds[0]]["State"] = {"Name": "stopping"}

    def terminate_instances(self, InstanceIds: list[str]) -> None:
        self.cloud.instances[InstanceIds[0]]["State"] = {"Name": "terminated"}

    def create_image(self, InstanceId: str, Name: str, **request: Any) -> dict[str, Any]:
        self._begin("CreateImage")
        assert self.cloud.instances[InstanceId]["State"]["Name"] == "stopped"
        return self._image(Name, request)

    def copy_image(self, Name: str, SourceImageId: str, SourceRegion: str, **request: Any) -> dict[str, Any]:
        self._begin("CopyImage")
        source = next(image for key, image in self.cloud.images.items() if key[1:] == (SourceRegion, SourceImageId))
        assert source["owner"] == self.account or self.account in source["shared"]
        return self._image(Name, request)

    def _image(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        image_id = f"ami-{next(self.cloud.numbers):017x}"
        self.cloud.images[(self.account, self.region, image_id)] = {
            "ImageId": image_id,
            "Name": name,
            "State": "available",
            "owner": self.account,
            "shared": set(),
            "Public": False,
            "Tags": [],
            "request": request,
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": f"snap-{image_id[4:]}"}}],
        }
        return {"ImageId": image_id}

    def describe_image_attribute(self, ImageId: str, Attribute: str) -> dict[str, Any]:
        image = self.cloud.images[(self.account, self.region, ImageId)]
        if Attribute == "lastLaunchedTime":
            return {"LastLaunchedTime": {"Value": image["launched"]} if "launched" in image else {}}
        return {"LaunchPermissions": [{"UserId": account} for account in image["shared"]]}

    def deregister_image(self, ImageId: str) -> None:
        self._begin("DeregisterImage")
        del self.cloud.images[(self.account, self.region, ImageId)]

    def delete_snapshot(self, SnapshotId: str) -> None:
        self._begin("DeleteSnapshot")
        assert (self.account, self.region, SnapshotId.replace("snap", "ami")) not in self.cloud.images

    def modify_image_attribute(self, ImageId: str, LaunchPermission: dict[str, Any]) -> None:
        self._begin("ModifyImageAttribute")
        shared = self.cloud.images[(self.account, self.region, ImageId)]["shared"]
        shared |= {entry["UserId"] for entry in LaunchPermission.get("Add", [])}
        shared -= {entry["UserId"] for entry in LaunchPermission.get("Remove", [])}

    def modify_snapshot_attribute(self, **_request: Any) -> None:
        self._begin("ModifySnapshotAttribute")

    def enable_fast_launch(self, ImageId: str, **request: Any) -> None:
        self._begin("EnableFastLaunch")
        self.cloud.images[(self.account, self.region, ImageId)]["fast"] = request

    def get_parameter(self, Name: str) -> dict[str, Any]:
        return {"Parameter": {"Value": self.cloud.parameters[(self.account, self.region, Name)]}}

    def put_parameter(self, Name: str, Value: str, **_request: Any) -> None:
        self._begin("PutParameter")
        self.cloud.parameters[(self.account, self.region, Name)] = Value

    def _template(self, operation: str, template: str) -> list[str]:
        self._begin(operation)
        found = self.cloud.templates.get((self.account, self.region, template))
        if found is None:
            raise refused(operation, f"{template} does not exist", "InvalidLaunchTemplateId.NotFound")
        return found

    def describe_launch_templates(self, LaunchTemplateIds: list[str]) -> dict[str, Any]:
        (template,) = LaunchTemplateIds
        self._template("DescribeLaunchTemplates", template)
        return {"LaunchTemplates": [{"DefaultVersionNumber": self.cloud.defaults.get(template, 1)}]}

    def create_launch_template_version(
        self, LaunchTemplateId: str, SourceVersion: str, LaunchTemplateData: dict[str, str]
    ) -> dict[str, Any]:
        versions = self._template("CreateLaunchTemplateVersion", LaunchTemplateId)
        assert SourceVersion == str(self.cloud.defaults.get(LaunchTemplateId, 1))
        versions.append(LaunchTemplateData["ImageId"])
        return {"LaunchTemplateVersion": {"VersionNumber": len(versions)}}

    def modify_launch_template(self, LaunchTemplateId: str, DefaultVersion: str) -> None:
        self._template("ModifyLaunchTemplate", LaunchTemplateId)
        self.cloud.defaults[LaunchTemplateId] = int(DefaultVersion)

    def update_license_specifications_for_resource(
        self, ResourceArn: str, AddLicenseSpecifications: list[dict[str, str]]
    ) -> None:
        self._begin("UpdateLicenseSpecificationsForResource")
        self.cloud.licenses[ResourceArn] += [one["LicenseConfigurationArn"] for one in AddLicenseSpecifications]

    def put_log_events(self, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]) -> None:
        self.cloud.logs[f"{logGroupName} {logStreamName}"] += [event["message"] for event in logEvents]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        self._begin("GetObject")
        return {"Body": Body(self.cloud.objects[f"{Bucket}/{Key}"])}


@dataclass
class Builder:
    """Image Builder with a recipe, an infrastructure and whoever calls."""

    service: ImageBuilder
    cloud: FakeGateway

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        credentials = Credentials(f"{HUB}:engineer", "secret")
        caller = Caller(HUB, f"arn:aws:iam::{HUB}:user/engineer", credentials)
        return self.service.operations[operation](Call("imagebuilder", operation, HOME, caller, parameters))

    def component(self, name: str = "install", version: str = "1.0.0", data: str = "", **more: Any) -> str:
        text = data or "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: A, action: Reboot}]}]"
        made = self.call(
            "CreateComponent",
            name=name,
            semanticVersion=version,
            platform="Linux",
            data=text,
            clientToken=name + version,
            **more,
        )
        return made["componentBuildVersionArn"]

    def recipe(self, *components: str, version: str = "1.0.0", **more: Any) -> str:
        made = self.call(
            "CreateImageRecipe",
            name="Web Server",
            semanticVersion=version,
            parentImage="ssm:/base",
            components=[{"componentArn": arn} for arn in components],
            clientToken=f"recipe{version}",
            **more,
        )
        return made["imageRecipeArn"]

    def pipeline(self, recipe: str, distributions: list[dict[str, Any]] | None = None, tests: bool = False) -> str:
        infrastructure = self.call(
            "CreateInfrastructureConfiguration", name="small", instanceProfileName="build", clientToken="i"
        )["infrastructureConfigurationArn"]
        settings: dict[str, Any] = {"executionRole": "execution"}
        if distributions:
            settings["distributionConfigurationArn"] = self.call(
                "CreateDistributionConfiguration", name="everywhere", distributions=distributions, clientToken="d"
            )["distributionConfigurationArn"]
        return self.call(
            "CreateImagePipeline",
            name="web",
            imageRecipeArn=recipe,
            infrastructureConfigurationArn=infrastructure,
            imageTestsConfiguration={"imageTestsEnabled": tests},
            clientToken="p",
            **settings,
        )["imagePipelineArn"]

    def start(self, pipeline: str, token: str = "t") -> str:
        return self.call("StartImagePipelineExecution", imagePipelineArn=pipeline, clientToken=token)[
            "imageBuildVersionArn"
        ]

    def ended(self, image: str) -> dict[str, Any]:
        """The image once its thread has ended."""
        run = self.service.runs.find(image)
        assert run is not None
        assert run.thread is not None
        run.thread.join(30)
        return self.call("GetImage", imageBuildVersionArn=image)["image"]


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    cloud = FakeGateway(SettableClock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    cloud.images[("amazon", HOME, "ami-0base")] = {"ImageId": "ami-0base", "Name": "al2023-ami", "State": "available"}
    cloud.parameters[(HUB, HOME, "/base")] = "ami-0base"
    return Builder(ImageBuilder(cloud, tmp_path), cloud)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def targets() -> Callable[[str], list[dict[str, Any]]]:
    """Two target accounts in two Regions, each with a parameter."""

    def make(name: str = "web-{{ imagebuilder:buildDate }}") -> list[dict[str, Any]]:
        return [
            {
                "region": region,
                "amiDistributionConfiguration": {
                    "name": name,
                    "targetAccountIds": [TARGET, OTHER],
                    "kmsKeyId": f"arn:aws:kms:{region}:{HUB}:key/mrk-1",
                    "amiTags": {"product": "web"},
                },
                "ssmParameterConfigurations": [
                    {"parameterName": "/web/stable", "amiAccountId": account, "dataType": "aws:ec2:image"}
                    for account in (TARGET, OTHER)
                ],
            }
            for region in (HOME, AWAY)
        ]

    return make
