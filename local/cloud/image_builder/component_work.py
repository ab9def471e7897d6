"""Components at work on an instance: their phases, under the instance profile's role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud.call import Credentials, ServiceError
from local.cloud.image_builder import components
from local.cloud.image_builder.build_log import BuildLog
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.document_runner import StepFailure, run_phase, scope_of
from local.cloud.image_builder.documents import Document, parse
from local.cloud.image_builder.expressions import Scope
from local.cloud.image_builder.instance_calls import InstanceCalls
from local.cloud.image_builder.machine import WINDOWS, Machine
from local.cloud.image_builder.runs import Run
from local.cloud.image_builder.sandbox import WORKING_DIRECTORY, Sandbox
from local.cloud.image_builder.workbench import Workbench


class ComponentFailure(RuntimeError):  # noqa: N818 - AWS's word
    """A component's document failed; `context` is the image state's failureContext."""

    def __init__(self, arn: str, failure: StepFailure) -> None:
        super().__init__(f"Document {arn} failed! {failure}")
        self.context = {
            "componentFailure": {
                "componentArn": arn,
                "phaseName": failure.phase,
                "stepName": failure.step,
                "action": failure.action,
                "errorMessage": failure.reason,
            }
        }


@dataclass(frozen=True)
class _Job:
    arn: str
    document: Document
    scope: Scope


class ComponentWork:
    """Runs a recipe's components on one instance."""

    def __init__(self, context: Context, run: Run, log: BuildLog) -> None:
        self._context = context
        self._run = run
        self._log = log

    def apply(self, machine: Machine, instance_id: str, role_arn: str, phases: Sequence[str]) -> list[str]:
        """Run the phases, each for all components in the recipe's order; returns what was recorded, not executed.

        Raises:
            ComponentFailure: A document failed.
            ServiceError: The instance's role may not do what Image Builder needs of it.
            Cancelled: The build was cancelled.
        """
        run = self._run
        credentials = self._context.gateway.assume_service_role(role_arn, "ec2.amazonaws.com", instance_id)
        self._log.hide(credentials)
        self._log.use(lambda: self._context.gateway.client("logs", run.region, credentials))
        jobs = self._jobs(credentials)
        before = len(machine.recorded())
        bench = self._bench(machine, credentials)
        try:
            for phase in phases:
                for job in jobs:
                    self._run_phase(job, phase, bench)
        finally:
            self._run.sandbox = None
            self._log.flush()
        made = machine.recorded()[before:]
        if made:
            self._log.write(f"{len(made)} commands on {instance_id} were recorded and not executed:")
            for line in made:
                self._log.write(f"  {line}")
        return made

    def _jobs(self, credentials: Credentials) -> list[_Job]:
        run, jobs = self._run, list[_Job]()
        # The Systems Manager agent is how Image Builder reaches the instance (User Guide, "Prerequisites").
        self._context.gateway.authorize(credentials, "ssm:UpdateInstanceInformation", "*", run.region)
        for entry in run.record["imageRecipe"].get("components", []):
            with self._context.store.lock:
                record = components.resolved(self._context.store.shelf(run.account, run.region), entry["componentArn"])
            self._context.gateway.authorize(credentials, "imagebuilder:GetComponent", record["arn"], run.region)
            document = parse(record["data"])
            values = {parameter["name"]: parameter["value"][0] for parameter in entry.get("parameters") or []}
            jobs.append(_Job(record["arn"], document, scope_of(document, values)))
        return jobs

    def _bench(self, machine: Machine, credentials: Credentials) -> Workbench:
        run = self._run
        calls = InstanceCalls(
            lambda service, region: self._context.gateway.client(service, region, credentials), run.region
        )
        sandbox = Sandbox(machine, self._context.work, calls)
        run.sandbox = sandbox
        recipe: Mapping[str, Any] = run.record["imageRecipe"]
        default = "C:\\tmp" if machine.platform == WINDOWS else WORKING_DIRECTORY
        return Workbench(
            machine=machine,
            sandbox=sandbox,
            s3=lambda: self._context.gateway.client("s3", run.region, credentials),
            log=self._log.write,
            working_directory=recipe.get("workingDirectory") or default,
            cancelled=run.cancelled.is_set,
        )

    def _run_phase(self, job: _Job, name: str, bench: Workbench) -> None:
        phase = job.document.phase(name)
        if phase is None:
            return
        self._log.write(f"Document {job.arn}, phase {name}")
        try:
            run_phase(phase, job.scope, bench)
        except StepFailure as failure:
            self._log.write(f"Document {job.arn} failed! {failure}")
            raise ComponentFailure(job.arn, failure) from failure
        finally:
            self._log.flush()


def upload_log(s3: Any, settings: Mapping[str, Any], run: Run, lines: Sequence[str]) -> str | None:
    """Put the log where the infrastructure configuration wants it; returns why not, where it could not be."""
    target: Mapping[str, Any] = (settings.get("logging") or {}).get("s3Logs") or {}
    if not target.get("s3BucketName"):
        return None
    name, version, build = run.arn.split("/")[-3:]
    prefix = str(target.get("s3KeyPrefix") or "").strip("/")
    key = "/".join([*([prefix] if prefix else []), name, version, build, "console.log"])
    try:
        s3.put_object(Bucket=target["s3BucketName"], Key=key, Body="\n".join(lines).encode())
    except (ClientError, BotoCoreError, ServiceError) as error:
        return str(error)
    return None
