"""What build instances ask of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from model.files.infrastructure import BuildLogs, Egress, InstanceProfile
from model.files.landing_zone import LandingZone
from model.files.product import Product

KEY = "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555"

Build = Callable[[Product, LandingZone], Any]


def test_build_instances_take_tokens_only_and_let_nothing_in(ledger_resources: Any) -> None:
    infrastructure = ledger_resources.one("InfrastructureConfiguration").inputs
    assert infrastructure["instanceMetadataOptions"] == {"httpTokens": "required", "httpPutResponseHopLimit": 1}
    assert infrastructure["subnetId"] == "subnet-00000001"
    assert infrastructure["securityGroupIds"] == ["ledger-images-instances-security-group-id"]
    assert infrastructure["terminateInstanceOnFailure"] is True
    assert "logging" not in infrastructure
    assert "ingress" not in ledger_resources.one("SecurityGroup").inputs
    assert ledger_resources.of_type("SecurityGroupIngressRule") == []
    (egress,) = ledger_resources.of_type("SecurityGroupEgressRule")
    assert (egress.inputs["cidrIpv4"], egress.inputs["fromPort"], egress.inputs["toPort"]) == ("0.0.0.0/0", 443, 443)


def test_without_a_subnet_they_run_in_the_first_default_one(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(ledger.model_copy(update={"subnet": None}), landing_zone)
    assert resources.one("InfrastructureConfiguration").inputs["subnetId"] == "subnet-0000000a"
    assert "aws:ec2/getSubnets:getSubnets" in resources.calls


def test_given_security_groups_are_used_instead_of_an_own_one(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    groups = ("sg-00000001", "sg-00000002")
    resources = product_resources(ledger.model_copy(update={"security_groups": groups}), landing_zone)
    assert resources.one("InfrastructureConfiguration").inputs["securityGroupIds"] == list(groups)
    assert resources.of_type("SecurityGroup") == []
    assert resources.of_type("SecurityGroupEgressRule") == []


def test_they_reach_only_what_the_file_says(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    egress = (
        Egress(description="Proxy", cidr="10.0.0.8/32", port=3128),
        Egress.model_validate({"description": "S3", "prefixList": "pl-00000001"}),
    )
    resources = product_resources(ledger.model_copy(update={"egress": egress}), landing_zone)
    rules = [rule.inputs for rule in resources.of_type("SecurityGroupEgressRule")]
    found = [
        (rule.get("cidrIpv4"), rule.get("prefixListId"), rule["fromPort"], rule["toPort"], rule["description"])
        for rule in rules
    ]
    assert sorted(found, key=str) == [
        ("10.0.0.8/32", None, 3128, 3128, "Proxy"),
        (None, "pl-00000001", 443, 443, "S3"),
    ]


def test_logs_go_to_the_given_bucket_under_the_products_name_and_its_key(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    logs = BuildLogs(bucket="build-logs", key=KEY)
    resources = product_resources(ledger.model_copy(update={"build_logs": logs}), landing_zone)
    configured = resources.one("InfrastructureConfiguration").inputs["logging"]
    assert configured == {"s3Logs": {"s3BucketName": "build-logs", "s3KeyPrefix": "golden-ami-ledger"}}
    policy = resources.one("RolePolicy", "instances-logs").inputs
    statements = {entry["Sid"]: entry for entry in json.loads(policy["policy"])["Statement"]}
    assert statements["WriteBuildLogs"]["Resource"] == "arn:aws:s3:::build-logs/golden-ami-ledger/*"
    assert statements["EncryptBuildLogs"]["Resource"] == KEY


def test_without_a_bucket_they_write_to_none(ledger_resources: Any) -> None:
    names = [policy.name for policy in ledger_resources.of_type("RolePolicy") if "instances" in policy.name]
    assert [name for name in names if name.endswith("-logs")] == []


GIVEN = {
    "instance_profile": InstanceProfile(name="shared-builders", role="builders/shared-builder"),
    "execution_role": "builders/shared-execution",
}


def test_a_given_profile_is_used_and_its_role_gets_what_reads_the_pinned_build(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    logs = BuildLogs(bucket="build-logs")
    resources = product_resources(ledger.model_copy(update={**GIVEN, "build_logs": logs}), landing_zone)
    assert resources.one("InfrastructureConfiguration").inputs["instanceProfileName"] == "shared-builders"
    policies = {policy.inputs["name"]: policy.inputs for policy in resources.of_type("RolePolicy")}
    reading = policies["golden-ami-ledger-read-pinned-build"]
    assert reading["role"] == policies["golden-ami-ledger-write-build-logs"]["role"] == "shared-builder"
    sids = [entry["Sid"] for entry in json.loads(reading["policy"])["Statement"]]
    assert sids == ["ReadPinnedBuild", "ListPinnedBuild", "DecryptPinnedBuild"]
    assert [role.name for role in resources.of_type("Role") if "ledger-images" in role.name] == []
    assert [profile.name for profile in resources.of_type("InstanceProfile") if "ledger-images" in profile.name] == []
    assert resources.of_type("RolePolicyAttachment") == []


def test_a_given_execution_role_gets_what_the_pipeline_does_and_hands_the_given_role_to_instances(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(ledger.model_copy(update=GIVEN), landing_zone)
    policy = resources.one("RolePolicy", "execution").inputs
    assert (policy["name"], policy["role"]) == ("golden-ami-ledger-build-and-distribute", "shared-execution")
    statements = {entry["Sid"]: entry for entry in json.loads(policy["policy"])["Statement"]}
    builder = "arn:aws:iam::111111111111:role/builders/shared-builder"
    assert statements["PassBuildInstanceRole"]["Resource"] == builder
    role = resources.one("ImagePipeline", "-pipeline").inputs["executionRole"]
    assert role == "arn:aws:iam::111111111111:role/builders/shared-execution"


def test_left_out_role_profile_and_execution_role_are_made(ledger_resources: Any) -> None:
    profile = ledger_resources.one("InstanceProfile", "images-instances-profile").inputs
    assert ledger_resources.one("InfrastructureConfiguration").inputs["instanceProfileName"] == profile["name"]
    names = {role.inputs["name"] for role in ledger_resources.of_type("Role")}
    assert {"golden-ami-ledger-build-instance", "golden-ami-ledger-execution"} <= names
    policies = {policy.inputs["name"] for policy in ledger_resources.of_type("RolePolicy")}
    assert {"read-pinned-build", "build-and-distribute"} <= policies
    assert len(ledger_resources.of_type("RolePolicyAttachment")) == 2


def test_instances_of_failed_builds_are_kept_where_the_file_says_so(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(ledger.model_copy(update={"terminate_on_failure": False}), landing_zone)
    assert resources.one("InfrastructureConfiguration").inputs["terminateInstanceOnFailure"] is False
