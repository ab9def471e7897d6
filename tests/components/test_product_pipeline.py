"""What a product's stack asks of AWS."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from model.files.fast_launch import FastLaunch
from model.files.image import Image
from model.files.landing_zone import LandingZone
from model.files.product import Distribution, Product
from model.files.volumes import DataVolume, DataVolumeType, RootVolume, VolumeType

Build = Callable[[Product, LandingZone], Any]


def test_every_region_has_a_key_of_its_own_with_its_own_policy(ledger_resources: Any) -> None:
    primary = ledger_resources.one("Key", "image-key")
    replica = ledger_resources.one("ReplicaKey")
    assert primary.inputs["multiRegion"] is True
    assert primary.inputs["enableKeyRotation"] is True
    assert replica.inputs["region"] == "eu-west-1"
    policies = [json.loads(key.inputs["policy"]) for key in (primary, replica)]
    assert [policy["Id"] for policy in policies] == [
        "golden-ami-image-key-us-east-1",
        "golden-ami-image-key-eu-west-1",
    ]


def test_each_region_of_the_distribution_names_the_arn_of_its_own_key(ledger_resources: Any) -> None:
    distributions = ledger_resources.one("DistributionConfiguration").inputs["distributions"]
    assert [
        (entry["region"], entry["amiDistributionConfiguration"]["kmsKeyId"].split(":")[3]) for entry in distributions
    ] == [("us-east-1", "us-east-1"), ("eu-west-1", "eu-west-1")]
    assert all(entry["amiDistributionConfiguration"]["kmsKeyId"].startswith("arn:aws:kms:") for entry in distributions)


def test_the_distribution_writes_the_parameter_in_every_account_and_region(ledger_resources: Any) -> None:
    distributions = ledger_resources.one("DistributionConfiguration").inputs["distributions"]
    for entry in distributions:
        assert entry["amiDistributionConfiguration"]["targetAccountIds"] == ["222222222222", "333333333333"]
        assert entry["ssmParameterConfigurations"] == [
            {"parameterName": "/golden-ami/ledger/stable", "amiAccountId": account, "dataType": "aws:ec2:image"}
            for account in ("222222222222", "333333333333")
        ]


def test_the_root_volume_is_explicit_and_encrypted_under_the_build_regions_key(ledger_resources: Any) -> None:
    (mapping,) = ledger_resources.one("ImageRecipe").inputs["blockDeviceMappings"]
    assert mapping["deviceName"] == "/dev/xvda"
    assert mapping["ebs"]["encrypted"] == "true"
    assert mapping["ebs"]["kmsKeyId"] == "arn:aws:kms:us-east-1:111111111111:key/ledger-image-key-us-east-1"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({}, {"volumeSize": 30, "volumeType": "gp3", "deleteOnTermination": "true"}),
        (
            {"size": 40, "iops": 4_000, "throughput": 500, "deleteOnTermination": False},
            {
                "volumeSize": 40,
                "volumeType": "gp3",
                "iops": 4_000,
                "throughput": 500,
                "deleteOnTermination": "false",
            },
        ),
        (
            {"type": VolumeType.IO2, "iops": 500},
            {"volumeSize": 30, "volumeType": "io2", "iops": 500, "deleteOnTermination": "true"},
        ),
    ],
)
def test_the_root_volume_is_what_the_file_says(
    product_resources: Build,
    ledger: Product,
    landing_zone: LandingZone,
    stated: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    product = ledger.model_copy(update={"root_volume": RootVolume.model_validate(stated)})
    (mapping,) = product_resources(product, landing_zone).one("ImageRecipe").inputs["blockDeviceMappings"]
    assert {key: value for key, value in mapping["ebs"].items() if key not in {"encrypted", "kmsKeyId"}} == expected


def test_further_volumes_are_in_the_recipe_encrypted_under_the_same_key(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    stated = {"device": "/dev/sdf", "size": 125, "type": DataVolumeType.ST1, "deleteOnTermination": False}
    volumes = (DataVolume.model_validate(stated), DataVolume(device="/dev/sdg", size=4, throughput=200))
    product = ledger.model_copy(update={"data_volumes": volumes})
    root, *others = product_resources(product, landing_zone).one("ImageRecipe").inputs["blockDeviceMappings"]
    assert [mapping["deviceName"] for mapping in others] == ["/dev/sdf", "/dev/sdg"]
    own = {key: root["ebs"][key] for key in ("encrypted", "kmsKeyId")}
    assert others[0]["ebs"] == {
        "volumeSize": 125,
        "volumeType": "st1",
        "deleteOnTermination": "false",
        **own,
    }
    assert others[1]["ebs"] == {
        "volumeSize": 4,
        "volumeType": "gp3",
        "throughput": 200,
        "deleteOnTermination": "true",
        **own,
    }


def test_a_base_image_is_passed_on_by_its_parameter(ledger_resources: Any) -> None:
    parent = ledger_resources.one("ImageRecipe").inputs["parentImage"]
    assert parent == "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def test_the_component_reads_the_pinned_build_of_the_products_bucket(ledger_resources: Any) -> None:
    components = ledger_resources.one("ImageRecipe").inputs["components"]
    (component,) = [entry for entry in components if "install-scripts" in entry["componentArn"]]
    assert {entry["name"]: entry["value"] for entry in component["parameters"]} == {
        "Build": "s3://golden-ami-ledger-111111111111-us-east-1/builds/current/",
        "EntryScript": "install.sh",
    }
    document = yaml.safe_load(ledger_resources.one("Component", "install-scripts").inputs["data"])
    actions = [step["action"] for phase in document["phases"] for step in phase["steps"]]
    assert actions == ["CreateFolder", "S3Download", "ExecuteBash", "ExecuteBash", "DeleteFolder"]


def test_the_bucket_is_versioned_encrypted_and_never_public(ledger_resources: Any) -> None:
    one = ledger_resources.one
    assert one("BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"].endswith("ledger-data-key-key")
    block = one("BucketPublicAccessBlock").inputs
    settings = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[name] for name in settings] == [True] * 4
    statements = json.loads(one("BucketPolicy").inputs["policy"])["Statement"]
    assert [(entry["Sid"], entry["Effect"]) for entry in statements] == [
        ("RefusePlainHttp", "Deny"),
        ("RefuseOtherKeys", "Deny"),
        ("RefuseForeignBuilds", "Deny"),
        ("UploadByTeam", "Allow"),
        ("ListByTeam", "Allow"),
    ]
    unfinished, outdated = one("BucketLifecycleConfiguration").inputs["rules"]
    assert unfinished["filter"] == {"prefix": ""}
    assert unfinished["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert outdated["filter"] == {"prefix": "builds/"}


def test_topic_queue_and_every_log_group_are_under_the_data_key(ledger_resources: Any) -> None:
    key = ledger_resources.one("Key", "data-key")
    arn = f"arn:aws:kms:us-east-1:111111111111:key/{key.name}"
    assert ledger_resources.one("Topic").inputs["kmsMasterKeyId"] == arn
    assert ledger_resources.one("Queue").inputs["kmsMasterKeyId"] == arn
    groups = ledger_resources.of_type("LogGroup")
    assert sorted(group.inputs["name"] for group in groups) == [
        "/aws/imagebuilder/golden-ami-ledger",
        "/aws/lambda/golden-ami-ledger-report-outcome",
        "/aws/lambda/golden-ami-ledger-start-build",
    ]
    assert {group.inputs["kmsKeyId"] for group in groups} == {arn}


def test_an_existing_consumer_gets_the_key_policy_and_nothing_else(ledger_resources: Any) -> None:
    policy = ledger_resources.one("RolePolicy", "ledger-runtime")
    assert policy.inputs["role"] == "ledger-runtime"
    statements = json.loads(policy.inputs["policy"])["Statement"]
    assert [entry["Sid"] for entry in statements] == ["UseImageKey", "GrantImageKey"]
    assert sorted(statements[0]["Resource"]) == [
        "arn:aws:kms:eu-west-1:111111111111:key/ledger-image-key-eu-west-1",
        "arn:aws:kms:us-east-1:111111111111:key/ledger-image-key-us-east-1",
    ]
    assert [role.name for role in ledger_resources.of_type("Role") if "runtime" in role.name] == []


def test_a_created_consumer_gets_role_profile_key_policy_and_launch_policy(ledger_resources: Any) -> None:
    role = ledger_resources.one("Role", "ledger-instances")
    assert (role.inputs["name"], role.inputs["path"]) == ("ledger-instances", "/")
    assert ledger_resources.one("InstanceProfile", "ledger-instances").inputs["name"] == "ledger-instances"
    launch = json.loads(ledger_resources.one("RolePolicy", "ledger-instances-launch").inputs["policy"])
    sids = [entry["Sid"] for entry in launch["Statement"]]
    assert sids == ["LaunchProductImages", "LaunchInAccount", "PassItself", "ReadChannel"]
    ledger_resources.one("RolePolicy", "ledger-instances-image-key")


def test_consumer_roles_are_made_through_their_own_accounts_provider(ledger_resources: Any) -> None:
    def provider(resource: Any) -> str:
        return resource.provider.split("::")[-2]

    assert provider(ledger_resources.one("Role", "ledger-instances")) == "workloads-production"
    assert provider(ledger_resources.one("RolePolicy", "ledger-runtime")) == "workloads-test"
    assert provider(ledger_resources.one("ImagePipeline", "pipeline")) == "hub"


def test_a_windows_product_takes_windows_document_and_root_device(
    product_resources: Build, payroll: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(payroll, landing_zone)
    (mapping,) = resources.one("ImageRecipe").inputs["blockDeviceMappings"]
    assert (mapping["deviceName"], mapping["ebs"]["volumeSize"]) == ("/dev/sda1", 50)
    component = resources.one("Component", "install-scripts").inputs
    assert component["platform"] == "Windows"
    actions = [step["action"] for step in yaml.safe_load(component["data"])["phases"][0]["steps"]]
    assert "ExecutePowerShell" in actions
    assert "ExecuteBash" not in actions


def test_permissions_to_call_functions_are_bound_to_source_and_account(ledger_resources: Any) -> None:
    for permission in ledger_resources.of_type("Permission"):
        assert permission.inputs["sourceAccount"] == "111111111111"
        assert permission.inputs["sourceArn"].startswith("arn:aws:")


def test_a_product_that_stays_in_the_hub_has_no_target_accounts(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    at_home = ledger.model_copy(update={"distribution": (), "consumers": ()})
    resources = product_resources(at_home, landing_zone)
    (entry,) = resources.one("DistributionConfiguration").inputs["distributions"]
    assert "targetAccountIds" not in entry["amiDistributionConfiguration"]
    assert entry["ssmParameterConfigurations"][0]["amiAccountId"] == "111111111111"
    policy = json.loads(resources.one("RolePolicy", "execution").inputs["policy"])
    assert "DistributeToTargets" not in [statement["Sid"] for statement in policy["Statement"]]


def test_amis_are_called_and_tagged_as_the_file_says(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    image = Image(name="web {{ imagebuilder:buildDate }}", description="Web hosts", tags={"Name": "web"})
    changed = ledger.model_copy(update={"image": image})
    for entry in product_resources(changed, landing_zone).one("DistributionConfiguration").inputs["distributions"]:
        ami = entry["amiDistributionConfiguration"]
        assert (ami["name"], ami["description"]) == ("web {{ imagebuilder:buildDate }}", "Web hosts")
        assert ami["amiTags"] == {"Name": "web", "golden-ami:product": "ledger"}


def test_amis_carry_products_name_and_description_where_the_file_says_nothing(ledger_resources: Any) -> None:
    for entry in ledger_resources.one("DistributionConfiguration").inputs["distributions"]:
        ami = entry["amiDistributionConfiguration"]
        assert ami["name"] == "golden-ami-ledger-{{ imagebuilder:buildDate }}"
        assert ami["description"] == "Hosts of the ledger service"
        assert ami["amiTags"] == {"golden-ami:product": "ledger"}


def test_a_products_tags_are_on_all_that_is_made_for_it(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    tags = {"cost-centre": "4711", "owner": "ledger@example.com"}
    resources = product_resources(ledger.model_copy(update={"tags": tags}), landing_zone)
    for provider in resources.of_type("aws"):
        found = json.loads(provider.inputs["defaultTags"])["tags"]
        assert found == {**tags, "golden-ami:stack": "test"}
    instances = resources.one("InfrastructureConfiguration").inputs["resourceTags"]
    assert instances == {**tags, "golden-ami:product": "ledger"}


def test_only_the_hubs_own_windows_image_launches_fast(
    product_resources: Build, payroll: Product, landing_zone: LandingZone
) -> None:
    template = {"id": "lt-0123456789abcdef0", "version": 3}
    fast = FastLaunch.model_validate({"snapshots": 2, "launchTemplate": template})
    regions = (Distribution(region="us-east-1"), Distribution(region="eu-west-1", accounts=("workloads-test",)))
    changed = {"fast_launch": fast, "distribution": regions}
    resources = product_resources(payroll.model_copy(update={**changed, "consumers": ()}), landing_zone)
    own, other = resources.one("DistributionConfiguration").inputs["distributions"]
    assert own["fastLaunchConfigurations"] == [
        {
            "accountId": "111111111111",
            "enabled": True,
            "maxParallelLaunches": 6,
            "snapshotConfiguration": {"targetResourceCount": 2},
            "launchTemplate": {"launchTemplateId": "lt-0123456789abcdef0", "launchTemplateVersion": "3"},
        }
    ]
    assert "fastLaunchConfigurations" not in other
    policy = json.loads(resources.one("RolePolicy", "execution").inputs["policy"])
    statements = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert statements["EnableFastLaunch"]["Resource"] == "arn:aws:ec2:us-east-1::image/*"


def test_left_out_nothing_launches_fast(ledger_resources: Any) -> None:
    for entry in ledger_resources.one("DistributionConfiguration").inputs["distributions"]:
        assert "fastLaunchConfigurations" not in entry
    policy = json.loads(ledger_resources.one("RolePolicy", "execution").inputs["policy"])
    assert "EnableFastLaunch" not in [statement["Sid"] for statement in policy["Statement"]]
