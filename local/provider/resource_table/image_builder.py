"""EC2 Image Builder components, recipes and pipelines (EC2 Image Builder API reference)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider.difference import SET, Comparison
from local.provider.errors import is_one_of
from local.provider.naming import AutoName
from local.provider.resource_type import PROPAGATION_TIMEOUT, Call, Hook, ResourceType, Setting, Tagging
from local.provider.waiting import message_has, retrying
from local.provider.work import Work

TAGGING = Tagging(
    tag=lambda work, new: work.call("TagResource", resourceArn=work.id, tags=dict(new)),
    untag=lambda work, keys: work.call("UntagResource", resourceArn=work.id, tagKeys=keys),
)

MISSING = ("ResourceNotFoundException",)

ROLE_NOT_YET_USABLE = message_has("InvalidParameterValueException", "instance profile", "cannot be assumed", "role")


def client_token(work: Work, parameters: Mapping[str, Any]) -> str:
    """The same for the same resource and content, so that a repeated create finds what an interrupted one made."""
    content = json.dumps([work.urn, work.account, work.region, parameters], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def created_with_token(operation: str, arn: str, read: Hook) -> Callable[[Work], str]:
    """Create idempotently: with a token made of the content, or a fresh one where the token's resource was deleted."""

    def create(work: Work) -> str:
        parameters = work.parameters(Call(operation))
        token = client_token(work, parameters)

        def attempt() -> str:
            return str(work.call(operation, clientToken=token, **parameters)[arn])

        work.id = retrying(attempt, ROLE_NOT_YET_USABLE, PROPAGATION_TIMEOUT)
        if not _exists(work, read):
            token = str(uuid.uuid4())
            work.id = attempt()
        return work.id

    return create


def _exists(work: Work, read: Hook) -> bool:
    try:
        return read(work) is not None
    except ClientError as error:
        if is_one_of(error, MISSING):
            return False
        raise


def updated_with(operation: str, identity: str) -> Hook:
    """Update as a whole: Image Builder takes what is left out as removed."""

    def update(work: Work) -> None:
        parameters = work.parameters(Call(operation))
        parameters.pop("tags", None)
        parameters[identity] = work.id
        work.call(operation, clientToken=str(uuid.uuid4()), **parameters)

    return update


def _read_component(work: Work) -> dict[str, Any]:
    component = work.call("GetComponent", componentBuildVersionArn=work.id)["component"]
    return {
        **work.properties(component),
        "arn": component["arn"],
        "encrypted": bool(component.get("encrypted")),
        "tags": component.get("tags") or {},
    }


def _read_recipe(work: Work) -> dict[str, Any]:
    recipe = work.call("GetImageRecipe", imageRecipeArn=work.id)["imageRecipe"]
    additional = recipe.get("additionalInstanceConfiguration") or {}
    agent = (additional.get("systemsManagerAgent") or {}).get("uninstallAfterBuild")
    found = work.properties(recipe)
    for component in found.get("components") or ():
        # Parameters are lists of values in the API, single ones in pulumi-aws.
        for parameter in component.get("parameters") or ():
            value = parameter.get("value")
            parameter["value"] = value[0] if isinstance(value, list) and value else value
    return {
        **found,
        "userDataBase64": additional.get("userDataOverride"),
        "systemsManagerAgent": None if agent is None else {"uninstallAfterBuild": agent},
        "tags": recipe.get("tags") or {},
    }


def _create_recipe(work: Work) -> str:
    additional: dict[str, Any] = {}
    if work.inputs.get("systemsManagerAgent"):
        additional["systemsManagerAgent"] = dict(work.inputs["systemsManagerAgent"])
    if work.inputs.get("userDataBase64"):
        additional["userDataOverride"] = work.inputs["userDataBase64"]
    parameters = work.parameters(Call("CreateImageRecipe"))
    if additional:
        parameters["additionalInstanceConfiguration"] = additional
    token = client_token(work, parameters)
    work.id = str(work.call("CreateImageRecipe", clientToken=token, **parameters)["imageRecipeArn"])
    if not _exists(work, _read_recipe):
        work.id = str(work.call("CreateImageRecipe", clientToken=str(uuid.uuid4()), **parameters)["imageRecipeArn"])
    return work.id


def _read_pipeline(work: Work) -> dict[str, Any]:
    pipeline = work.call("GetImagePipeline", imagePipelineArn=work.id)["imagePipeline"]
    found = work.properties(pipeline)
    for workflow in found.get("workflows") or ():
        for parameter in workflow.get("parameters") or ():
            value = parameter.get("value")
            parameter["value"] = value[0] if isinstance(value, list) and value else value
    return {
        **found,
        "dateLastRun": pipeline.get("dateLastRun") or "",
        "dateNextRun": pipeline.get("dateNextRun") or "",
        "tags": pipeline.get("tags") or {},
    }


