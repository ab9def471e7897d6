"""Infrastructure configurations: what the build and test instances are.

Source: API Reference, CreateInfrastructureConfiguration, UpdateInfrastructureConfiguration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.call import Call
from local.cloud.image_builder import errors
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.store import Record, filtered, page, picked
from local.cloud.image_builder.versions import ResourceArn, arn_name

KIND = "infrastructure-configuration"
_GIVEN = (
    "description", "instanceTypes", "instanceProfileName", "securityGroupIds", "subnetId", "logging", "keyPair",
    "snsTopicArn", "resourceTags", "instanceMetadataOptions", "placement",
)  # fmt: skip
_SUMMARY = (
    "arn", "name", "description", "dateCreated", "dateUpdated", "resourceTags", "tags", "instanceTypes",
    "instanceProfileName", "placement",
)  # fmt: skip


class Infrastructures:
    """The operations on infrastructure configurations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateInfrastructureConfiguration": self.create,
            "GetInfrastructureConfiguration": self.get,
            "UpdateInfrastructureConfiguration": self.update,
            "DeleteInfrastructureConfiguration": self.delete,
            "ListInfrastructureConfigurations": self.list,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateInfrastructureConfiguration."""
        shelf, given = self._context.shelf(call), call.parameters
        arn = str(ResourceArn(call.region, call.caller.account, KIND, arn_name(given["name"])))
        self._context.authorize_tags(call, arn)
        if shelf.find(KIND, arn):
            raise errors.already_exists(arn)
        settings = self._settings(call)
        if given.get("dryRun"):
            raise errors.dry_run()
        created = {"dateCreated": self._context.now(), "tags": dict(given.get("tags") or {})}
        shelf.put(KIND, {"arn": arn, "name": given["name"], **settings, **created})
        return {"clientToken": given.get("clientToken"), "infrastructureConfigurationArn": arn}

    def _settings(self, call: Call) -> Record:
        given = call.parameters
        profile = given["instanceProfileName"]
        role = self._context.profile_role(call.caller.account, call.region, profile)
        self._context.authorize_pass_role(call, role, "ec2.amazonaws.com")
        if given.get("placement"):
            raise errors.invalid_value("placement", "The local cloud does not place instances.")
        if bool(given.get("subnetId")) != bool(given.get("securityGroupIds")):
            raise errors.invalid_combination(
                "subnetId", "'subnetId' and 'securityGroupIds' are given together or not at all."
            )
        terminate = given.get("terminateInstanceOnFailure")
        return {**picked(given, _GIVEN), "terminateInstanceOnFailure": True if terminate is None else terminate}

    def get(self, call: Call) -> dict[str, Any]:
        """GetInfrastructureConfiguration."""
        record = self._context.shelf(call).get(KIND, call.parameters["infrastructureConfigurationArn"])
        return {"infrastructureConfiguration": picked(record, record)}

    def update(self, call: Call) -> dict[str, Any]:
        """UpdateInfrastructureConfiguration: replaces everything but name and tags."""
        arn = call.parameters["infrastructureConfigurationArn"]
        record = self._context.shelf(call).get(KIND, arn)
        settings = self._settings(call)
        kept = picked(record, ("arn", "name", "dateCreated", "tags"))
        record.clear()
        record.update({**kept, **settings, "dateUpdated": self._context.now()})
        return {"clientToken": call.parameters.get("clientToken"), "infrastructureConfigurationArn": arn}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteInfrastructureConfiguration: not while a pipeline refers to it."""
        shelf, arn = self._context.shelf(call), call.parameters["infrastructureConfigurationArn"]
        shelf.get(KIND, arn)
        if any(pipeline["infrastructureConfigurationArn"] == arn for pipeline in shelf.all("image-pipeline")):
            raise errors.in_use_by_others(arn)
        shelf.delete(KIND, arn)
        return {"infrastructureConfigurationArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListInfrastructureConfigurations."""
        records = filtered(self._context.shelf(call).all(KIND), call.parameters, ("name",))
        entries = [picked(record, _SUMMARY) for record in records]
        return page(entries, call.parameters, "infrastructureConfigurationSummaryList")
