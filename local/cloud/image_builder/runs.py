"""Runs of a build: their threads, their image's state with its events, and what their workflows did.

One run belongs to one image; RetryImage gives the same run another thread.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from local.cloud.image_builder.context import Context, reason_of
from local.cloud.image_builder.sandbox import Sandbox
from local.cloud.image_builder.states import NEXT
from local.cloud.image_builder.store import Record
from local.cloud.image_builder.workbench import Cancelled

EVENT = "EC2 Image Builder Image State Change"
"""Detail type of the event at each change of state (User Guide, "Amazon EventBridge integration")."""

REASON_MAXIMUM = 1024
"""Characters of a state's reason (service model, NonEmptyString)."""

MESSAGE_MAXIMUM = 500
"""Characters of a workflow's or step's message (service model, WorkflowStepMessage)."""


@dataclass
class StepExecution:
    """One step of a workflow, as ListWorkflowStepExecutions shows it."""

    name: str
    action: str
    start: str
    id: str = field(default_factory=lambda: f"step-{uuid.uuid4()}")
    status: str = "RUNNING"
    message: str = ""
    end: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class WorkflowExecution:
    """One workflow of a run, as ListWorkflowExecutions shows it."""

    type: str
    arn: str
    start: str
    id: str = field(default_factory=lambda: f"wf-{uuid.uuid4()}")
    status: str = "RUNNING"
    message: str = ""
    end: str | None = None
    retried: bool = False
    steps: list[StepExecution] = field(default_factory=list[StepExecution])


@dataclass
class Copy:
    """What became of the image in one target; `image_id` is None where the copy was refused."""

    account: str
    region: str
    name: str
    description: str | None = None
    image_id: str | None = None
    status: str = "PENDING"
    reason: str | None = None
    step: str = "DistributeImage"
    integrated: bool = False


@dataclass
class Run:
    """The work on one image."""

    account: str
    region: str
    record: Record
    cancelled: threading.Event = field(default_factory=threading.Event)
    workflows: list[WorkflowExecution] = field(default_factory=list[WorkflowExecution])
    copies: dict[tuple[str, str], Copy] = field(default_factory=dict[tuple[str, str], Copy])
    ami: str | None = None
    """The AMI of the build, from which all copies are made."""
    ami_name: str | None = None
    date: str | None = None
    """Time that stands in the names of the run's AMIs."""
    findings: list[Record] = field(default_factory=list[Record])
    """What Inspector found on the test instance, as ListImageScanFindings shows it."""
    sandbox: Sandbox | None = None
    thread: threading.Thread | None = None

    @property
    def arn(self) -> str:
        """ARN of the image build version."""
        return self.record["arn"]


class WorkflowFailure(RuntimeError):  # noqa: N818 - AWS's word
    """A workflow's step failed; the image fails with it."""

    def __init__(self, workflow: WorkflowExecution, step: StepExecution, cause: Exception) -> None:
        super().__init__(
            f"Workflow Execution ID: '{workflow.id}' failed with reason: "
            f"Step '{step.name}' ({step.id}) failed: {reason_of(cause)}"
        )
        self.workflow = workflow
        self.step = step
        self.cause = cause


class Runs:
    """All runs by their image's ARN."""

    def __init__(self, context: Context, build: Callable[[Run], None], distribute: Callable[[Run], None]) -> None:
        self._context = context
        self._build = build
        self._distribute = distribute
        self._runs: dict[str, Run] = {}

    def find(self, arn: str) -> Run | None:
        """An image's run."""
        return self._runs.get(arn)

    def of_account(self, account: str, region: str) -> list[Run]:
        """An account's runs in a Region, oldest first."""
        return [run for run in self._runs.values() if (run.account, run.region) == (account, region)]

    def start(self, run: Run) -> None:
        """Begin a build."""
        self._runs[run.arn] = run
        self._thread(run, self._build)

    def retry(self, arn: str) -> bool:
        """Repeat an image's distribution; false where its build made no AMI to distribute."""
        run = self._runs.get(arn)
        if run is None or run.ami is None or not run.copies:
            return False
        run.cancelled.clear()
        # Before the answer: who asks for the state next must not read the failure that is being retried.
        Progress(self._context, run).change("DISTRIBUTING")
        self._thread(run, self._distribute)
        return True

    def _thread(self, run: Run, work: Callable[[Run], None]) -> None:
        run.thread = threading.Thread(target=work, args=(run,), name=f"build {run.arn}", daemon=True)
        run.thread.start()

    def cancel(self, arn: str) -> None:
        """Ask a run to end; its thread cleans up and changes the state."""
        run = self._runs.get(arn)
        if run:
            run.cancelled.set()
            sandbox = run.sandbox
            if sandbox:
                sandbox.cancel()

    def clear(self) -> None:
        """End all runs and forget them."""
        for arn, run in list(self._runs.items()):
            self.cancel(arn)
            if run.thread and not _on_a_loop():
                run.thread.join()
        self._runs.clear()


