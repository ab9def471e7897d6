"""Runs the phases of component documents on an instance, as AWSTOE does.

Source: Image Builder User Guide, "Use the AWSTOE component document framework" (onFailure, maxAttempts, conditional
and looping constructs).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.cloud.image_builder import actions, conditions
from local.cloud.image_builder.documents import Document, DocumentError, Loop, Phase, Step
from local.cloud.image_builder.expressions import ExpressionError, Scope
from local.cloud.image_builder.workbench import ActionError, Cancelled, Workbench


class StepFailure(RuntimeError):  # noqa: N818 - AWS's word
    """A step failed and its document with it."""

    def __init__(self, phase: str, step: Step, reason: str) -> None:
        super().__init__(f"phase '{phase}', step '{step.name}', action '{step.action}': {reason}")
        self.phase = phase
        self.step = step.name
        self.action = step.action
        self.reason = reason


def scope_of(document: Document, values: Mapping[str, str]) -> Scope:
    """The variables with which a document starts: its constants, and parameters as the recipe or the default set them.

    Raises:
        DocumentError: A parameter without default got no value, or a value belongs to no parameter.
    """
    known = {parameter.name for parameter in document.parameters}
    unknown = sorted(set(values) - known)
    if unknown:
        raise DocumentError(f"The following parameters are not defined in the provided component: {', '.join(unknown)}")
    variables: dict[str, Any] = dict(document.constants)
    for parameter in document.parameters:
        value = values.get(parameter.name, parameter.default)
        if value is None:
            raise DocumentError(f"parameter '{parameter.name}' has no default and got no value")
        variables[parameter.name] = value
    return Scope(variables)


def run_phase(phase: Phase, scope: Scope, bench: Workbench) -> None:
    """Run a phase's steps in order.

    A failed step ends the phase with `Abort`, lets later steps run but fails the phase with `Continue`, and counts for
    nothing with `Ignore`.

    Raises:
        StepFailure: A step failed whose `onFailure` is Abort or Continue.
        Cancelled: The build was cancelled.
    """
    failure: StepFailure | None = None
    scope.steps.setdefault(phase.name, {})
    for step in phase.steps:
        try:
            _run_step(phase.name, step, scope, bench)
        except StepFailure as caught:
            bench.log(f"Step {step.name} failed: {caught.reason} (onFailure: {step.on_failure})")
            if step.on_failure == "Abort":
                raise
            if step.on_failure == "Continue":
                failure = failure or caught
    if failure:
        raise failure


def _run_step(phase: str, step: Step, scope: Scope, bench: Workbench) -> None:
    try:
        if step.loop is None:
            _decide(phase, step, scope, bench)
            return
        for index, value in enumerate(_values(step.loop, scope)):
            _decide(phase, step, scope.within({step.loop.name: {"index": index, "value": value}}), bench)
    except (ExpressionError, ActionError) as error:
        raise StepFailure(phase, step, str(error)) from error


def _values(loop: Loop, scope: Scope) -> list[Any]:
    if loop.values is not None:
        return [scope.resolve(value) for value in loop.values]
    return [part.strip() for part in str(scope.resolve(loop.text)).split(loop.delimiter)]


def _decide(phase: str, step: Step, scope: Scope, bench: Workbench) -> None:
    if step.condition is not None:
        condition = scope.resolve(step.condition)
        met = conditions.holds(condition, bench.machine)
        branch = condition.get("then" if met else "else", "Execute" if met else "Skip")
        bench.log(f"Step {step.name}: the condition {'holds' if met else 'does not hold'}, {branch}")
        if branch == "Abort":
            raise ActionError("ended by its condition (Abort)")
        if branch == "Skip" or not step.action:
            return
        if branch != "Execute":
            raise ActionError(f"{branch!r} is none of Abort, Execute, Skip")
    _attempt(phase, step, scope, bench)


def _attempt(phase: str, step: Step, scope: Scope, bench: Workbench) -> None:
    inputs = scope.resolve(step.inputs)
    scope.steps[phase][step.name] = {"inputs": inputs, "outputs": {"stdout": ""}}
    timeout = None if step.timeout_seconds < 0 else float(step.timeout_seconds)
    for attempt in range(1, step.max_attempts + 1):
        if bench.cancelled():
            raise Cancelled
        bench.log(f"Executing step {step.name}, action {step.action}, attempt {attempt} of {step.max_attempts}")
        before = len(bench.machine.recorded())
        try:
            output = actions.run(step.action, bench, inputs, timeout)
        except ActionError:
            if attempt == step.max_attempts:
                raise
            continue
        finally:
            made = bench.machine.recorded()[before:]
            if made:
                bench.log(f"Step {step.name}: {len(made)} commands recorded and not executed")
        scope.steps[phase][step.name]["outputs"] = {"stdout": output.rstrip("\n")}
        return
