"""Distribution: copies of the build's AMI in the targets, by the role there, and the parameters that name them.

Every target is tried, also after one was refused; what was made stays, and a retry makes only what is missing. The AMI
in the build Region stays too, in the build account alone: AWS does not say what becomes of it where the build Region is
no target, and RetryImage needs it. Targets see it while they copy, and no longer afterwards.
Source: User Guide, "Set up cross-account AMI distribution with Image Builder"; wording of failures from issue threads
("Not all distribution jobs are completed. 1) …").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.cloud.call import Credentials
from local.cloud.image_builder.contents import Contents
from local.cloud.image_builder.context import AWS_ERRORS, Context, reason_of
from local.cloud.image_builder.instances import InstanceError, Instances, wait_for_image
from local.cloud.image_builder.runs import Copy, Progress, Run

ROLE = "EC2ImageBuilderDistributionCrossAccountRole"
"""The role's fixed name in each target account."""

WORKFLOW = "distribution/distribute-image/1.0.0/1"


class DistributionFailure(RuntimeError):  # noqa: N818 - AWS's word
    """Not all targets have the image; `context` is the image state's failureContext."""

    def __init__(self, failed: list[Copy], source_account: str) -> None:
        reasons = [
            f"{number}) {copy.reason} when distributing the image from the source account (ID: {source_account}) "
            f"to the destination account (ID: {copy.account}) in Region {copy.region}."
            for number, copy in enumerate(failed, 1)
        ]
        message = f"Not all distribution jobs are completed. {' '.join(reasons)}"
        super().__init__(message)
        failures = [
            {
                "region": copy.region,
                "status": copy.status,
                "imageConfigurationStep": copy.step,
                "errorMessage": copy.reason or "",
                "targetAccountId": copy.account,
            }
            for copy in failed
        ]
        self.context = {"distributionFailure": {"errorMessage": message, "regionFailures": failures}}


@dataclass(frozen=True)
class Target:
    """An account in a Region that the image goes to, with that Region's settings."""

    account: str
    region: str
    settings: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...] = ()
    fast_launches: tuple[Mapping[str, Any], ...] = ()

    @property
    def key(self) -> str | None:
        """The KMS key of the Region."""
        return self.settings.get("kmsKeyId")

    def tags(self, run: Run) -> dict[str, str]:
        """Tags of the AMI, their variables filled in."""
        return {key: _filled(value, run) for key, value in (self.settings.get("amiTags") or {}).items()}

    @property
    def description(self) -> str | None:
        """Description of the AMI."""
        return self.settings.get("description")

    def image_name(self, run: Run) -> str:
        """Name of the AMI, its variables filled in."""
        pattern = self.settings.get("name") or f"{run.record['name']} {{{{ imagebuilder:buildDate }}}}"
        return _filled(pattern, run)


def _filled(pattern: str, run: Run) -> str:
    version, build = run.arn.split("/")[-2:]
    values = {"imagebuilder:buildDate": run.date or "", "imagebuilder:buildVersion": f"{version}-{build}"}
    return re.sub(r"\{\{\s*([^}]*?)\s*\}\}", lambda match: values.get(match[1], match[0]), pattern)


def targets_of(run: Run) -> list[Target]:
    """Where an image goes; without a distribution configuration, its own account and Region."""
    configuration = run.record.get("distributionConfiguration")
    if not configuration:
        return [Target(run.account, run.region, {})]
    return [
        Target(
            account,
            entry["region"],
            entry.get("amiDistributionConfiguration") or {},
            tuple(
                parameter
                for parameter in entry.get("ssmParameterConfigurations") or []
                if parameter.get("amiAccountId", run.account) == account
            ),
            tuple(
                configuration
                for configuration in entry.get("fastLaunchConfigurations") or []
                if configuration["enabled"] and configuration.get("accountId", run.account) == account
            ),
        )
        for entry in configuration["distributions"]
        for account in (entry.get("amiDistributionConfiguration") or {}).get("targetAccountIds") or [run.account]
    ]


def in_place(run: Run, target: Target) -> bool:
    """Whether the AMI of the build already is what a target wants: own account, build Region and the same key."""
    devices = run.record["imageRecipe"].get("blockDeviceMappings") or []
    keys = {device["ebs"]["kmsKeyId"] for device in devices if (device.get("ebs") or {}).get("kmsKeyId")}
    same_key = target.key is None or keys == {target.key}
    return (target.account, target.region) == (run.account, run.region) and same_key


