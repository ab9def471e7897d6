"""A build from PENDING to the AMI in its targets, with the permissions that AWS would use.

Order of states, steps of the default workflows: User Guide, "Manage build and test workflows for Image Builder images".
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Credentials
from local.cloud.image_builder import instance_metadata, recipes
from local.cloud.image_builder.build_log import BuildLog
from local.cloud.image_builder.component_work import ComponentFailure, ComponentWork, upload_log
from local.cloud.image_builder.contents import Contents
from local.cloud.image_builder.context import AWS_ERRORS, Context, reason_of
from local.cloud.image_builder.distribution import Distribution, DistributionFailure, in_place, targets_of
from local.cloud.image_builder.instances import InstanceError, Instances
from local.cloud.image_builder.machine import Machine
from local.cloud.image_builder.runs import Progress, Run, WorkflowExecution, WorkflowFailure
from local.cloud.image_builder.store import timestamp
from local.cloud.image_builder.workbench import Cancelled

BUILD_WORKFLOW = "build/build-image/1.0.2/1"
TEST_WORKFLOW = "test/test-image/1.0.1/1"
"""Amazon's default workflows by the last part of their ARNs (User Guide, "Use managed workflows")."""


class Builder:
    """Carries out runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._contents = Contents(context.work)

    def build(self, run: Run) -> None:
        """Build, test and distribute an image; ends in one of the end states, never with an exception."""
        _Job(self._context, self._contents, run).guarded(lambda job: job.build())

    def distribute(self, run: Run) -> None:
        """Repeat what is missing of a distribution."""
        _Job(self._context, self._contents, run).guarded(lambda job: job.distribute())


class _Job:
    """One pass of one run."""

    def __init__(self, context: Context, contents: Contents, run: Run) -> None:
        self._context = context
        self._contents = contents
        self._run = run
        self._progress = Progress(context, run)
        version, build = run.arn.split("/")[-2:]
        group = run.record["loggingConfiguration"]["logGroupName"]
        self._log = BuildLog(group, f"{version}/{build}", context.gateway.clock)
        self._credentials: Credentials | None = None

    def guarded(self, work: Callable[[_Job], None]) -> None:
        """Do the work and put every way it can end into the image's state."""
        try:
            work(self)
        except Cancelled:
            self._end("CANCELLED", "The image creation was cancelled.", None)
        except WorkflowFailure as failure:
            context = {
                "imageStatus": self._run.record["state"]["status"],
                "workflowExecutionId": failure.workflow.id,
                "workflowArn": failure.workflow.arn,
                "stepExecutionId": failure.step.id,
                "failedStep": failure.step.name,
                **(failure.cause.context if isinstance(failure.cause, ComponentFailure | DistributionFailure) else {}),
            }
            reason = str(failure.cause) if isinstance(failure.cause, DistributionFailure) else str(failure)
            self._end("FAILED", reason, context)
        except (*AWS_ERRORS, InstanceError) as error:
            self._end("FAILED", reason_of(error), None)
        except Exception as error:
            traceback.print_exc()
            self._end("FAILED", f"Internal error of the local cloud: {error!r}", None)

    def _end(self, status: str, reason: str | None, failure: dict[str, Any] | None) -> None:
        self._log.write(f"Image {self._run.arn} is {status}{f': {reason}' if reason else ''}")
        self._log.flush()
        self._progress.change(status, reason, failure)
        self._notify()

    def build(self) -> None:
        """Everything up to the AMI, then its distribution."""
        run = self._run
        self._progress.change("CREATING")
        role = self._assume()
        infrastructure = run.record["infrastructureConfiguration"]
        profile = infrastructure["instanceProfileName"]
        instance_role = self._context.profile_role(run.account, run.region, profile)
        instances = Instances(self._client("ec2", role), run.cancelled, run.arn)
        parent = self._parent(role)
        self._progress.stop_if_cancelled()
        self._progress.change("BUILDING")
        with self._progress.workflow("BUILD", BUILD_WORKFLOW) as workflow:
            self._build_image(workflow, instances, parent, instance_role)
        if run.record["imageTestsConfiguration"]["imageTestsEnabled"]:
            self._progress.change("TESTING")
            with self._progress.workflow("TEST", TEST_WORKFLOW) as workflow:
                self._test_image(workflow, instances, instance_role)
        self.distribute()

    def distribute(self) -> None:
        """Distribution and parameters, from the AMI of the build."""
        for workflow in self._run.workflows:
            workflow.retried = workflow.retried or (workflow.type == "DISTRIBUTION" and workflow.status == "FAILED")
        role = self._credentials or self._assume()
        if self._run.record["state"]["status"] != "DISTRIBUTING":
            self._progress.change("DISTRIBUTING")
        Distribution(self._context, self._contents, self._run, self._progress, role, self._log.write).carry_out()
        self._end("AVAILABLE", None, None)

    def _assume(self) -> Credentials:
        run = self._run
        credentials = self._context.assume(run.account, run.record["executionRole"], run.arn)
        self._credentials = credentials
        self._log.hide(credentials)
        self._log.use(lambda: self._client("logs", credentials))
        return credentials

    def _client(self, service: str, credentials: Credentials) -> Any:
        return self._context.gateway.client(service, self._run.region, credentials)

    def _parent(self, role: Credentials) -> dict[str, Any]:
        """The parent image as EC2 describes it to the role that launches from it."""
        run = self._run
        reference: str = run.record["imageRecipe"]["parentImage"]
        image_id = reference
        if reference.startswith("ssm:"):
            name = reference.removeprefix("ssm:")
            image_id = self._client("ssm", role).get_parameter(Name=name)["Parameter"]["Value"]
        elif not reference.startswith("ami-"):
            image_id = self._image_output(reference)
        found: list[dict[str, Any]] = self._client("ec2", role).describe_images(ImageIds=[image_id])["Images"]
        if not found:
            raise InstanceError(f"The image id '[{image_id}]' does not exist")
        platform = "Windows" if str(found[0].get("Platform", "")).lower() == "windows" else "Linux"
        if platform != run.record["platform"]:
            raise InstanceError(
                f"The parent image {image_id} is for {platform}, the recipe for {run.record['platform']}"
            )
        self._log.write(f"Parent image {image_id} ({found[0].get('Name', '')})")
        return found[0]

    def _image_output(self, reference: str) -> str:
        run = self._run
        with self._context.store.lock:
            parent = recipes.find_image(self._context.store.shelf(run.account, run.region), reference)
        for ami in (parent or {}).get("outputResources", {}).get("amis", []):
            if ami["region"] == run.region and ami["accountId"] == run.account and ami.get("image"):
                return ami["image"]
        raise InstanceError(f"The image '{reference}' has no AMI in {run.region}")

    def _build_image(
        self, workflow: WorkflowExecution, instances: Instances, parent: dict[str, Any], instance_role: str
    ) -> None:
        run, step = self._run, self._progress.step
        recipe, infrastructure = run.record["imageRecipe"], run.record["infrastructureConfiguration"]
        with step(workflow, "LaunchBuildInstance", "LaunchInstance"):
            name = f"Build instance for {recipe['name']}"
            devices = recipe.get("blockDeviceMappings") or []
            extra: dict[str, Any] = recipe.get("additionalInstanceConfiguration") or {}
            instance = instances.launch(parent["ImageId"], name, infrastructure, devices, extra.get("userDataOverride"))
        machine = self._contents.boot(instance, run.record["platform"], parent["ImageId"], parent.get("Name", ""))
        instance_metadata.lay_out(machine.folder, instances.describe(instance), run.region)
        succeeded = False
        try:
            self._log.write(f"Build instance {instance} from {parent['ImageId']}")
            with step(workflow, "ApplyBuildComponents", "ExecuteComponents") as applied:
                self._command(instance)
                made = self._components(machine, instance, instance_role, ("build", "validate"))
                applied.message = f"{len(made)} commands recorded, not executed" if made else ""
            with step(workflow, "InventoryCollection", "CollectImageMetadata"):
                self._collect(machine)
            if (extra.get("systemsManagerAgent") or {}).get("uninstallAfterBuild"):
                self._log.write("recorded, not executed: removal of the Systems Manager agent")
            with step(workflow, "CreateOutputAMI", "CreateImage"):
                self._create_ami(instances, instance, machine)
            succeeded = True
        finally:
            self._log.use(lambda: self._client("logs", self._credentials or self._assume()))
            if succeeded or infrastructure.get("terminateInstanceOnFailure", True) or run.cancelled.is_set():
                self._terminate(workflow, "TerminateBuildInstance", instances, instance, machine)

    def _create_ami(self, instances: Instances, instance: str, machine: Machine) -> None:
        run = self._run
        instances.stop(instance)
        run.date = timestamp(self._context.gateway.clock.now()).replace(":", "-")
        target = next((found for found in targets_of(run) if in_place(run, found)), None)
        recipe = run.record["imageRecipe"]
        tags = {**recipe.get("amiTags", {}), **(target.tags(run) if target else {})}
        run.ami_name = target.image_name(run) if target else f"{recipe['name']} {run.date}"
        description = target.description if target else recipe.get("description")
        run.ami = instances.create_image(instance, run.ami_name, description, tags)
        self._contents.keep(machine, run.ami)
        self._log.write(f"Image {run.ami} ({run.ami_name}) of {instance}")

    def _test_image(self, workflow: WorkflowExecution, instances: Instances, instance_role: str) -> None:
        run, step = self._run, self._progress.step
        infrastructure = run.record["infrastructureConfiguration"]
        image = run.ami or ""
        with step(workflow, "LaunchTestInstance", "LaunchInstance"):
            name = f"Test instance for {run.record['name']}"
            instance = instances.launch(image, name, infrastructure, [])
        machine = self._contents.boot(instance, run.record["platform"], image, run.ami_name or "")
        instance_metadata.lay_out(machine.folder, instances.describe(instance), run.region)
        try:
            self._log.write(f"Test instance {instance} from {image}")
            with step(workflow, "ApplyTestComponents", "ExecuteComponents"):
                self._command(instance)
                self._components(machine, instance, instance_role, ("test",))
        finally:
            self._log.use(lambda: self._client("logs", self._credentials or self._assume()))
            self._terminate(workflow, "TerminateTestInstance", instances, instance, machine)

    def _components(self, machine: Machine, instance: str, role: str, phases: tuple[str, ...]) -> list[str]:
        run = self._run
        try:
            return ComponentWork(self._context, run, self._log).apply(machine, instance, role, phases)
        finally:
            settings = run.record["infrastructureConfiguration"]
            if (settings.get("logging") or {}).get("s3Logs"):
                credentials = self._context.gateway.assume_service_role(role, "ec2.amazonaws.com", instance)
                problem = upload_log(self._client("s3", credentials), settings, run, self._log.lines)
                if problem:
                    self._log.write(f"The log could not be uploaded: {problem}")

    def _command(self, instance: str) -> None:
        """The right to command the instance through Systems Manager, which is how AWS starts AWSTOE."""
        run, credentials = self._run, self._credentials or self._assume()
        windows = run.record["platform"] == "Windows"
        document = "AWS-RunPowerShellScript" if windows else "AWS-RunShellScript"
        authorize, tag = self._context.gateway.authorize, {"CreatedBy": "EC2 Image Builder"}
        context = {
            f"{prefix}/{key}": value for prefix in ("ssm:resourceTag", "aws:ResourceTag") for key, value in tag.items()
        }
        authorize(credentials, "ssm:SendCommand", f"arn:aws:ssm:{run.region}::document/{document}", run.region)
        place = f"arn:aws:ec2:{run.region}:{run.account}:instance/{instance}"
        authorize(credentials, "ssm:SendCommand", place, run.region, context)

    def _collect(self, machine: Machine) -> None:
        release = machine.tree / "etc" / "os-release"
        if release.is_file():
            pairs = (line.partition("=") for line in release.read_text(encoding="utf-8").splitlines())
            values = {key: value.strip('"') for key, _, value in pairs}
            with self._context.store.lock:
                name = f"{values.get('NAME', 'Linux')} {values.get('VERSION', '')}".strip()
                self._run.record["osVersion"] = name

    def _terminate(
        self, workflow: WorkflowExecution, name: str, instances: Instances, instance: str, machine: Machine
    ) -> None:
        # Outside `step`: it must happen after a cancellation too, and must not hide why the build failed.
        try:
            instances.terminate(instance)
        except ClientError as error:
            self._log.write(f"{name}: {reason_of(error)}")
        finally:
            machine.discard()
        self._log.write(f"{name}: {instance} terminated ({workflow.id})")

    def _notify(self) -> None:
        topic = self._run.record["infrastructureConfiguration"].get("snsTopicArn")
        if topic and self._credentials:
            state = self._run.record["state"]["status"]
            try:
                self._client("sns", self._credentials).publish(TopicArn=topic, Message=f"{self._run.arn} is {state}")
            except ClientError as error:
                self._log.write(f"The topic could not be told: {reason_of(error)}")
                self._log.flush()
