"""Image recipes: parent image, components and block devices of an image, in immutable versions.

Source: API Reference, CreateImageRecipe, GetImageRecipe, ListImageRecipes, DeleteImageRecipe; User Guide, "Quotas".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.image_builder import components, errors
from local.cloud.image_builder.context import Context, reason_of
from local.cloud.image_builder.store import Record, Shelf, filtered, own_only, page, picked
from local.cloud.image_builder.versions import ResourceArn, Version, VersionError, arn_name, assigned

KIND = "image-recipe"
COMPONENT_MAXIMUM = 20
"""Components in a recipe (User Guide, "Quotas")."""

_GIVEN = (
    "name", "description", "components", "parentImage", "blockDeviceMappings", "workingDirectory",
    "additionalInstanceConfiguration", "amiTags",
)  # fmt: skip


class Recipes:
    """The operations on image recipes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateImageRecipe": self.create,
            "GetImageRecipe": self.get,
            "DeleteImageRecipe": self.delete,
            "ListImageRecipes": self.list,
            "GetImageRecipePolicy": self.get_policy,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateImageRecipe; a wildcard in the version becomes the next one."""
        shelf, given = self._context.shelf(call), call.parameters
        arn = self._arn(call, shelf)
        self._context.authorize_tags(call, str(arn))
        if shelf.find(KIND, str(arn)):
            raise errors.already_exists(str(arn))
        used = self._components(shelf, given, call.region)
        for component in used:
            # Service Authorization Reference, EC2 Image Builder, CreateImageRecipe: dependent actions.
            self._context.gateway.authorize(
                call.caller.credentials, "imagebuilder:GetComponent", component["arn"], call.region
            )
        _check_devices(given.get("blockDeviceMappings") or [])
        platform = self._platform(call, used)
        record: Record = {
            "arn": str(arn),
            "type": "AMI",
            **picked(given, _GIVEN),
            "platform": platform,
            "owner": call.caller.account,
            "version": arn.version,
            "dateCreated": self._context.now(),
            "tags": dict(given.get("tags") or {}),
        }
        if given.get("amiWatermarks"):
            raise errors.invalid_value("amiWatermarks", "The local cloud does not attach watermarks.")
        if given.get("dryRun"):
            raise errors.dry_run()
        shelf.put(KIND, record)
        return {
            "clientToken": given.get("clientToken"),
            "imageRecipeArn": str(arn),
            "latestVersionReferences": components.references(arn),
        }

    def _arn(self, call: Call, shelf: Shelf) -> ResourceArn:
        name = arn_name(call.parameters["name"])
        taken = [Version.parse(record["version"]) for record in shelf.all(KIND) if arn_name(record["name"]) == name]
        try:
            version = assigned(call.parameters["semanticVersion"], taken)
        except VersionError as error:
            raise ServiceError("InvalidVersionNumberException", f"The version number is not valid: {error}") from error
        return ResourceArn(call.region, call.caller.account, KIND, name, str(version))

    @staticmethod
    def _components(shelf: Shelf, given: Mapping[str, Any], region: str) -> list[Record]:
        wanted: list[dict[str, Any]] = given.get("components") or []
        if len(wanted) > COMPONENT_MAXIMUM:
            raise ServiceError(
                "ServiceQuotaExceededException", f"A recipe holds at most {COMPONENT_MAXIMUM} components.", 402
            )
        found: list[Record] = []
        for index, entry in enumerate(wanted):
            record = components.find(shelf, entry["componentArn"])
            if record is None or ResourceArn.parse(record["arn"]).region != region:
                reason = f"The component '{entry['componentArn']}' does not exist."
                raise errors.invalid_value(f"components[{index}].componentArn", reason)
            _check_parameters(index, entry, record)
            found.append(record)
        return found

    def _platform(self, call: Call, used: list[Record]) -> str:
        platforms = {record["platform"] for record in used}
        parent = self._parent_platform(call)
        if parent:
            platforms.add(parent)
        if len(platforms) > 1:
            raise errors.invalid_combination(
                "components", f"The platforms of parent image and components differ: {', '.join(sorted(platforms))}."
            )
        if not platforms:
            raise errors.invalid_value("components", "A recipe without components needs a parent image by id.")
        return platforms.pop()

    def _parent_platform(self, call: Call) -> str | None:
        """Platform of a parent given by id or ARN; one given by parameter is only known when it is built."""
        parent = call.parameters["parentImage"]
        if parent.startswith("ssm:"):
            if not parent.removeprefix("ssm:"):
                raise errors.invalid_value("parentImage", "The name of the parameter is missing.")
            return None
        if parent.startswith("ami-"):
            return self._ami_platform(call, parent)
        image = find_image(self._context.shelf(call), parent)
        if image is None:
            raise errors.invalid_value("parentImage", f"The image '{parent}' does not exist.")
        return image["platform"]

    def _ami_platform(self, call: Call, image_id: str) -> str:
        ec2 = self._context.gateway.root_client("ec2", call.caller.account, call.region)
        try:
            images: list[dict[str, Any]] = ec2.describe_images(ImageIds=[image_id])["Images"]
        except ClientError as error:
            raise errors.invalid_value("parentImage", reason_of(error)) from error
        if not images:
            raise errors.invalid_value("parentImage", f"The image id '[{image_id}]' does not exist")
        return "Windows" if str(images[0].get("Platform", "")).lower() == "windows" else "Linux"

    def get(self, call: Call) -> dict[str, Any]:
        """GetImageRecipe."""
        record = self._context.shelf(call).get(KIND, call.parameters["imageRecipeArn"])
        return {
            "imageRecipe": picked(record, record),
            "latestVersionReferences": components.references(ResourceArn.parse(record["arn"])),
        }

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteImageRecipe: not while a pipeline refers to it."""
        shelf, arn = self._context.shelf(call), call.parameters["imageRecipeArn"]
        shelf.get(KIND, arn)
        if any(pipeline.get("imageRecipeArn") == arn for pipeline in shelf.all("image-pipeline")):
            raise errors.in_use_by_others(arn)
        shelf.delete(KIND, arn)
        return {"imageRecipeArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListImageRecipes."""
        own_only(call.parameters)
        keys = ("arn", "name", "platform", "owner", "parentImage", "dateCreated", "tags")
        records = filtered(self._context.shelf(call).all(KIND), call.parameters, ("name", "parentImage", "platform"))
        return page([picked(record, keys) for record in records], call.parameters, "imageRecipeSummaryList")

    def get_policy(self, call: Call) -> dict[str, Any]:
        """GetImageRecipePolicy: the local cloud shares no recipes, so there never is a policy."""
        arn = call.parameters["imageRecipeArn"]
        self._context.shelf(call).get(KIND, arn)
        raise ServiceError("ResourceNotFoundException", f"The resource with ARN '{arn}' has no policy.", 404)


def find_image(shelf: Shelf, reference: str) -> Record | None:
    """The newest available build of an image that an ARN means, wildcards resolved."""
    try:
        arn = ResourceArn.parse(reference)
    except VersionError:
        return None
    images = [
        (Version.parse(found.version or "0.0.0"), found.build or 0, record)
        for record in shelf.all("image")
        if (found := ResourceArn.parse(record["arn"])).name == arn.name
        and Version.parse(found.version or "0.0.0").matches(arn.version or "x.x.x")
        and arn.build in (None, found.build)
        and record["state"]["status"] == "AVAILABLE"
    ]
    return max(images, key=lambda entry: entry[:2])[2] if images else None


def _check_parameters(index: int, entry: Mapping[str, Any], component: Record) -> None:
    defined = {parameter["name"]: parameter for parameter in component.get("parameters", [])}
    given = {parameter["name"] for parameter in entry.get("parameters") or []}
    where = f"components[{index}].parameters"
    unknown = sorted(given - set(defined))
    if unknown:
        reason = "The following parameters are not defined in the provided component: "
        raise errors.invalid_combination(where, reason + ", ".join(unknown))
    missing = sorted(name for name, detail in defined.items() if "defaultValue" not in detail and name not in given)
    if missing:
        reason = "The following parameters have no default value and must be given: "
        raise errors.invalid_combination(where, reason + ", ".join(missing))


def _check_devices(devices: list[dict[str, Any]]) -> None:
    for index, device in enumerate(devices):
        ebs: dict[str, Any] = device.get("ebs") or {}
        if ebs.get("kmsKeyId") and not ebs.get("encrypted"):
            raise errors.invalid_combination(f"blockDeviceMappings[{index}].ebs", "A KMS key needs 'encrypted'.")