class Distribution:
    """One pass of a run's distribution."""

    def __init__(
        self,
        context: Context,
        contents: Contents,
        run: Run,
        progress: Progress,
        role: Credentials,
        log: Callable[[str], None],
    ) -> None:
        self._context = context
        self._contents = contents
        self._run = run
        self._progress = progress
        self._role = role
        self._log = log
        self._ec2 = context.gateway.client("ec2", run.region, role)
        self._sessions: dict[str, Credentials] = {}

    def carry_out(self) -> None:
        """Copy to all targets that lack the image, then set the parameters of all that have it.

        Raises:
            WorkflowFailure: Its cause is a `DistributionFailure` where a target was refused.
        """
        run = self._run
        targets = targets_of(run)
        for target in targets:
            copy = Copy(target.account, target.region, target.image_name(run), target.description)
            run.copies.setdefault((target.account, target.region), copy)
        with self._progress.workflow("DISTRIBUTION", WORKFLOW) as workflow:
            refused: list[Copy] = []
            try:
                with self._progress.step(workflow, "DistributeImage", "DistributeImage"):
                    refused = self._each(targets, lambda copy: copy.image_id is None, self._copy)
                    if len(refused) == len(run.copies):
                        raise DistributionFailure(refused, run.account)
            finally:
                self._withdraw(targets)
            self._progress.change("INTEGRATING")
            with self._progress.step(workflow, "ApplyImageConfigurations", "ApplyImageConfigurations"):
                self._each(targets, lambda copy: bool(copy.image_id) and not copy.integrated, self._integrate)
                failed = [copy for copy in run.copies.values() if copy.status != "AVAILABLE"]
                if failed:
                    raise DistributionFailure(failed, run.account)

    def _each(
        self, targets: list[Target], wanted: Callable[[Copy], bool], work: Callable[[Target, Copy], None]
    ) -> list[Copy]:
        refused: list[Copy] = []
        for target in targets:
            self._progress.stop_if_cancelled()
            copy = self._run.copies[(target.account, target.region)]
            if not wanted(copy):
                continue
            try:
                work(target, copy)
            except (*AWS_ERRORS, InstanceError) as error:
                copy.status = "FAILED"
                copy.reason = copy.reason or f"{copy.step}: '{reason_of(error)}'"
                refused.append(copy)
                self._log(f"Target {target.account} in {target.region}: {copy.reason}")
            self._publish()
        return refused

    def _copy(self, target: Target, copy: Copy) -> None:
        run = self._run
        copy.reason, copy.step, copy.status = None, "DistributeImage", "CREATING"
        if in_place(run, target):
            copy.image_id = run.ami
            self._permit(self._ec2, target, run.ami or "")
        else:
            client = self._context.gateway.client("ec2", target.region, self._session(target, copy))
            if target.account != run.account:
                self._share(target, copy)
            image_id = self._request_copy(client, target, copy)
            try:
                wait_for_image(client, image_id, run.cancelled)
            except InstanceError as error:
                copy.reason = f"AMI Copy Reported Failure For '{image_id}' ({error})"
                raise
            self._contents.copied(run.ami or "", image_id)
            self._permit(client, target, image_id)
            copy.image_id = image_id
        copy.status = "AVAILABLE"
        self._log(f"Target {target.account} in {target.region}: {copy.image_id}")

    def _session(self, target: Target, copy: Copy) -> Credentials:
        run = self._run
        if target.account == run.account:
            return self._role
        if target.account not in self._sessions:
            arn = f"arn:aws:iam::{target.account}:role/{ROLE}"
            try:
                self._sessions[target.account] = self._context.gateway.assume_role(self._role, arn, "ImageBuilder")
            except AWS_ERRORS as error:
                copy.reason = f"STS Client Error: '{reason_of(error)}'"
                raise
        return self._sessions[target.account]

    def _share(self, target: Target, copy: Copy) -> None:
        account = {"UserId": target.account}
        try:
            self._ec2.modify_image_attribute(ImageId=self._run.ami, LaunchPermission={"Add": [account]})
            for snapshot in self._snapshots():
                permission = {"Add": [account]}
                self._ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission=permission)
        except AWS_ERRORS as error:
            copy.reason = f"EC2 Client Error: '{reason_of(error)}'"
            raise

    def _snapshots(self) -> list[str]:
        image: dict[str, Any] = self._ec2.describe_images(ImageIds=[self._run.ami])["Images"][0]
        devices: list[dict[str, Any]] = image.get("BlockDeviceMappings", [])
        return [device["Ebs"]["SnapshotId"] for device in devices if device.get("Ebs", {}).get("SnapshotId")]

    def _request_copy(self, client: Any, target: Target, copy: Copy) -> str:
        run = self._run
        tags = Instances(client, run.cancelled, run.arn).tags(target.tags(run))
        request: dict[str, Any] = {
            "Name": copy.name,
            "SourceImageId": run.ami,
            "SourceRegion": run.region,
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")],
        }
        if target.description:
            request["Description"] = target.description
        if target.key:
            request |= {"Encrypted": True, "KmsKeyId": target.key}
        try:
            return client.copy_image(**request)["ImageId"]
        except AWS_ERRORS as error:
            copy.reason = f"EC2 Client Error: '{reason_of(error)}'"
            raise

    @staticmethod
    def _permit(client: Any, target: Target, image_id: str) -> None:
        wanted: Mapping[str, Any] = target.settings.get("launchPermission") or {}
        names = {
            "userIds": "UserId",
            "userGroups": "Group",
            "organizationArns": "OrganizationArn",
            "organizationalUnitArns": "OrganizationalUnitArn",
        }
        added = [{names[kind]: value} for kind, values in wanted.items() for value in values or []]
        if added:
            client.modify_image_attribute(ImageId=image_id, LaunchPermission={"Add": added})

    def _withdraw(self, targets: list[Target]) -> None:
        """End the sharing that copying needed, except with accounts that may launch from this very AMI."""
        run = self._run
        own = next((target for target in targets if in_place(run, target)), None)
        kept = set((own.settings.get("launchPermission") or {}).get("userIds") or []) if own else set[str]()
        others = sorted({target.account for target in targets} - {run.account} - kept)
        if not others:
            return
        removed = [{"UserId": account} for account in others]
        try:
            self._ec2.modify_image_attribute(ImageId=run.ami, LaunchPermission={"Remove": removed})
            for snapshot in self._snapshots():
                permission = {"Remove": removed}
                self._ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission=permission)
        except AWS_ERRORS as error:
            self._log(f"The build's AMI stays shared with its targets: {reason_of(error)}")

    def _integrate(self, target: Target, copy: Copy) -> None:
        copy.step = "ApplyImageConfigurations"
        for configuration in target.fast_launches:
            self._enable_fast_launch(target, copy, configuration)
        self._set_parameters(target, copy)
        copy.integrated, copy.status, copy.reason = True, "AVAILABLE", None

    def _enable_fast_launch(self, target: Target, copy: Copy, configuration: Mapping[str, Any]) -> None:
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
        client = self._context.gateway.client("ec2", target.region, self._session(target, copy))
        try:
            stated = {name: value for name, value in request.items() if value is not None}
            client.enable_fast_launch(ImageId=copy.image_id, **stated)
        except AWS_ERRORS as error:
            copy.reason = f"EC2 Client Error: '{reason_of(error)}'"
            raise
        self._log(f"Fast launch of {copy.image_id} in {target.region}")

    def _set_parameters(self, target: Target, copy: Copy) -> None:
        for parameter in target.parameters:
            name, kind = parameter["parameterName"], parameter.get("dataType") or "text"
            path = name if name.startswith("/") else f"/{name}"
            arn = f"arn:aws:ssm:{target.region}:{target.account}:parameter{path}"
            try:
                # The execution role must be allowed as well (User Guide, "Prerequisites for SSM output parameters").
                self._context.gateway.authorize(self._role, "ssm:PutParameter", arn, target.region)
                if kind == "aws:ec2:image":
                    self._context.gateway.authorize(self._role, "ec2:DescribeImages", "*", target.region)
                client = self._context.gateway.client("ssm", target.region, self._session(target, copy))
                client.put_parameter(Name=name, Value=copy.image_id, Type="String", DataType=kind, Overwrite=True)
            except AWS_ERRORS as error:
                copy.reason = f"SSM Client Error: '{reason_of(error)}'"
                raise
            self._log(f"Parameter {name} of {target.account} in {target.region}: {copy.image_id}")

    def _publish(self) -> None:
        with self._context.store.lock:
            self._run.record["outputResources"]["amis"] = [
                _output(copy) for copy in self._run.copies.values() if copy.status != "PENDING"
            ]


def _output(copy: Copy) -> dict[str, Any]:
    state = {"status": copy.status, **({"reason": copy.reason[:1024]} if copy.reason else {})}
    output: dict[str, Any] = {"region": copy.region, "name": copy.name, "accountId": copy.account, "state": state}
    if copy.description:
        output["description"] = copy.description
    return {**output, "image": copy.image_id} if copy.image_id else output
