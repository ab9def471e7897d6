"""The functions of the aws package that look up EC2 Image Builder's components, recipes and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.provider.declarations import declarations
from local.provider.invocation import Invocation
from local.provider.mapping import Mapper


def get_components(invocation: Invocation) -> dict[str, Any]:
    """ARNs and names of all component versions that fit."""
    return _listed(invocation, "ListComponents", "componentVersionList")


def get_image_recipes(invocation: Invocation) -> dict[str, Any]:
    """ARNs and names of all image recipes that fit."""
    return _listed(invocation, "ListImageRecipes", "imageRecipeSummaryList")


def get_image_pipelines(invocation: Invocation) -> dict[str, Any]:
    """ARNs and names of all pipelines that fit."""
    return _listed(invocation, "ListImagePipelines", "imagePipelineList")


def get_component(invocation: Invocation) -> dict[str, Any]:
    """A component's build version."""
    answer = invocation.call("imagebuilder", "GetComponent", componentBuildVersionArn=invocation.arguments["arn"])
    return {**_described(invocation, answer["component"]), "encrypted": bool(answer["component"].get("encrypted"))}


def get_image_recipe(invocation: Invocation) -> dict[str, Any]:
    """An image recipe."""
    recipe = invocation.call("imagebuilder", "GetImageRecipe", imageRecipeArn=invocation.arguments["arn"])
    found = _described(invocation, recipe["imageRecipe"])
    for component in found.get("components") or ():
        _unfold_parameters(component)
    additional = recipe["imageRecipe"].get("additionalInstanceConfiguration") or {}
    return {**found, "userDataBase64": additional.get("userDataOverride") or ""}


def get_image_pipeline(invocation: Invocation) -> dict[str, Any]:
    """A pipeline."""
    answer = invocation.call("imagebuilder", "GetImagePipeline", imagePipelineArn=invocation.arguments["arn"])
    return _described(invocation, answer["imagePipeline"])


def _listed(invocation: Invocation, operation: str, entries: str) -> dict[str, Any]:
    given, arns, names, token = invocation.arguments, list[str](), list[str](), None
    filters = [{"name": entry["name"], "values": list(entry["values"])} for entry in given.get("filters") or ()]
    while True:
        page = invocation.call(
            "imagebuilder", operation, filters=filters or None, owner=given.get("owner"), nextToken=token
        )
        arns += [entry["arn"] for entry in page[entries]]
        names += [entry["name"] for entry in page[entries]]
        token = page.get("nextToken")
        if not token:
            break
    region = invocation.region
    found = {"arns": arns, "names": names, "id": region, "region": region, "filters": given.get("filters")}
    return {**found, "owner": given["owner"]} if "owner" in given else found


def _described(invocation: Invocation, answer: Mapping[str, Any]) -> dict[str, Any]:
    found = Mapper(invocation.token, {}).from_aws(declarations()[invocation.token].outputs, answer)
    return {**found, "id": answer["arn"], "region": invocation.region, "tags": answer.get("tags") or {}}


def _unfold_parameters(holder: dict[str, Any]) -> None:
    """Parameters are lists of values in the API, single ones in pulumi-aws."""
    for parameter in holder.get("parameters") or ():
        value = parameter.get("value")
        parameter["value"] = value[0] if isinstance(value, list) and value else value


FUNCTIONS: Mapping[str, Callable[[Invocation], dict[str, Any]]] = {
    "aws:imagebuilder/getComponent:getComponent": get_component,
    "aws:imagebuilder/getComponents:getComponents": get_components,
    "aws:imagebuilder/getImagePipeline:getImagePipeline": get_image_pipeline,
    "aws:imagebuilder/getImagePipelines:getImagePipelines": get_image_pipelines,
    "aws:imagebuilder/getImageRecipe:getImageRecipe": get_image_recipe,
    "aws:imagebuilder/getImageRecipes:getImageRecipes": get_image_recipes,
}
