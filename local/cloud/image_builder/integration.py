"""What follows a distributed AMI: parameters, launch templates and license configurations that name it, fast launch.

Sources: API Reference, SsmParameterConfiguration, LaunchTemplateConfiguration; managed policy
AWSServiceRoleForImageBuilder. A launch template of another account gets the AMI of the source account (facts: AWS).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.cloud.call import Credentials
from local.cloud.image_builder.context import AWS_ERRORS, Context, reason_of
from local.cloud.image_builder.runs import Copy, Run

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Named:
    """What is to name the AMI of one account in a Region."""

    parameters: tuple[Settings, ...] = ()
    launch_templates: tuple[Settings, ...] = ()
    license_configurations: tuple[str, ...] = ()
    fast_launches: tuple[Settings, ...] = ()

    @staticmethod
    def of(entry: Settings, account: str, owner: str, first: bool) -> Named:
        """An account's part of a Region's settings; what is not an account's own goes with the `first` one.

        `owner` is the image's account, which settings without an account mean.
        """
        parameters = entry.get("ssmParameterConfigurations") or []
        return Named(
            tuple(one for one in parameters if one.get("amiAccountId", owner) == account),
            tuple(entry.get("launchTemplateConfigurations") or []) if first else (),
            tuple(entry.get("licenseConfigurationArns") or []),
            tuple(
                one
                for one in entry.get("fastLaunchConfigurations") or []
                if one["enabled"] and one.get("accountId", owner) == account
            ),
        )


@dataclass(frozen=True)
class Integration:
    """Works with the execution role in the image's account, and with the distribution role in others.

    `session` gives an account's credentials, or raises one of `AWS_ERRORS` with the copy's reason set.
    """

    context: Context
    run: Run
    role: Credentials
    session: Callable[[str, Copy], Credentials]
    log: Callable[[str], None]

    def apply(self, named: Named, copy: Copy) -> None:
        """Let everything name the copy; raises one of `AWS_ERRORS` with the copy's reason set."""
        copy.step = "ApplyImageConfigurations"
        for parameter in named.parameters:
            self._carry_out("SSM", copy, lambda one=parameter: self._parameter(one, copy))
        for template in named.launch_templates:
            self._carry_out("EC2", copy, lambda one=template: self._launch_template(one, copy))
        if named.license_configurations:
            self._carry_out("License Manager", copy, lambda: self._licenses(named.license_configurations, copy))
        for configuration in named.fast_launches:
            self._carry_out("EC2", copy, lambda one=configuration: self._fast_launch(one, copy))
        copy.integrated, copy.status, copy.reason = True, "AVAILABLE", None

    @staticmethod
    def _carry_out(service: str, copy: Copy, work: Callable[[], None]) -> None:
        try:
            work()
        except AWS_ERRORS as error:
            copy.reason = copy.reason or f"{service} Client Error: '{reason_of(error)}'"
            raise

    def _parameter(self, parameter: Settings, copy: Copy) -> None:
        name, kind = parameter["parameterName"], parameter.get("dataType") or "text"
        path = name if name.startswith("/") else f"/{name}"
        arn = f"arn:aws:ssm:{copy.region}:{copy.account}:parameter{path}"
        # The execution role must be allowed as well (User Guide, "Prerequisites for SSM output parameters").
        self.context.gateway.authorize(self.role, "ssm:PutParameter", arn, copy.region)
        if kind == "aws:ec2:image":
            self.context.gateway.authorize(self.role, "ec2:DescribeImages", "*", copy.region)
        client = self._client("ssm", copy.account, copy)
        client.put_parameter(Name=name, Value=copy.image_id, Type="String", DataType=kind, Overwrite=True)
        self.log(f"Parameter {name} of {copy.account} in {copy.region}: {copy.image_id}")

    def _launch_template(self, template: Settings, copy: Copy) -> None:
        account, template_id = template.get("accountId") or self.run.account, template["launchTemplateId"]
        ec2 = self._client("ec2", account, copy)
        (found,) = ec2.describe_launch_templates(LaunchTemplateIds=[template_id])["LaunchTemplates"]
        image = self._source_image(copy)
        made = ec2.create_launch_template_version(
            LaunchTemplateId=template_id,
            SourceVersion=str(found["DefaultVersionNumber"]),
            LaunchTemplateData={"ImageId": image},
        )
        version = str(made["LaunchTemplateVersion"]["VersionNumber"])
        if template.get("setDefaultVersion", True):
            ec2.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion=version)
        self.log(f"Launch template {template_id} of {account} in {copy.region}, version {version}: {image}")

    def _source_image(self, copy: Copy) -> str:
        source = self.run.copies.get((self.run.account, copy.region))
        return (source.image_id if source else None) or self.run.ami or ""

    def _licenses(self, configurations: tuple[str, ...], copy: Copy) -> None:
        self._client("license-manager", copy.account, copy).update_license_specifications_for_resource(
            ResourceArn=f"arn:aws:ec2:{copy.region}::image/{copy.image_id}",
            AddLicenseSpecifications=[{"LicenseConfigurationArn": arn} for arn in configurations],
        )

    def _fast_launch(self, configuration: Settings, copy: Copy) -> None:
        snapshots = (configuration.get("snapshotConfiguration") or {}).get("targetResourceCount")
        template = {
            {"launchTemplateVersion": "Version"}.get(key, key[0].upper() + key[1:]): value
            for key, value in (configuration.get("launchTemplate") or {}).items()
        }
        request = {
            "SnapshotConfiguration": {"TargetResourceCount": snapshots} if snapshots else None,
            "LaunchTemplate": template or None,
            "MaxParallelLaunches": configuration.get("maxParallelLaunches"),
        }
        stated = {name: value for name, value in request.items() if value is not None}
        self._client("ec2", copy.account, copy).enable_fast_launch(ImageId=copy.image_id, **stated)
        self.log(f"Fast launch of {copy.image_id} in {copy.region}")

    def _client(self, service: str, account: str, copy: Copy) -> Any:
        return self.context.gateway.client(service, copy.region, self.session(account, copy))
