"""What Image Builder runs for a product: stated workflows, its own, and ours that scans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.files.product import Product
from model.files.workflows import OnFailure, Workflow, completed
from model.names import ProductNames
from model.versions import content_version

SCAN_DOCUMENT = Path(__file__).parent.parent / "runtime" / "workflows" / "scan-image.yaml"


class PipelineWorkflowsArgs(ComponentArgs):
    """A product, and the key of its documents."""

    names: ProductNames
    product: Product
    data_key_arn: pulumi.Output[str]


class PipelineWorkflows(pulumi.ComponentResource):
    """The workflows of a product that states some, or whose images are scanned."""

    workflows: list[aws.imagebuilder.ImagePipelineWorkflowArgs]
    """In the order in which they run."""

    def __init__(self, name: str, args: PipelineWorkflowsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:PipelineWorkflows", name, None, opts)
        product = args.product
        stated = completed(product.workflows, args.names.region, tests=product.scan is None)
        self.workflows = [_stated(one) for one in stated]
        if product.scan:
            tested_elsewhere = any(one.is_test for one in stated)
            self.workflows.append(self._scanning(name, args, test_components=not tested_elsewhere))
        self.register_outputs({})

    def _scanning(
        self, name: str, args: PipelineWorkflowsArgs, test_components: bool
    ) -> aws.imagebuilder.ImagePipelineWorkflowArgs:
        text = SCAN_DOCUMENT.read_text(encoding="utf-8")
        workflow = aws.imagebuilder.Workflow(
            f"{name}-scan",
            name=args.names.scan_workflow,
            type="TEST",
            # A workflow is immutable: its version follows its content.
            version=content_version(text),
            data=text,
            kms_key_id=args.data_key_arn,
            opts=ResourceOptions(parent=self),
        )
        values = {"stateMachineArn": args.names.scan_gate_arn, "testComponents": str(test_components).lower()}
        return aws.imagebuilder.ImagePipelineWorkflowArgs(
            workflow_arn=workflow.arn, on_failure="ABORT", parameters=_parameters(values)
        )


def _stated(workflow: Workflow) -> aws.imagebuilder.ImagePipelineWorkflowArgs:
    return aws.imagebuilder.ImagePipelineWorkflowArgs(
        workflow_arn=workflow.arn,
        on_failure="CONTINUE" if workflow.on_failure is OnFailure.CONTINUE else "ABORT",
        parallel_group=workflow.parallel_group,
        parameters=_parameters(workflow.parameters),
    )


def _parameters(values: Mapping[str, str]) -> list[aws.imagebuilder.ImagePipelineWorkflowParameterArgs] | None:
    return [
        aws.imagebuilder.ImagePipelineWorkflowParameterArgs(name=key, value=value) for key, value in values.items()
    ] or None
