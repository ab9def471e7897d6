"""EC2 Image Builder as a service of the local cloud."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import botocore.session

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.image_builder import constraints
from local.cloud.image_builder.build import Builder
from local.cloud.image_builder.components import Components
from local.cloud.image_builder.contents import Contents
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.distributions import Distributions
from local.cloud.image_builder.executions import Executions
from local.cloud.image_builder.images import Images
from local.cloud.image_builder.infrastructures import Infrastructures
from local.cloud.image_builder.lifecycle_executions import LifecycleExecutions
from local.cloud.image_builder.lifecycle_policies import LifecyclePolicies
from local.cloud.image_builder.pipelines import Pipelines
from local.cloud.image_builder.recipes import Recipes
from local.cloud.image_builder.runs import Runs
from local.cloud.image_builder.scan_findings import ScanFindings
from local.cloud.image_builder.store import Answer, Store
from local.cloud.image_builder.tagging import Tagging
from local.cloud.image_builder.versions import ResourceArn, arn_name
from local.cloud.image_builder.workflows import Workflows

Operation = Callable[[Call], dict[str, Any]]

_CREATED = {
    "CreateComponent": "component",
    "CreateImageRecipe": "image-recipe",
    "CreateInfrastructureConfiguration": "infrastructure-configuration",
    "CreateDistributionConfiguration": "distribution-configuration",
    "CreateImagePipeline": "image-pipeline",
    "CreateLifecyclePolicy": "lifecycle-policy",
}
_ARN_MEMBERS = (
    "resourceArn", "imagePipelineArn", "imageBuildVersionArn", "componentBuildVersionArn", "imageRecipeArn",
    "infrastructureConfigurationArn", "distributionConfigurationArn", "componentArn", "imageArn", "componentVersionArn",
    "imageVersionArn", "lifecyclePolicyArn", "workflowBuildVersionArn", "workflowVersionArn",
)  # fmt: skip


class ImageBuilder:
    """The whole service; what it lacks is an error that names the operation."""

    name = "imagebuilder"
    whole = True

    def __init__(self, gateway: Gateway, work: Path) -> None:
        """`work` holds the instances' and images' files while the cloud runs."""
        self._store = Store()
        self._work = work
        context = Context(self._store, gateway, work)
        self.contents = Contents(work)
        """Files of images and instances."""
        builder = Builder(context)
        self.runs = Runs(context, builder.build, builder.distribute)
        images = Images(context, self.runs)
        groups = (
            Components(context),
            Recipes(context),
            Infrastructures(context),
            Distributions(context),
            Pipelines(context, images),
            images,
            Executions(context, self.runs),
            LifecyclePolicies(context),
            ScanFindings(context, self.runs),
            Workflows(context),
            Tagging(context),
        )
        self.lifecycles = LifecycleExecutions(context)
        self.operations: Mapping[str, Operation] = {
            name: self._guarded(operation) for group in groups for name, operation in group.operations.items()
        }
        self._model = botocore.session.get_session().get_service_model("imagebuilder")

    def resource_of(self, call: Call) -> str:
        """ARN on which the caller must be allowed the operation (Service Authorization Reference, Image Builder)."""
        given = call.parameters
        kind = _CREATED.get(call.operation)
        if kind:
            arn = ResourceArn(
                call.region, call.caller.account, kind, arn_name(given["name"]), given.get("semanticVersion")
            )
            return f"{arn}/1" if kind == "component" else str(arn)
        if call.operation == "CreateWorkflow":
            name, version = arn_name(given["name"]), given["semanticVersion"]
            kind = f"workflow/{given['type'].lower()}"
            return f"{ResourceArn(call.region, call.caller.account, kind, name, version)}/1"
        if call.operation == "CreateImage":
            return str(given["imageRecipeArn"]).replace(":image-recipe/", ":image/") + "/*"
        return next((given[member] for member in _ARN_MEMBERS if given.get(member)), "*")

    def reset(self) -> None:
        """End all builds and forget everything."""
        self.runs.clear()
        self._store.clear()
        shutil.rmtree(self._work, ignore_errors=True)

    def close(self) -> None:
        """End all builds, so that nothing of theirs outlives the server."""
        self.runs.clear()

    def _guarded(self, operation: Operation) -> Operation:
        def guarded(call: Call) -> dict[str, Any]:
            shape = self._model.operation_model(call.operation).input_shape
            if shape is not None:
                constraints.check(shape, call.parameters)
            self.lifecycles.catch_up()
            with self._store.lock:
                return self._once(call, operation)

        return guarded

    def _once(self, call: Call, operation: Operation) -> dict[str, Any]:
        """An answer to the first request with a client token, and the same to its repetitions.

        AWS does not say how long it remembers a token; the local cloud does not forget (API Reference, clientToken).
        """
        token = call.parameters.get("clientToken")
        if token is None:
            return operation(call)
        answers = self._store.shelf(call.caller.account, call.region).answers
        known = answers.get((call.operation, token))
        if known is None:
            response = operation(call)
            answers[(call.operation, token)] = Answer(dict(call.parameters), response)
            return dict(response)
        if known.request != call.parameters:
            raise ServiceError(
                "IdempotentParameterMismatchException",
                f"The client token '{token}' was used with other parameters before.",
            )
        return dict(known.response)