class Progress:
    """Writes down how a run goes: states with their events, workflows and steps."""

    def __init__(self, context: Context, run: Run) -> None:
        self._context = context
        self._run = run

    def change(self, status: str, reason: str | None = None, failure: dict[str, Any] | None = None) -> None:
        """Put the image into its next state, and the event onto the account's bus."""
        run = self._run
        with self._context.store.lock:
            previous = run.record["state"]["status"]
            if status not in NEXT[previous]:
                raise RuntimeError(f"an image does not go from {previous} to {status}")
            state: dict[str, Any] = {"status": status}
            if reason:
                state["reason"] = reason[:REASON_MAXIMUM]
            if failure:
                state["failureContext"] = failure
            run.record["state"] = state
        shown = {key: state[key] for key in ("status", "reason") if key in state}
        detail = {"previous-state": {"status": previous}, "state": shown}
        self._context.gateway.put_service_event(run.account, run.region, "aws.imagebuilder", EVENT, [run.arn], detail)

    def stop_if_cancelled(self) -> None:
        """Leave the build where it was cancelled.

        Raises:
            Cancelled: It was.
        """
        if self._run.cancelled.is_set():
            raise Cancelled

    @contextmanager
    def workflow(self, kind: str, name: str) -> Generator[WorkflowExecution]:
        """A workflow of Amazon's, by its type and its ARN's last part, for the length of a block."""
        with self.executing(kind, f"arn:aws:imagebuilder:{self._run.region}:aws:workflow/{name}") as execution:
            yield execution

    @contextmanager
    def executing(self, kind: str, arn: str) -> Generator[WorkflowExecution]:
        """A workflow by its type and ARN, for the length of a block."""
        execution = WorkflowExecution(kind, arn, self._context.now())
        self._run.workflows.append(execution)
        try:
            yield execution
        except BaseException as error:
            execution.status = "CANCELLED" if isinstance(error, Cancelled) else "FAILED"
            execution.message = reason_of(error)[:MESSAGE_MAXIMUM] if isinstance(error, Exception) else ""
            raise
        else:
            execution.status = "COMPLETED"
        finally:
            execution.end = self._context.now()

    def skip(self, workflow: WorkflowExecution, name: str, action: str) -> None:
        """A step whose condition does not hold."""
        now = self._context.now()
        workflow.steps.append(StepExecution(name, action, now, status="SKIPPED", end=now))

    @contextmanager
    def step(self, workflow: WorkflowExecution, name: str, action: str) -> Generator[StepExecution]:
        """A step for the length of a block.

        Raises:
            WorkflowFailure: The block failed.
            Cancelled: The build was cancelled.
        """
        self.stop_if_cancelled()
        execution = StepExecution(name, action, self._context.now())
        workflow.steps.append(execution)
        try:
            yield execution
        except Cancelled:
            execution.status = "CANCELLED"
            raise
        except Exception as error:
            if self._run.cancelled.is_set():
                execution.status = "CANCELLED"
                raise Cancelled from error
            execution.status = "FAILED"
            execution.message = reason_of(error)[:MESSAGE_MAXIMUM]
            raise WorkflowFailure(workflow, execution, error) from error
        else:
            execution.status = "COMPLETED"
        finally:
            execution.end = self._context.now()


def _on_a_loop() -> bool:
    """Whether this thread runs the loop that a build's calls go through: waiting for the build would block both."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
