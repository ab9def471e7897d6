"""Distribution configurations: where an image goes, under which name and key, and which parameters name it.

Source: API Reference, CreateDistributionConfiguration, AmiDistributionConfiguration, SsmParameterConfiguration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from local.cloud.call import Call
from local.cloud.image_builder import errors
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.store import filtered, page, picked
from local.cloud.image_builder.versions import ResourceArn, arn_name

KIND = "distribution-configuration"
TIMEOUT_MINUTES = 720
"""Minutes a distribution may take (service model, DistributionTimeoutMinutes)."""

_NOT_HERE = (
    "containerDistributionConfiguration", "s3ExportConfiguration",
)  # fmt: skip
_PLACEHOLDER = re.compile(r"\{\{\s*([^}]*?)\s*\}\}")
_VARIABLES = ("imagebuilder:buildDate", "imagebuilder:buildVersion")
_KEY_ARN = re.compile(r"arn:aws:kms:(?P<region>[^:]+):[0-9]{12}:(?:key|alias)/.+")


class Distributions:
    """The operations on distribution configurations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateDistributionConfiguration": self.create,
            "GetDistributionConfiguration": self.get,
            "UpdateDistributionConfiguration": self.update,
            "DeleteDistributionConfiguration": self.delete,
            "ListDistributionConfigurations": self.list,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateDistributionConfiguration."""
        shelf, given = self._context.shelf(call), call.parameters
        arn = str(ResourceArn(call.region, call.caller.account, KIND, arn_name(given["name"])))
        self._context.authorize_tags(call, arn)
        if shelf.find(KIND, arn):
            raise errors.already_exists(arn)
        check(given["distributions"], call.caller.account)
        if given.get("dryRun"):
            raise errors.dry_run()
        record = {
            "arn": arn,
            **picked(given, ("name", "description", "distributions")),
            "timeoutMinutes": TIMEOUT_MINUTES,
            "dateCreated": self._context.now(),
            "tags": dict(given.get("tags") or {}),
        }
        shelf.put(KIND, record)
        return {"clientToken": given.get("clientToken"), "distributionConfigurationArn": arn}

    def get(self, call: Call) -> dict[str, Any]:
        """GetDistributionConfiguration."""
        record = self._context.shelf(call).get(KIND, call.parameters["distributionConfigurationArn"])
        return {"distributionConfiguration": picked(record, record)}

    def update(self, call: Call) -> dict[str, Any]:
        """UpdateDistributionConfiguration: replaces description and distributions."""
        given = call.parameters
        record = self._context.shelf(call).get(KIND, given["distributionConfigurationArn"])
        check(given["distributions"], call.caller.account)
        record.pop("description", None)
        record.update(picked(given, ("description", "distributions")), dateUpdated=self._context.now())
        return {"clientToken": given.get("clientToken"), "distributionConfigurationArn": record["arn"]}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteDistributionConfiguration: not while a pipeline refers to it."""
        shelf, arn = self._context.shelf(call), call.parameters["distributionConfigurationArn"]
        shelf.get(KIND, arn)
        if any(pipeline.get("distributionConfigurationArn") == arn for pipeline in shelf.all("image-pipeline")):
            raise errors.in_use_by_others(arn)
        shelf.delete(KIND, arn)
        return {"distributionConfigurationArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListDistributionConfigurations."""
        keys = ("arn", "name", "description", "dateCreated", "dateUpdated", "tags")
        records = filtered(self._context.shelf(call).all(KIND), call.parameters, ("name",))
        entries = [
            {**picked(record, keys), "regions": [entry["region"] for entry in record["distributions"]]}
            for record in records
        ]
        return page(entries, call.parameters, "distributionConfigurationSummaryList")


def check(distributions: list[dict[str, Any]], account: str) -> None:
    """Check what the service model does not.

    Raises:
        ServiceError: A Region is there twice or a part is missing, the name's variables, a key that is not of the
            Region, a parameter's account that is no target, or a feature that the local cloud does not have.
    """
    regions = [entry["region"] for entry in distributions]
    for index, entry in enumerate(distributions):
        where = f"distributions[{index}]"
        if regions.count(entry["region"]) > 1:
            raise errors.invalid_combination(where, f"The Region {entry['region']} is there twice.")
        for member in _NOT_HERE:
            if entry.get(member):
                raise errors.invalid_value(f"{where}.{member}", "The local cloud does not carry it out.")
        ami = cast("dict[str, Any]", entry.get("amiDistributionConfiguration") or {})
        if not ami and not entry.get("ssmParameterConfigurations"):
            raise errors.invalid_value(where, "It must hold a configuration.")
        _check_ami(f"{where}.amiDistributionConfiguration", entry["region"], ami)
        _check_fast_launch(f"{where}.fastLaunchConfigurations", entry, account)
        targets = set(ami.get("targetAccountIds") or [account])
        for number, parameter in enumerate(entry.get("ssmParameterConfigurations") or []):
            owner = parameter.get("amiAccountId", account)
            if owner not in targets:
                raise errors.invalid_value(
                    f"{where}.ssmParameterConfigurations[{number}].amiAccountId",
                    f"The account {owner} is no target account of the Region {entry['region']}.",
                )


def _check_fast_launch(where: str, entry: Mapping[str, Any], account: str) -> None:
    """Fast launch is for the AMI of the account that builds it (User Guide, "Manage distribution configurations")."""
    targets = (entry.get("amiDistributionConfiguration") or {}).get("targetAccountIds") or [account]
    for configuration in entry.get("fastLaunchConfigurations") or []:
        owner = configuration.get("accountId", account)
        if owner != account or account not in targets:
            raise errors.invalid_value(where, f"The account {owner} has no AMI of its own build there.")


def _check_ami(where: str, region: str, ami: Mapping[str, Any]) -> None:
    name = ami.get("name")
    if name:
        variables = _PLACEHOLDER.findall(name)
        unknown = [variable for variable in variables if variable not in _VARIABLES]
        if unknown or not variables:
            needed = " or ".join(f"'{{{{ {variable} }}}}'" for variable in _VARIABLES)
            raise errors.invalid_value(f"{where}.name", f"The AMI name must contain {needed}.")
    key = ami.get("kmsKeyId")
    match = _KEY_ARN.fullmatch(key) if key else None
    if match and match["region"] != region:
        raise errors.invalid_value(f"{where}.kmsKeyId", f"The key is in {match['region']}, not in {region}.")
    if key and match is None and ami.get("targetAccountIds"):
        raise errors.invalid_value(f"{where}.kmsKeyId", "Target accounts need the full ARN of a key.")
