"""A build from PENDING to the AMI in its targets, with the permissions that AWS would use.

Order of states, steps of the default workflows: User Guide, "Manage build and test workflows for Image Builder images".
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Credentials
from local.cloud.image_builder import recipes
from local.cloud.image_builder.build_log import BuildLog
from local.cloud.image_builder.component_work import ComponentFailure
from local.cloud.image_builder.contents import Contents
from local.cloud.image_builder.context import AWS_ERRORS, Context, reason_of
from local.cloud.image_builder.distribution import Distribution, DistributionFailure
from local.cloud.image_builder.instances import InstanceError
from local.cloud.image_builder.runs import Progress, Run, WorkflowFailure
from local.cloud.image_builder.workbench import Cancelled
from local.cloud.image_builder.workflow_documents import BUILD, TEST, WorkflowError
from local.cloud.image_builder.workflow_steps import BuildBench, WorkflowRun
from local.cloud.image_builder.workflows import find, values_of


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
        except (*AWS_ERRORS, InstanceError, WorkflowError) as error:
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
        profile = run.record["infrastructureConfiguration"]["instanceProfileName"]
        instance_role = self._context.profile_role(run.account, run.region, profile)
        parent = self._parent(role)
        self._progress.stop_if_cancelled()
        bench = BuildBench(
            context=self._context,
            contents=self._contents,
            run=run,
            progress=self._progress,
            log=self._log,
            client=self._client,
            credentials=self._role,
            instance_role=instance_role,
            parent=parent,
        )
        self._progress.change("BUILDING")
        self._workflows(BUILD, bench)
        if run.ami is None:
            raise InstanceError("The build workflows made no image.")
        tests = run.record["imageTestsConfiguration"]["imageTestsEnabled"]
        if tests and any(_is_of(entry, TEST) for entry in run.record["workflows"]):
            self._progress.change("TESTING")
            self._workflows(TEST, bench)
        self.distribute()

    def _workflows(self, kind: str, bench: BuildBench) -> None:
        """The workflows of a type in their order; those of a parallel group one after the other too."""
        for entry in self._run.record["workflows"]:
            if not _is_of(entry, kind):
                continue
            with self._context.store.lock:
                record = find(self._context.store.shelf(self._run.account, self._run.region), entry["workflowArn"])
            if record is None:
                raise InstanceError(f"The workflow '{entry['workflowArn']}' does not exist")
            try:
                WorkflowRun(bench, record, values_of(entry)).carry_out()
            except WorkflowFailure as failure:
                if entry.get("onFailure") != "CONTINUE":
                    raise
                self._log.write(f"{failure}; the image goes on")

    def distribute(self) -> None:
        """Distribution and parameters, from the AMI of the build."""
        for workflow in self._run.workflows:
            workflow.retried = workflow.retried or (workflow.type == "DISTRIBUTION" and workflow.status == "FAILED")
        role = self._role()
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

    def _client(self, service: str, credentials: Credentials | None = None) -> Any:
        """A client of a role's credentials, of the execution role's by default."""
        return self._context.gateway.client(service, self._run.region, credentials or self._role())

    def _role(self) -> Credentials:
        return self._credentials or self._assume()

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

    def _notify(self) -> None:
        topic = self._run.record["infrastructureConfiguration"].get("snsTopicArn")
        if topic and self._credentials:
            state = self._run.record["state"]["status"]
            try:
                self._client("sns", self._credentials).publish(TopicArn=topic, Message=f"{self._run.arn} is {state}")
            except ClientError as error:
                self._log.write(f"The topic could not be told: {reason_of(error)}")
                self._log.flush()


def _is_of(entry: Mapping[str, Any], kind: str) -> bool:
    return f":workflow/{kind.lower()}/" in entry["workflowArn"]
