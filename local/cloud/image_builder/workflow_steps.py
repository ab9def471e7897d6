"""A workflow at work: its steps one after the other, and what is cleaned up where they end early.

Source: Image Builder User Guide, "Supported step actions for your workflow document".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Credentials
from local.cloud.image_builder import instance_metadata
from local.cloud.image_builder.build_log import BuildLog
from local.cloud.image_builder.component_work import ComponentWork, upload_log
from local.cloud.image_builder.contents import Contents
from local.cloud.image_builder.context import Context, reason_of
from local.cloud.image_builder.distribution import in_place, targets_of
from local.cloud.image_builder.instances import Instances, wait
from local.cloud.image_builder.machine import Machine
from local.cloud.image_builder.runs import Progress, Run, StepExecution, WorkflowExecution, WorkflowFailure
from local.cloud.image_builder.scan_findings import collect_findings
from local.cloud.image_builder.store import Record, timestamp
from local.cloud.image_builder.workflow_documents import BUILD, WorkflowError, WorkflowStep, parse
from local.cloud.image_builder.workflow_scope import WorkflowScope, parameter_values

INPUT_MAXIMUM = 16 * 1024
"""Bytes of a state machine's input."""

HEALTH_CHECKS = ("RUNNING", "STATUS_CHECK_PASSED")
PHASES: Mapping[str, Sequence[str]] = {BUILD: ("build", "validate"), "TEST": ("test",)}


@dataclass(frozen=True)
class BuildBench:
    """What the steps of a run's workflows share."""

    context: Context
    contents: Contents
    run: Run
    progress: Progress
    log: BuildLog
    client: Callable[..., Any]
    """A client of a service by its name, with the execution role's credentials or given ones."""
    credentials: Callable[[], Credentials]
    """The execution role's credentials."""
    instance_role: str
    """ARN."""
    parent: Mapping[str, Any]
    """The parent image, as EC2 describes it."""


