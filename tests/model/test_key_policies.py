"""The image key's policy follows seed 001, Region by Region."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from model.distribution import ConsumerRole, DistributionPlan, RegionTarget, SharedWith, Uploader
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.key_policies import ADMINISTRATOR_ACTIONS, KEY_POLICY_MAXIMUM, data_key_policy, image_key_policy
from model.names import ProductNames

ADMINISTRATOR = "arn:aws:iam::111111111111:role/platform-administrator"
DISTRIBUTION = "arn:aws:iam::*:role/EC2ImageBuilderDistributionCrossAccountRole"


def statements(plan: DistributionPlan, region: str) -> dict[str, Any]:
    document = json.loads(image_key_policy(plan, region, (ADMINISTRATOR,)).json())
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_administrators_have_the_seeds_actions_but_for_grants_and_are_users_too(
    ledger: Product, landing_zone: LandingZone
) -> None:
    found = statements(ledger.plan(landing_zone), "us-east-1")
    assert found["KeyAdministration"]["Action"] == list(ADMINISTRATOR_ACTIONS)
    assert len(ADMINISTRATOR_ACTIONS) == 14
    assert [action for action in ADMINISTRATOR_ACTIONS if action.startswith("kms:Create")] == ["kms:CreateAlias"]
    for sid in ("KeyAdministration", "UseByAdministrators", "GrantsByAdministrators"):
        assert found[sid]["Principal"] == {"AWS": ADMINISTRATOR}


def test_targets_are_admitted_as_accounts_under_their_roles_arns(ledger: Product, landing_zone: LandingZone) -> None:
    use = statements(ledger.plan(landing_zone), "us-east-1")["UseByTargets"]
    assert use["Principal"] == {"AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:root"]}
    assert use["Condition"] == {
        "ArnLike": {
            "aws:PrincipalArn": [
                DISTRIBUTION,
                "arn:aws:iam::222222222222:role/ledger-instances",
                "arn:aws:iam::333333333333:role/application/ledger-runtime",
            ]
        }
    }
    assert use["Action"] == ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


def test_grants_are_for_aws_resources_only(ledger: Product, landing_zone: LandingZone) -> None:
    found = statements(ledger.plan(landing_zone), "eu-west-1")
    for sid in ("GrantsByAdministrators", "GrantsByTargets"):
        assert found[sid]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


PLAN = DistributionPlan(
    hub="111111111111",
    build_region="us-east-1",
    regions=(RegionTarget("us-east-1", ("222222222222",)), RegionTarget("eu-west-1", ("333333333333",))),
    consumers=(ConsumerRole("222222222222", "two", True), ConsumerRole("333333333333", "three", False)),
)


def test_the_build_regions_key_serves_every_copy_and_a_replica_only_its_own_region() -> None:
    def use(region: str) -> tuple[Any, Any]:
        statement = statements(PLAN, region)["UseByTargets"]
        return statement["Principal"]["AWS"], statement["Condition"]["ArnLike"]["aws:PrincipalArn"]

    assert use("us-east-1") == (
        ["arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:root"],
        [DISTRIBUTION, "arn:aws:iam::222222222222:role/two"],
    )
    assert use("eu-west-1") == (
        "arn:aws:iam::333333333333:root",
        [DISTRIBUTION, "arn:aws:iam::333333333333:role/three"],
    )


def test_without_targets_only_the_hub_and_its_administrators_are_named() -> None:
    plan = DistributionPlan("111111111111", "us-east-1", (RegionTarget("us-east-1", ()),), ())
    assert set(statements(plan, "us-east-1")) == {
        "EnableAccountPolicies",
        "KeyAdministration",
        "UseByAdministrators",
        "GrantsByAdministrators",
        "RefuseOtherGrantees",
    }


@given(st.integers(min_value=1, max_value=300))
def test_a_policy_of_many_accounts_keeps_awss_limit(count: int) -> None:
    accounts = tuple(f"{222222222222 + number}" for number in range(count))
    plan = DistributionPlan("111111111111", "us-east-1", (RegionTarget("us-east-1", accounts),), ())
    assert len(image_key_policy(plan, "us-east-1", (ADMINISTRATOR,)).json()) <= KEY_POLICY_MAXIMUM


def data_statements(*uploaders: str) -> dict[str, Any]:
    plan = replace(PLAN, uploaders=tuple(Uploader(arn, True) for arn in uploaders))
    names = ProductNames("ledger", "111111111111", "us-east-1")
    document = json.loads(data_key_policy(names, plan, (ADMINISTRATOR,)).json())
    return {entry["Sid"]: entry for entry in document["Statement"]}


def test_logs_use_the_data_key_for_the_products_groups_only() -> None:
    logs = data_statements()["UseByLogs"]
    assert logs["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    groups = ("lambda/golden-ami-ledger-start-build", "lambda/golden-ami-ledger-report-outcome")
    stem = "arn:aws:logs:us-east-1:111111111111:log-group:/aws/"
    arns = [*(f"{stem}{group}" for group in groups), f"{stem}imagebuilder/golden-ami-ledger"]
    assert logs["Condition"] == {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arns}}


def test_a_team_of_another_account_uses_the_data_key_through_its_bucket_only() -> None:
    assert "UseByTeam" not in data_statements("arn:aws:iam::111111111111:role/own")
    role = "arn:aws:iam::444444444444:role/team"
    team = data_statements(role)["UseByTeam"]
    assert team["Principal"] == {"AWS": "arn:aws:iam::444444444444:root"}
    assert team["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": role},
        "StringEquals": {
            "kms:ViaService": "s3.us-east-1.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::golden-ami-ledger-111111111111-us-east-1",
        },
    }


def test_auto_scaling_is_granted_to_by_its_accounts_deployment_role_and_nobody_else_is() -> None:
    role = "arn:aws:iam::333333333333:role/golden-ami-deployment"
    consumers = (ConsumerRole("333333333333", "three", True, auto_scaling=True),)
    plan = replace(PLAN, consumers=consumers, deployment_roles={"333333333333": role})
    grantee = "arn:aws:iam::333333333333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    policy = statements(plan, "eu-west-1")
    allowed = policy["GrantToAutoScaling"]["Condition"]
    assert allowed["ArnEquals"] == {"aws:PrincipalArn": role}
    assert allowed["StringEquals"] == {"kms:GranteePrincipal": grantee}
    refused = policy["RefuseOtherGrantees"]
    assert (refused["Effect"], refused["Principal"]) == ("Deny", "*")
    assert refused["Condition"] == {
        "BoolIfExists": {"kms:GrantIsForAWSResource": "false"},
        "StringNotEquals": {"kms:GranteePrincipal": grantee},
    }


ORGANIZATIONS = "arn:aws:organizations::999999999999"


def shared(**entities: tuple[str, ...]) -> DistributionPlan:
    """Shared in one Region, kept by the hub in the other."""
    consumers = (ConsumerRole("222222222222", "two", True),)
    regions = (RegionTarget("us-east-1", (), SharedWith(**entities)), RegionTarget("eu-west-1", ()))
    return replace(PLAN, regions=regions, consumers=consumers)


def test_accounts_with_a_share_are_admitted_by_their_consumers_and_no_distribution_role_is() -> None:
    plan = shared(accounts=("222222222222", "333333333333"))
    use = statements(plan, "us-east-1")["UseByTargets"]
    assert use["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    assert use["Condition"] == {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/two"}}
    assert "UseByTargets" not in statements(plan, "eu-west-1")


def test_an_organisation_uses_the_key_through_ec2_of_the_region_and_nothing_else() -> None:
    plan = shared(organizations=(f"{ORGANIZATIONS}:organization/o-abcdefghij",))
    found = statements(plan, "us-east-1")
    through = {"aws:PrincipalOrgID": "o-abcdefghij", "kms:ViaService": "ec2.us-east-1.amazonaws.com"}
    assert found["UseByOrganizations"]["Principal"] == "*"
    assert found["UseByOrganizations"]["Condition"] == {"StringEquals": through}
    assert found["GrantsByOrganizations"]["Action"] == "kms:CreateGrant"
    assert found["GrantsByOrganizations"]["Condition"] == {
        "StringEquals": through,
        "Bool": {"kms:GrantIsForAWSResource": "true"},
    }
    assert "UseByOrganizations" not in statements(plan, "eu-west-1")


def test_a_unit_is_admitted_with_all_that_is_below_it_and_within_its_organisation() -> None:
    plan = shared(organizational_units=(f"{ORGANIZATIONS}:ou/o-abcdefghij/ou-abcd-12345678",))
    condition = statements(plan, "us-east-1")["UseByOrganizationalUnits"]["Condition"]
    assert condition["ForAnyValue:StringLike"] == {"aws:PrincipalOrgPaths": "o-abcdefghij/*/ou-abcd-12345678/*"}
    assert condition["StringEquals"]["aws:PrincipalOrgID"] == "o-abcdefghij"
    assert "UseByOrganizations" not in statements(plan, "us-east-1")
