"""The server of the pack: the SDK's own, told which levels hold, and reading what it is asked about only once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Self

import pulumi_policy.policy
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import Policy, ReportViolation, StackValidationArgs, StackValidationPolicy

from .catalogue import RESOURCE_RULES
from .enforcement import STACK, resources_of
from .judgement import rule_names
from .levels import with_reasons
from .rule import Resource

_POLICIES = "_PolicyAnalyzerServicer__policies"
"""Where the SDK's server keeps a pack's policies."""

_TYPES = {rule.name: rule.types for rule in RESOURCE_RULES}


class PackServicer(pulumi_policy.policy._PolicyAnalyzerServicer):  # pyright: ignore[reportPrivateUsage]
    """The SDK's server of a pack, which reads all properties of all resources anew for each policy that it asks.

    The protocol names its methods.
    """

    def Configure(self, request: analyzer_pb2.ConfigureAnalyzerRequest, _context: Any) -> Empty:  # noqa: N802
        """Take what the engine made of the pack's own configuration and of the one that was handed over."""
        return super().Configure(with_reasons(request, rule_names()), _context)

    def Analyze(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeRequest, _context: Any
    ) -> analyzer_pb2.AnalyzeResponse:
        """Judge a resource by the rules about its type."""
        policies: list[Policy] = getattr(self, _POLICIES)
        narrowed = self._with([each for each in policies if request.type in _TYPES.get(each.name, ())])
        return super(PackServicer, narrowed).Analyze(request, _context)

    def AnalyzeStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeStackRequest, _context: Any
    ) -> analyzer_pb2.AnalyzeResponse:
        """Judge a stack: one policy reads the resources, and the others are asked about what it read."""
        read: list[tuple[Resource, ...]] = []

        def validate(args: StackValidationArgs, _report: ReportViolation) -> None:
            read.append(resources_of(args))

        reader = StackValidationPolicy("reader", "Reads the resources of the stack.", validate)
        super(PackServicer, self._with([reader])).AnalyzeStack(request, _context)
        token = STACK.set(read[0])
        try:
            return super().AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(), _context)
        finally:
            STACK.reset(token)

    def _with(self, policies: Sequence[Policy]) -> Self:
        narrowed = copy.copy(self)
        setattr(narrowed, _POLICIES, policies)
        return narrowed


def serve_so() -> None:
    """Have every pack of this process served so: the SDK makes its server itself, and lets nobody choose another."""
    pulumi_policy.policy._PolicyAnalyzerServicer = PackServicer  # pyright: ignore[reportPrivateUsage]
