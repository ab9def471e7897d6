"""What the landing zone's stack asks of AWS."""

import json
from collections.abc import Callable
from typing import Any

from model.files.landing_zone import LandingZone


def test_every_target_gets_a_distribution_role_that_trusts_the_hub(
    landing_zone_resources: Callable[[LandingZone], Any], landing_zone: LandingZone
) -> None:
    resources = landing_zone_resources(landing_zone)
    name = "EC2ImageBuilderDistributionCrossAccountRole"
    roles = [role for role in resources.of_type("Role") if role.inputs["name"] == name]
    assert len(roles) == 2
    for role in roles:
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    attached = [attachment.inputs["policyArn"] for attachment in resources.of_type("RolePolicyAttachment")]
    assert attached.count("arn:aws:iam::aws:policy/Ec2ImageBuilderCrossAccountDistributionAccess") == 2


def test_every_target_gets_a_lifecycle_role_for_image_builder_and_the_hubs_own_functions(
    landing_zone_resources: Callable[[LandingZone], Any], landing_zone: LandingZone
) -> None:
    resources = landing_zone_resources(landing_zone)
    name = "Ec2ImageBuilderCrossAccountLifecycleAccess"
    roles = [role for role in resources.of_type("Role") if role.inputs["name"] == name]
    assert len(roles) == 2
    for role in roles:
        service, functions = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert service["Principal"] == {"Service": "imagebuilder.amazonaws.com"}
        assert service["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "111111111111"},
            "ArnLike": {"aws:SourceArn": "arn:aws:imagebuilder:*:111111111111:image/*/*/*"},
        }
        assert functions["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
        assert functions["Condition"]["ArnLike"]["aws:PrincipalArn"] == [
            "arn:aws:iam::111111111111:role/golden-ami-*-report-outcome",
            "arn:aws:iam::111111111111:role/golden-ami-*-sweep-images",
        ]
    attached = [attachment.inputs["policyArn"] for attachment in resources.of_type("RolePolicyAttachment")]
    assert attached.count("arn:aws:iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy") == 2


def test_each_role_is_made_with_its_own_accounts_deployment_role(
    landing_zone_resources: Callable[[LandingZone], Any], landing_zone: LandingZone
) -> None:
    resources = landing_zone_resources(landing_zone)
    made = {role.name: role.provider.split("::")[-2] for role in resources.of_type("Role")}
    assert made == {
        "landing-zone-workloads-production-role": "workloads-production",
        "landing-zone-workloads-production-lifecycle-role": "workloads-production",
        "landing-zone-workloads-test-role": "workloads-test",
        "landing-zone-workloads-test-lifecycle-role": "workloads-test",
    }
    providers = {provider.name: provider.inputs for provider in resources.of_type("aws")}
    assert "golden-ami-deployment" in str(providers["workloads-test"]["assumeRoles"])
    assert "333333333333" in str(providers["workloads-test"]["allowedAccountIds"])


def test_without_targets_the_landing_zone_makes_nothing(
    landing_zone_resources: Callable[[LandingZone], Any], landing_zone: LandingZone
) -> None:
    alone = landing_zone.model_copy(update={"targets": {}})
    kinds = {resource.type for resource in landing_zone_resources(alone).resources}
    assert kinds == {"golden-ami:target:LandingZoneAccounts"}
