"""EC2 Image Builder infrastructure and distribution configurations (EC2 Image Builder API reference)."""

from __future__ import annotations

from typing import Any

from local.provider.difference import SET, Comparison
from local.provider.naming import AutoName
from local.provider.resource_table.image_builder import MISSING, TAGGING, created_with_token, updated_with
from local.provider.resource_type import Call, ResourceType, Setting
from local.provider.work import Work

INFRASTRUCTURE_SETTINGS = frozenset(
    {
        "description",
        "instanceMetadataOptions",
        "instanceProfileName",
        "instanceTypes",
        "keyPair",
        "logging",
        "placement",
        "resourceTags",
        "securityGroupIds",
        "snsTopicArn",
        "subnetId",
        "terminateInstanceOnFailure",
    }
)

DISTRIBUTION_SETTINGS = frozenset({"description", "distributions"})

SETS = (
    "distributions",
    "distributions.amiDistributionConfiguration.launchPermission.organizationArns",
    "distributions.amiDistributionConfiguration.launchPermission.organizationalUnitArns",
    "distributions.amiDistributionConfiguration.launchPermission.userGroups",
    "distributions.amiDistributionConfiguration.launchPermission.userIds",
    "distributions.amiDistributionConfiguration.targetAccountIds",
    "distributions.containerDistributionConfiguration.containerTags",
    "distributions.fastLaunchConfigurations",
    "distributions.launchTemplateConfigurations",
    "distributions.licenseConfigurationArns",
    "distributions.ssmParameterConfigurations",
)


def _read_infrastructure(work: Work) -> dict[str, Any]:
    answer = work.call("GetInfrastructureConfiguration", infrastructureConfigurationArn=work.id)
    configuration = answer["infrastructureConfiguration"]
    return {
        **work.properties(configuration),
        "terminateInstanceOnFailure": bool(configuration.get("terminateInstanceOnFailure")),
        "dateUpdated": configuration.get("dateUpdated") or "",
        "tags": configuration.get("tags") or {},
    }


def _read_distribution(work: Work) -> dict[str, Any]:
    answer = work.call("GetDistributionConfiguration", distributionConfigurationArn=work.id)
    configuration = answer["distributionConfiguration"]
    return {
        **work.properties(configuration),
        "dateUpdated": configuration.get("dateUpdated") or "",
        "tags": configuration.get("tags") or {},
    }


ROWS = (
    ResourceType(
        token="aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration",
        service="imagebuilder",
        create=created_with_token(
            "CreateInfrastructureConfiguration", "infrastructureConfigurationArn", _read_infrastructure
        ),
        created_with=INFRASTRUCTURE_SETTINGS | {"name"},
        identify=lambda work, answer: str(answer),
        read=_read_infrastructure,
        settings=(
            Setting(
                INFRASTRUCTURE_SETTINGS,
                updated_with("UpdateInfrastructureConfiguration", "infrastructureConfigurationArn"),
            ),
        ),
        delete=Call(
            "DeleteInfrastructureConfiguration",
            identity={"infrastructureConfigurationArn": "id"},
            only=frozenset(),
        ),
        tagging=TAGGING,
        missing=MISSING,
        defaults={"terminateInstanceOnFailure": False},
        auto_name=AutoName(maximum=126, prefix_property=None),
        key=frozenset({"name"}),
        volatile=frozenset({"dateUpdated"}),
        comparison=Comparison(
            {"instanceTypes": SET, "securityGroupIds": SET},
            frozenset({"instanceMetadataOptions.httpTokens", "instanceMetadataOptions.httpPutResponseHopLimit"}),
        ),
    ),
    ResourceType(
        token="aws:imagebuilder/distributionConfiguration:DistributionConfiguration",
        service="imagebuilder",
        create=created_with_token(
            "CreateDistributionConfiguration", "distributionConfigurationArn", _read_distribution
        ),
        created_with=DISTRIBUTION_SETTINGS | {"name"},
        identify=lambda work, answer: str(answer),
        read=_read_distribution,
        settings=(
            Setting(
                DISTRIBUTION_SETTINGS,
                updated_with("UpdateDistributionConfiguration", "distributionConfigurationArn"),
            ),
        ),
        delete=Call(
            "DeleteDistributionConfiguration", identity={"distributionConfigurationArn": "id"}, only=frozenset()
        ),
        tagging=TAGGING,
        missing=MISSING,
        renames={
            "distributions.containerDistributionConfiguration.targetRepository.repositoryName": "repositoryName",
            "distributions.fastLaunchConfigurations.maxParallelLaunches": "maxParallelLaunches",
            "distributions.launchTemplateConfigurations.default": "setDefaultVersion",
        },
        auto_name=AutoName(maximum=126, prefix_property=None),
        key=frozenset({"name"}),
        volatile=frozenset({"dateUpdated"}),
        comparison=Comparison(
            {path: SET for path in SETS},
            frozenset({"distributions.ssmParameterConfigurations.dataType"}),
        ),
    ),
)