def _delete_component(work: Work) -> None:
    if not work.known("skipDestroy"):
        work.call("DeleteComponent", componentBuildVersionArn=work.id)


def _check_component(inputs: Mapping[str, Any]) -> dict[str, str]:
    if inputs.get("data") and inputs.get("uri"):
        return {"uri": "property 'uri' conflicts with data"}
    return {}


PIPELINE_SETTINGS = frozenset(
    {
        "containerRecipeArn",
        "description",
        "distributionConfigurationArn",
        "enhancedImageMetadataEnabled",
        "executionRole",
        "imageRecipeArn",
        "imageScanningConfiguration",
        "imageTestsConfiguration",
        "infrastructureConfigurationArn",
        "loggingConfiguration",
        "schedule",
        "status",
        "workflows",
    }
)

ROWS = (
    ResourceType(
        token="aws:imagebuilder/component:Component",
        service="imagebuilder",
        create=created_with_token("CreateComponent", "componentBuildVersionArn", _read_component),
        created_with=frozenset(
            {
                "changeDescription",
                "data",
                "description",
                "kmsKeyId",
                "name",
                "platform",
                "supportedOsVersions",
                "uri",
                "version",
            }
        ),
        identify=lambda work, answer: str(answer),
        read=_read_component,
        delete=_delete_component,
        tagging=TAGGING,
        local=frozenset({"skipDestroy"}),
        unread=frozenset({"uri"}),
        missing=MISSING,
        renames={"version": "semanticVersion", "arn": "arn"},
        defaults={"skipDestroy": False},
        auto_name=AutoName(maximum=126, prefix_property=None),
        key=frozenset({"name", "version"}),
        comparison=Comparison({"supportedOsVersions": SET}, frozenset({"kmsKeyId", "data"})),
        check=_check_component,
    ),
    ResourceType(
        token="aws:imagebuilder/imageRecipe:ImageRecipe",
        service="imagebuilder",
        create=_create_recipe,
        created_with=frozenset(
            {
                "amiTags",
                "blockDeviceMappings",
                "components",
                "description",
                "name",
                "parentImage",
                "systemsManagerAgent",
                "userDataBase64",
                "version",
                "workingDirectory",
            }
        ),
        identify=lambda work, answer: str(answer),
        read=_read_recipe,
        delete=Call("DeleteImageRecipe", identity={"imageRecipeArn": "id"}, only=frozenset()),
        tagging=TAGGING,
        missing=MISSING,
        renames={"version": "semanticVersion"},
        auto_name=AutoName(maximum=126, prefix_property=None),
        key=frozenset({"name", "version"}),
        comparison=Comparison({"blockDeviceMappings": SET}, frozenset({"workingDirectory", "systemsManagerAgent"})),
    ),
    ResourceType(
        token="aws:imagebuilder/imagePipeline:ImagePipeline",
        service="imagebuilder",
        create=created_with_token("CreateImagePipeline", "imagePipelineArn", _read_pipeline),
        created_with=PIPELINE_SETTINGS | {"name"},
        identify=lambda work, answer: str(answer),
        read=_read_pipeline,
        settings=(Setting(PIPELINE_SETTINGS, updated_with("UpdateImagePipeline", "imagePipelineArn")),),
        delete=Call("DeleteImagePipeline", identity={"imagePipelineArn": "id"}, only=frozenset()),
        tagging=TAGGING,
        missing=MISSING,
        defaults={"enhancedImageMetadataEnabled": True, "status": "ENABLED"},
        auto_name=AutoName(maximum=126, prefix_property=None),
        key=frozenset({"name"}),
        volatile=frozenset({"dateUpdated"}),
        comparison=Comparison(
            {"workflows.parameters": SET, "imageScanningConfiguration.ecrConfiguration.containerTags": SET},
            frozenset(
                {
                    "executionRole",
                    "imageScanningConfiguration",
                    "imageTestsConfiguration",
                    "imageTestsConfiguration.timeoutMinutes",
                    "imageTestsConfiguration.imageTestsEnabled",
                    "loggingConfiguration",
                    "loggingConfiguration.imageLogGroupName",
                    "loggingConfiguration.pipelineLogGroupName",
                    "schedule.timezone",
                    "schedule.pipelineExecutionStartCondition",
                    "workflows",
                    "workflows.onFailure",
                    "workflows.parallelGroup",
                }
            ),
        ),
    ),
)