@dataclass
class WorkflowRun:
    """One workflow of a run."""

    bench: BuildBench
    record: Record
    values: Mapping[str, Sequence[str]]
    _machines: dict[str, Machine] = field(default_factory=dict[str, Machine], init=False)
    """Instances that this workflow launched and has not terminated."""

    def carry_out(self) -> None:
        """Run the steps; raises `WorkflowFailure` for the first one that fails and aborts, and `Cancelled`."""
        bench, kind = self.bench, self.record["type"]
        document = parse(self.record["data"], kind)
        actions = {
            "CollectImageMetadata": self._collect_metadata,
            "CollectImageScanFindings": self._collect_findings,
            "CreateImage": self._create_image,
            "ExecuteComponents": self._execute_components,
            "ExecuteStateMachine": self._execute_state_machine,
            "LaunchInstance": self._launch,
            "TerminateInstance": self._terminate,
        }
        ended = False
        with bench.progress.executing(kind, self.record["arn"]) as execution:
            try:
                scope = WorkflowScope(parameter_values(document.parameters, self.values), self._system())
                for step in document.steps:
                    self._step(execution, step, scope, actions[step.action])
                ended = True
            finally:
                bench.log.use(lambda: bench.client("logs"))
                if not ended:
                    self._roll_back(execution)

    def _step(
        self,
        execution: WorkflowExecution,
        step: WorkflowStep,
        scope: WorkflowScope,
        action: Callable[[WorkflowStep, Mapping[str, Any], StepExecution], Mapping[str, Any]],
    ) -> None:
        progress = self.bench.progress
        progress.stop_if_cancelled()
        if step.condition is not None and not scope.holds(step.condition):
            progress.skip(execution, step.name, step.action)
            return
        try:
            with progress.step(execution, step.name, step.action) as shown:
                shown.inputs = scope.resolved(step.inputs)
                shown.outputs = action(step, shown.inputs, shown)
                scope.outputs[step.name] = shown.outputs
        except WorkflowFailure as failure:
            if step.aborts:
                raise
            self.bench.log.write(f"{step.name}: {reason_of(failure.cause)}; the workflow goes on")

    def _system(self) -> dict[str, Any]:
        """System variables (User Guide, "Use Image Builder system variables")."""
        run = self.bench.run
        infrastructure, recipe = run.record["infrastructureConfiguration"], run.record["imageRecipe"]
        version, build = run.arn.split("/")[-2:]
        return {
            "cloudWatchLogGroup": run.record["loggingConfiguration"]["logGroupName"],
            "cloudWatchLogStream": f"{version}/{build}",
            "collectImageMetadata": run.record["enhancedImageMetadataEnabled"],
            "collectImageScanFindings": scanning(run.record),
            "imageBuildNumber": int(build),
            "imageId": self.bench.parent["ImageId"],
            "imageName": run.record["name"],
            "imageType": run.record["type"],
            "imageVersionNumber": version,
            "instanceProfileName": infrastructure["instanceProfileName"],
            "platform": run.record["platform"],
            "securityGroups": infrastructure.get("securityGroupIds") or [],
            "sourceImageARN": run.arn,
            "subnetId": infrastructure.get("subnetId") or "",
            "terminateInstanceOnFailure": infrastructure.get("terminateInstanceOnFailure", True),
            "workflowPhase": self.record["type"].title(),
            "workingDirectory": recipe.get("workingDirectory") or "/tmp",
        }

    @property
    def _instances(self) -> Instances:
        run = self.bench.run
        return Instances(self.bench.client("ec2"), run.cancelled, run.arn)

    def _machine(self, inputs: Mapping[str, Any]) -> tuple[str, Machine]:
        instance = str(inputs["instanceId"])
        if instance not in self._machines:
            raise WorkflowError(f"The instance '{instance}' is none that this workflow launched and that still runs.")
        return instance, self._machines[instance]

    def _launch(self, _step: WorkflowStep, inputs: Mapping[str, Any], _shown: StepExecution) -> Mapping[str, Any]:
        run, building = self.bench.run, self.record["type"] == BUILD
        if inputs["waitFor"] != "ssmAgent":
            raise WorkflowError(f"waitFor takes ssmAgent only, not '{inputs['waitFor']}'.")
        if inputs.get("healthCheck", HEALTH_CHECKS[0]) not in HEALTH_CHECKS:
            raise WorkflowError(f"healthCheck '{inputs['healthCheck']}' is none of {', '.join(HEALTH_CHECKS)}.")
        for override in ("imageIdOverride", "instanceTypesOverride"):
            if override in inputs:
                raise WorkflowError(f"The local cloud does not do the input {override} of LaunchInstance.")
        recipe, infrastructure = run.record["imageRecipe"], run.record["infrastructureConfiguration"]
        extra: dict[str, Any] = recipe.get("additionalInstanceConfiguration") or {}
        devices = (recipe.get("blockDeviceMappings") or []) if building else []
        image, image_name = str(self.bench.parent["ImageId"]), str(self.bench.parent.get("Name", ""))
        if not building:
            image, image_name = run.ami or "", run.ami_name or ""
        stage = "Build" if building else "Test"
        name = f"{stage} instance for {recipe['name']}"
        user_data = extra.get("userDataOverride") if building else None
        instance = self._instances.launch(image, name, infrastructure, devices, user_data)
        machine = self.bench.contents.boot(instance, run.record["platform"], image, image_name)
        self._machines[instance] = machine
        instance_metadata.lay_out(machine.folder, self._instances.describe(instance), run.region)
        self.bench.log.write(f"{stage} instance {instance} from {image}")
        return {"instanceId": instance}

    def _execute_components(
        self, _step: WorkflowStep, inputs: Mapping[str, Any], shown: StepExecution
    ) -> Mapping[str, Any]:
        bench, run = self.bench, self.bench.run
        instance, machine = self._machine(inputs)
        self._command(instance)
        try:
            work = ComponentWork(bench.context, run, bench.log)
            made = work.apply(machine, instance, bench.instance_role, PHASES[self.record["type"]])
        finally:
            settings = run.record["infrastructureConfiguration"]
            if (settings.get("logging") or {}).get("s3Logs"):
                role = bench.instance_role
                credentials = bench.context.gateway.assume_service_role(role, "ec2.amazonaws.com", instance)
                problem = upload_log(bench.client("s3", credentials), settings, run, bench.log.lines)
                if problem:
                    bench.log.write(f"The log could not be uploaded: {problem}")
        shown.message = f"{len(made)} commands recorded, not executed" if made else ""
        return {"status": "Success"}

    def _command(self, instance: str) -> None:
        """The right to command the instance through Systems Manager, which is how AWS starts AWSTOE."""
        run, client = self.bench.run, self.bench.context.gateway
        windows = run.record["platform"] == "Windows"
        document = "AWS-RunPowerShellScript" if windows else "AWS-RunShellScript"
        tag = {"CreatedBy": "EC2 Image Builder"}
        context = {
            f"{prefix}/{key}": value for prefix in ("ssm:resourceTag", "aws:ResourceTag") for key, value in tag.items()
        }
        credentials = self.bench.credentials()
        document_arn = f"arn:aws:ssm:{run.region}::document/{document}"
        client.authorize(credentials, "ssm:SendCommand", document_arn, run.region)
        place = f"arn:aws:ec2:{run.region}:{run.account}:instance/{instance}"
        client.authorize(credentials, "ssm:SendCommand", place, run.region, context)

    def _collect_metadata(
        self, _step: WorkflowStep, inputs: Mapping[str, Any], _shown: StepExecution
    ) -> Mapping[str, Any]:
        _, machine = self._machine(inputs)
        release = machine.tree / "etc" / "os-release"
        if not release.is_file():
            return {}
        pairs = (line.partition("=") for line in release.read_text(encoding="utf-8").splitlines())
        values = {key: value.strip('"') for key, _, value in pairs}
        name = f"{values.get('NAME', 'Linux')} {values.get('VERSION', '')}".strip()
        with self.bench.context.store.lock:
            self.bench.run.record["osVersion"] = name
        return {"osVersion": name}

    def _collect_findings(
        self, _step: WorkflowStep, inputs: Mapping[str, Any], _shown: StepExecution
    ) -> Mapping[str, Any]:
        instance, _ = self._machine(inputs)
        self._command(instance)
        if not scanning(self.bench.run.record):
            raise WorkflowError("Image scanning is not enabled for this image.")
        with_role = self.bench.client("inspector2")
        found = collect_findings(self.bench.context, self.bench.run, instance, with_role)
        return {"status": "Success", "output": f"{found} findings"}

    def _create_image(self, _step: WorkflowStep, inputs: Mapping[str, Any], _shown: StepExecution) -> Mapping[str, Any]:
        run, log = self.bench.run, self.bench.log
        instance, machine = self._machine(inputs)
        recipe = run.record["imageRecipe"]
        extra: dict[str, Any] = recipe.get("additionalInstanceConfiguration") or {}
        if (extra.get("systemsManagerAgent") or {}).get("uninstallAfterBuild"):
            log.write("recorded, not executed: removal of the Systems Manager agent")
        self._instances.stop(instance)
        run.date = timestamp(self.bench.context.gateway.clock.now()).replace(":", "-")
        target = next((found for found in targets_of(run) if in_place(run, found)), None)
        tags = {**recipe.get("amiTags", {}), **(target.tags(run) if target else {})}
        run.ami_name = target.image_name(run) if target else f"{recipe['name']} {run.date}"
        description = target.description if target else recipe.get("description")
        run.ami = self._instances.create_image(instance, run.ami_name, description, tags)
        self.bench.contents.keep(machine, run.ami)
        log.write(f"Image {run.ami} ({run.ami_name}) of {instance}")
        return {"imageId": run.ami}

    def _execute_state_machine(
        self, step: WorkflowStep, inputs: Mapping[str, Any], _shown: StepExecution
    ) -> Mapping[str, Any]:
        """Start an execution as the execution role and wait until it has ended."""
        text = str(inputs.get("input", "{}"))
        _check_input(text)
        states = self.bench.client("stepfunctions")
        arn: str = states.start_execution(stateMachineArn=inputs["stateMachineArn"], input=text)["executionArn"]
        described: dict[str, Any] = {}

        def has_ended() -> bool:
            described.update(states.describe_execution(executionArn=arn))
            return described["status"] != "RUNNING"

        wait(has_ended, f"the state machine execution {arn}", self.bench.run.cancelled)
        if described["status"] != "SUCCEEDED":
            error, cause = described.get("error", ""), described.get("cause", "")
            raise WorkflowError(f"The state machine execution {arn} is {described['status']}: {error}: {cause}")
        return {"executionArn": arn, "output": described.get("output", "")}

    def _terminate(self, _step: WorkflowStep, inputs: Mapping[str, Any], _shown: StepExecution) -> Mapping[str, Any]:
        instance, _ = self._machine(inputs)
        self._instances.terminate(instance)
        self._machines.pop(instance).discard()
        self.bench.log.write(f"{instance} terminated")
        return {}

    def _roll_back(self, execution: WorkflowExecution) -> None:
        """Terminate what the workflow launched, unless a build instance shall be kept where the build fails.

        It must happen after a cancellation too, and must not hide why the build failed.
        """
        run = self.bench.run
        kept = not run.record["infrastructureConfiguration"].get("terminateInstanceOnFailure", True)
        if self.record["type"] == BUILD and kept and not run.cancelled.is_set():
            return
        for instance, machine in self._machines.items():
            try:
                self._instances.terminate(instance)
            except ClientError as error:
                self.bench.log.write(f"{instance}: {reason_of(error)}")
            finally:
                machine.discard()
            self.bench.log.write(f"{instance} terminated ({execution.id})")


def scanning(record: Mapping[str, Any]) -> bool:
    """Whether an image's findings are collected."""
    return bool((record.get("imageScanningConfiguration") or {}).get("imageScanningEnabled"))


def _check_input(text: str) -> None:
    if len(text.encode()) > INPUT_MAXIMUM:
        raise WorkflowError(f"The input of the state machine is beyond {INPUT_MAXIMUM} bytes.")
    try:
        json.loads(text)
    except ValueError as error:
        raise WorkflowError(f"The input of the state machine is not JSON: {error}") from error
