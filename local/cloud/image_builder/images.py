"""Images: the results of builds, and the requests that start, repeat, cancel and delete them.

Source: API Reference, GetImage, ListImages, ListImageBuildVersions, CreateImage, RetryImage, CancelImageCreation,
DeleteImage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.image_builder import distributions, errors, infrastructures, recipes, workflows
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.runs import Run, Runs
from local.cloud.image_builder.states import ENDED
from local.cloud.image_builder.store import Record, Shelf, filtered, own_only, page, picked
from local.cloud.image_builder.versions import ResourceArn, arn_name

KIND = "image"
_SUMMARY = (
    "arn", "name", "type", "version", "platform", "osVersion", "state", "dateCreated", "outputResources", "tags",
    "buildType", "imageSource", "loggingConfiguration",
)  # fmt: skip


class Images:
    """The operations on images."""

    def __init__(self, context: Context, runs: Runs) -> None:
        self._context = context
        self._runs = runs
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateImage": self.create,
            "GetImage": self.get,
            "DeleteImage": self.delete,
            "CancelImageCreation": self.cancel,
            "RetryImage": self.retry,
            "ListImages": self.list,
            "ListImageBuildVersions": self.list_builds,
            "GetImagePolicy": self.get_policy,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateImage: a build without a pipeline."""
        if call.parameters.get("containerRecipeArn"):
            raise errors.invalid_value("containerRecipeArn", "The local cloud builds AMIs only.")
        settings = dict(call.parameters)
        settings["workflows"] = workflows.checked(self._context, call, settings.get("workflows") or [])
        tests = {"imageTestsEnabled": True, "timeoutMinutes": 720}
        settings["imageTestsConfiguration"] = {**tests, **(settings.get("imageTestsConfiguration") or {})}
        self._context.ensure_service_role(call)
        arn = self.create_from(call, self._context.shelf(call), settings)
        return {"clientToken": call.parameters.get("clientToken"), "imageBuildVersionArn": arn}

    def create_from(self, call: Call, shelf: Shelf, settings: Mapping[str, Any], pipeline: Record | None = None) -> str:
        """A new image by a pipeline's or a request's settings, its build started; returns the build version's ARN."""
        recipe = shelf.get(recipes.KIND, settings["imageRecipeArn"])
        infrastructure = shelf.get(infrastructures.KIND, settings["infrastructureConfigurationArn"])
        version = ResourceArn(call.region, call.caller.account, KIND, arn_name(recipe["name"]), recipe["version"])
        taken = [ResourceArn.parse(record["arn"]) for record in shelf.all(KIND)]
        build = 1 + max((arn.build or 0 for arn in taken if arn.unbuilt == str(version)), default=0)
        arn = f"{version}/{build}"
        self._context.authorize_tags(call, arn)
        tags = dict(call.parameters.get("tags") or {})
        record: Record = {
            "arn": arn,
            "type": "AMI",
            "name": recipe["name"],
            "version": f"{recipe['version']}/{build}",
            "platform": recipe["platform"],
            "enhancedImageMetadataEnabled": settings.get("enhancedImageMetadataEnabled", True),
            "state": {"status": "PENDING"},
            "imageRecipe": picked(recipe, recipe),
            "infrastructureConfiguration": picked(infrastructure, infrastructure),
            "imageTestsConfiguration": dict(settings["imageTestsConfiguration"]),
            "dateCreated": self._context.now(),
            "outputResources": {"amis": []},
            "tags": tags,
            "buildType": "USER_INITIATED",
            "imageSource": "CUSTOM",
            "executionRole": self._context.execution_role(call.caller.account, settings.get("executionRole")),
            "loggingConfiguration": {"logGroupName": _log_group(settings, recipe)},
            "workflows": list(settings.get("workflows") or workflows.default_workflows(call.region)),
            **picked(settings, ("imageScanningConfiguration",)),
        }
        if settings.get("distributionConfigurationArn"):
            distribution = shelf.get(distributions.KIND, settings["distributionConfigurationArn"])
            record["distributionConfiguration"] = picked(distribution, distribution)
        if pipeline:
            record |= {"sourcePipelineName": pipeline["name"], "sourcePipelineArn": pipeline["arn"]}
        shelf.put(KIND, record)
        self._runs.start(Run(call.caller.account, call.region, record))
        return arn

    def of_pipeline(self, shelf: Shelf, arn: str) -> list[Record]:
        """A pipeline's images, oldest first."""
        return [record for record in shelf.all(KIND) if record.get("sourcePipelineArn") == arn]

    def summary(self, record: Record) -> Record:
        """An image as lists show it."""
        return {**picked(record, _SUMMARY), "owner": ResourceArn.parse(record["arn"]).account}

    def get(self, call: Call) -> dict[str, Any]:
        """GetImage."""
        record = self._context.shelf(call).get(KIND, call.parameters["imageBuildVersionArn"])
        return {"image": picked(record, record)}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteImage: the image resource only, never its AMIs (API Reference, DeleteImage)."""
        shelf, arn = self._context.shelf(call), call.parameters["imageBuildVersionArn"]
        record = shelf.get(KIND, arn)
        if record["state"]["status"] not in ENDED:
            raise errors.invalid_request(f"The image '{arn}' is {record['state']['status']}; cancel it first.")
        shelf.delete(KIND, arn)
        return {"imageBuildVersionArn": arn}

    def cancel(self, call: Call) -> dict[str, Any]:
        """CancelImageCreation."""
        arn = call.parameters["imageBuildVersionArn"]
        record = self._context.shelf(call).get(KIND, arn)
        if record["state"]["status"] in ENDED:
            raise errors.invalid_request(f"The image '{arn}' is {record['state']['status']} and cannot be cancelled.")
        self._runs.cancel(arn)
        return {"clientToken": call.parameters.get("clientToken"), "imageBuildVersionArn": arn}

    def retry(self, call: Call) -> dict[str, Any]:
        """RetryImage: repeats what is missing of a failed distribution, from the AMI that the build made."""
        arn = call.parameters["imageBuildVersionArn"]
        record = self._context.shelf(call).get(KIND, arn)
        if record["state"]["status"] != "FAILED":
            raise errors.invalid_request(
                f"The image '{arn}' is {record['state']['status']}; only a failed one is retried."
            )
        if not self._runs.retry(arn):
            raise errors.invalid_request(f"The image '{arn}' failed before its distribution and cannot be retried.")
        return {"clientToken": call.parameters.get("clientToken"), "imageBuildVersionArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListImages: one entry a version."""
        own_only(call.parameters)
        keys = ("name", "type", "platform", "osVersion", "dateCreated", "buildType", "imageSource")
        versions: dict[str, Record] = {}
        for record in self._context.shelf(call).all(KIND):
            arn = ResourceArn.parse(record["arn"])
            entry = {**picked(record, keys), "arn": arn.unbuilt, "version": arn.version, "owner": arn.account}
            versions.setdefault(arn.unbuilt, entry)
        entries = filtered(
            list(versions.values()), call.parameters, ("name", "osVersion", "platform", "type", "version")
        )
        return page(entries, call.parameters, "imageVersionList")

    def list_builds(self, call: Call) -> dict[str, Any]:
        """ListImageBuildVersions."""
        version = call.parameters.get("imageVersionArn")
        records = [
            record
            for record in self._context.shelf(call).all(KIND)
            if version is None or ResourceArn.parse(record["arn"]).unbuilt == version
        ]
        allowed = ("name", "osVersion", "platform", "type", "version")
        entries = [self.summary(record) for record in filtered(records, call.parameters, allowed)]
        return page(entries, call.parameters, "imageSummaryList")

    def get_policy(self, call: Call) -> dict[str, Any]:
        """GetImagePolicy: the local cloud shares no image resources, so there never is a policy."""
        arn = call.parameters["imageArn"]
        raise ServiceError("ResourceNotFoundException", f"The resource with ARN '{arn}' has no policy.", 404)


def _log_group(settings: Mapping[str, Any], recipe: Record) -> str:
    logging: Mapping[str, Any] = settings.get("loggingConfiguration") or {}
    # A pipeline and an image name the group differently (service model).
    return logging.get("imageLogGroupName") or logging.get("logGroupName") or f"/aws/imagebuilder/{recipe['name']}"
