"""Image pipelines, and the start of a run.

Source: API Reference, CreateImagePipeline, UpdateImagePipeline, StartImagePipelineExecution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.call import Call
from local.cloud.image_builder import distributions, errors, infrastructures, recipes, workflows
from local.cloud.image_builder.context import AWS_ERRORS, PRINCIPAL, Context, reason_of
from local.cloud.image_builder.images import Images
from local.cloud.image_builder.states import ENDED
from local.cloud.image_builder.store import Record, Shelf, filtered, page, picked
from local.cloud.image_builder.versions import ResourceArn, arn_name

KIND = "image-pipeline"
TEST_MINUTES = 720
"""Minutes tests may take unless the pipeline says otherwise (API Reference, ImageTestsConfiguration)."""

_GIVEN = (
    "description", "imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn", "schedule",
    "executionRole", "loggingConfiguration", "imageTags", "imageScanningConfiguration",
)  # fmt: skip


class Pipelines:
    """The operations on image pipelines."""

    def __init__(self, context: Context, images: Images) -> None:
        self._context = context
        self._images = images
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateImagePipeline": self.create,
            "GetImagePipeline": self.get,
            "UpdateImagePipeline": self.update,
            "DeleteImagePipeline": self.delete,
            "ListImagePipelines": self.list,
            "ListImagePipelineImages": self.list_images,
            "StartImagePipelineExecution": self.start,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateImagePipeline."""
        shelf, given = self._context.shelf(call), call.parameters
        arn = str(ResourceArn(call.region, call.caller.account, KIND, arn_name(given["name"])))
        self._context.authorize_tags(call, arn)
        if shelf.find(KIND, arn):
            raise errors.already_exists(arn)
        settings = self._settings(call, shelf, arn)
        self._context.ensure_service_role(call)
        if given.get("dryRun"):
            raise errors.dry_run()
        created = {"dateCreated": self._context.now(), "tags": dict(given.get("tags") or {})}
        shelf.put(KIND, {"arn": arn, "name": given["name"], **settings, **created})
        return {"clientToken": given.get("clientToken"), "imagePipelineArn": arn}

    def _settings(self, call: Call, shelf: Shelf, arn: str) -> Record:
        given = call.parameters
        for member in ("containerRecipeArn", "schedule"):
            if given.get(member):
                raise errors.invalid_value(member, "The local cloud does not carry it out.")
        if (given.get("imageScanningConfiguration") or {}).get("ecrConfiguration"):
            raise errors.invalid_value("imageScanningConfiguration", "The local cloud scans no container images.")
        if not given.get("imageRecipeArn"):
            raise errors.invalid_combination("imageRecipeArn", "A recipe must be given.")
        recipe = _referred(shelf, recipes.KIND, "imageRecipeArn", given["imageRecipeArn"])
        _referred(
            shelf, infrastructures.KIND, "infrastructureConfigurationArn", given["infrastructureConfigurationArn"]
        )
        distribution: Record | None = None
        if given.get("distributionConfigurationArn"):
            name = "distributionConfigurationArn"
            distribution = _referred(shelf, distributions.KIND, name, given[name])
        self._check_execution_role(call, arn, distribution)
        stated = workflows.checked(self._context, call, given.get("workflows") or [])
        tests = {
            "imageTestsEnabled": True,
            "timeoutMinutes": TEST_MINUTES,
            **(given.get("imageTestsConfiguration") or {}),
        }
        metadata = given.get("enhancedImageMetadataEnabled")
        return {
            **picked(given, _GIVEN),
            **({"workflows": stated} if stated else {}),
            "platform": recipe["platform"],
            "imageTestsConfiguration": tests,
            "enhancedImageMetadataEnabled": True if metadata is None else metadata,
            "status": given.get("status") or "ENABLED",
        }

    def _check_execution_role(self, call: Call, arn: str, distribution: Record | None) -> None:
        role = call.parameters.get("executionRole")
        if role is None:
            _check_parameter_names(distribution)
            return
        role_arn = self._context.execution_role(call.caller.account, role)
        self._context.authorize_pass_role(call, role_arn, PRINCIPAL)
        try:
            self._context.assume(call.caller.account, role, arn)
        except AWS_ERRORS as error:
            reason = f"The role must exist and its trust policy must admit {PRINCIPAL}: {reason_of(error)}"
            raise errors.invalid_value("executionRole", reason) from error

    def get(self, call: Call) -> dict[str, Any]:
        """GetImagePipeline, with the last run as it stands."""
        shelf = self._context.shelf(call)
        return {"imagePipeline": self._shown(shelf, shelf.get(KIND, call.parameters["imagePipelineArn"]))}

    def _shown(self, shelf: Shelf, record: Record) -> Record:
        shown = picked(record, record)
        runs = self._images.of_pipeline(shelf, record["arn"])
        if runs:
            shown["dateLastRun"] = runs[-1]["dateCreated"]
            shown["lastRunStatus"] = runs[-1]["state"]["status"]
        return shown

    def update(self, call: Call) -> dict[str, Any]:
        """UpdateImagePipeline: replaces everything but name and tags."""
        shelf, given = self._context.shelf(call), call.parameters
        record = shelf.get(KIND, given["imagePipelineArn"])
        settings = self._settings(call, shelf, record["arn"])
        kept = picked(record, ("arn", "name", "dateCreated", "tags"))
        record.clear()
        record.update({**kept, **settings, "dateUpdated": self._context.now()})
        return {"clientToken": given.get("clientToken"), "imagePipelineArn": record["arn"]}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteImagePipeline: its images stay."""
        shelf, arn = self._context.shelf(call), call.parameters["imagePipelineArn"]
        shelf.get(KIND, arn)
        shelf.delete(KIND, arn)
        return {"imagePipelineArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListImagePipelines."""
        shelf = self._context.shelf(call)
        allowed = (
            "description",
            "distributionConfigurationArn",
            "imageRecipeArn",
            "infrastructureConfigurationArn",
            "name",
            "status",
        )
        records = filtered(shelf.all(KIND), call.parameters, allowed)
        return page([self._shown(shelf, record) for record in records], call.parameters, "imagePipelineList")

    def list_images(self, call: Call) -> dict[str, Any]:
        """ListImagePipelineImages."""
        shelf, arn = self._context.shelf(call), call.parameters["imagePipelineArn"]
        shelf.get(KIND, arn)
        records = filtered(self._images.of_pipeline(shelf, arn), call.parameters, ("name", "version"))
        return page([self._images.summary(record) for record in records], call.parameters, "imageSummaryList")

    def start(self, call: Call) -> dict[str, Any]:
        """StartImagePipelineExecution: one run of a pipeline at a time."""
        shelf, given = self._context.shelf(call), call.parameters
        pipeline = shelf.get(KIND, given["imagePipelineArn"])
        running = [
            record
            for record in self._images.of_pipeline(shelf, pipeline["arn"])
            if record["state"]["status"] not in ENDED
        ]
        if running:
            raise errors.in_use(pipeline["arn"], f"the image '{running[0]['arn']}' is {running[0]['state']['status']}.")
        arn = self._images.create_from(call, shelf, pipeline, pipeline=pipeline)
        return {"clientToken": given.get("clientToken"), "imageBuildVersionArn": arn}


def _referred(shelf: Shelf, kind: str, parameter: str, arn: str) -> Record:
    record = shelf.find(kind, arn)
    if record is None:
        raise errors.invalid_value(parameter, f"The resource with ARN '{arn}' does not exist.")
    return record


def _check_parameter_names(distribution: Record | None) -> None:
    """Without an execution role parameters lie below `/imagebuilder/` (User Guide, "SSM output parameters")."""
    for entry in (distribution or {}).get("distributions", []):
        for parameter in entry.get("ssmParameterConfigurations") or []:
            if not parameter["parameterName"].startswith("/imagebuilder/"):
                raise errors.invalid_value(
                    "executionRole",
                    f"The parameter {parameter['parameterName']} needs an execution role; the service-linked role "
                    "writes parameters below /imagebuilder/ only.",
                )
