"""Launch templates: kept by ministack, decided on here template by template, as their tags say.

Sources: Service Authorization Reference, Amazon EC2; API Reference, CreateLaunchTemplateVersion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, request_keys, tag_keys
from local.cloud.gateway import Gateway
from local.cloud.service import Operation

KIND = "launch-template"


class LaunchTemplates:
    """Operations on launch templates."""

    def __init__(self, gateway: Gateway, access: Access) -> None:
        self._gateway = gateway
        self._access = access
        self.operations: Mapping[str, Operation] = {
            "CreateLaunchTemplate": self._create,
            "CreateLaunchTemplateVersion": self._create_version,
            "DeleteLaunchTemplate": self._change,
            "DescribeLaunchTemplateVersions": self._describe_versions,
            "DescribeLaunchTemplates": self._describe,
            "ModifyLaunchTemplate": self._change,
        }

    def _create(self, call: Call) -> dict[str, Any]:
        tags = {
            tag["Key"]: tag.get("Value", "")
            for specification in call.parameters.get("TagSpecifications", [])
            if specification.get("ResourceType") == KIND
            for tag in specification.get("Tags", [])
        }
        self._access.require(call, _arn(call, "*"), request_keys(tags))
        if tags:
            context = {"ec2:CreateAction": call.operation, **request_keys(tags)}
            self._access.require(call, _arn(call, "*"), context, action="CreateTags")
        return self._gateway.forward(call)

    def _create_version(self, call: Call) -> dict[str, Any]:
        template = self._authorized(call)
        parameters = dict(call.parameters)
        if source := parameters.get("SourceVersion"):
            known = {"$Default": template["DefaultVersionNumber"], "$Latest": template["LatestVersionNumber"]}
            parameters["SourceVersion"] = str(known.get(source, source))
            self._check_version(call, template, parameters["SourceVersion"])
        return self._gateway.forward(Call(call.service, call.operation, call.region, call.caller, parameters))

    def _change(self, call: Call) -> dict[str, Any]:
        template = self._authorized(call)
        if version := call.parameters.get("DefaultVersion"):
            self._check_version(call, template, version)
        return self._gateway.forward(call)

    def _describe(self, call: Call) -> dict[str, Any]:
        self._access.describe(call)
        answer = self._gateway.forward(call)
        found = {template["LaunchTemplateId"] for template in answer.get("LaunchTemplates", [])}
        for template_id in call.parameters.get("LaunchTemplateIds", []):
            if template_id not in found:
                raise _not_found(template_id)
        return answer

    def _describe_versions(self, call: Call) -> dict[str, Any]:
        self._access.describe(call)
        if {"LaunchTemplateId", "LaunchTemplateName"} & set(call.parameters):
            self._template(call)
        return self._gateway.forward(call)

    def _authorized(self, call: Call) -> dict[str, Any]:
        """The template that a call changes, once its tags and the caller's policies allow that."""
        template = self._template(call)
        tags = {tag["Key"]: tag.get("Value", "") for tag in template.get("Tags", [])}
        self._access.require(call, _arn(call, template["LaunchTemplateId"]), tag_keys(tags))
        return template

    def _template(self, call: Call) -> dict[str, Any]:
        template_id, name = call.parameters.get("LaunchTemplateId"), call.parameters.get("LaunchTemplateName")
        for template in self._forward(call, "DescribeLaunchTemplates", {}).get("LaunchTemplates", []):
            if template_id == template["LaunchTemplateId"] or (
                not template_id and name == template["LaunchTemplateName"]
            ):
                return template
        if template_id:
            raise _not_found(template_id)
        message = f"The specified launch template, with template name {name}, does not exist."
        raise ServiceError("InvalidLaunchTemplateName.NotFoundException", message)

    def _check_version(self, call: Call, template: Mapping[str, Any], version: str) -> None:
        asked = {"LaunchTemplateId": template["LaunchTemplateId"]}
        found = self._forward(call, "DescribeLaunchTemplateVersions", asked)["LaunchTemplateVersions"]
        if version not in {str(one["VersionNumber"]) for one in found}:
            message = f"Could not find launch template version {version}."
            raise ServiceError("InvalidLaunchTemplateId.VersionNotFound", message)

    def _forward(self, call: Call, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return self._gateway.forward(Call(call.service, operation, call.region, call.caller, parameters))


def _arn(call: Call, template_id: str) -> str:
    return f"arn:aws:ec2:{call.region}:{call.caller.account}:{KIND}/{template_id}"


def _not_found(template_id: str) -> ServiceError:
    message = f"The specified launch template, with template ID {template_id}, does not exist."
    return ServiceError("InvalidLaunchTemplateId.NotFound", message)
