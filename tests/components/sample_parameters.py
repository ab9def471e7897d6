"""The table of every parameter of the seed's tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from model.files.component_bucket import documents_arns
from tests.components.sample_preview import PRODUCT, REFUSED, Preview, Row
from tests.sample.configurations import DOCUMENTS, REPOSITORY

STEM = f"golden-ami-{PRODUCT}"
BUILD1 = f"{DOCUMENTS}/build1.yaml"
ARN = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.2/1"
TOPIC = "arn:aws:sns:us-east-1:111111111111:myTopic"


def main(name: str, value: Any, look: Callable[[Preview], Any], expected: Any, left_out: Any, **more: Any) -> Row:
    return Row("Parameter Details", name, (name,), value, look, expected, left_out, **more)


def step(name: str, value: Any, look: Callable[[Preview], Any], expected: Any, left_out: Any, /, **stated: Any) -> Row:
    """A row of a component's table; `stated` is what else the component says."""
    around = {"Component_Config": {"Build": [stated]}}
    place = ("Component_Config", "Build", 0, name)
    return Row("Component_Config", name, place, value, look, expected, left_out, around)


def inspected(name: str, value: str, look: Callable[[Preview], Any], expected: Any, left_out: Any) -> Row:
    """A row of Inspector's table: a parameter of its step."""
    given = {
        "version": "1.0.5",
        "high_severity_findings_threshold": "15",
        "region": "us-east-1",
        "ignore_findings": "no",
    }
    others = [{"name": other, "value": [text]} for other, text in given.items() if other != name]
    step = {"name": "inspector", "file": f"{DOCUMENTS}/inspector.yaml", "version": "3.0.9", "parameter": others}
    around = {"inspector_validation": True, "Inspector_Config": {"Build": [step]}}
    place = ("Inspector_Config", "Build", 0, "parameter", len(others))
    return Row("Inspector_Config", name, place, {"name": name, "value": [value]}, look, expected, left_out, around)


def in_bucket(preview: Preview) -> Any:
    """The documents that may be read from a bucket, the files that were copied, and the component's text."""
    data = preview.inputs("Component", "build1")["data"]
    document = (REPOSITORY / "tests" / "sample" / BUILD1).read_text(encoding="utf-8")
    copied = [path.name for path in preview.done.files if path.parent.name == PRODUCT]
    return documents_arns([preview.done.product.component_bucket]), copied, data == document


def scan(preview: Preview) -> Any:
    found = preview.done.product.scan
    return found and (found.maximum.high, str(found.on_findings))


def one_step(**stated: Any) -> dict[str, Any]:
    return {"Component_Config": {"Build": [{"name": "build1", "file": BUILD1, "version": "1.0.1", **stated}]}}


EXISTING = {"ami_component_bucket_create": False, "ami_component_bucket_name": "golden-ami-component-nk", **one_step()}
INSPECTOR: dict[str, Any] = inspected("version", "1.0.5", scan, None, None).config(True)
BUCKET_ARN = f"arn:aws:s3:::golden-ami-component-nk/{DOCUMENTS}/*"
FROM_BUCKET = ((BUCKET_ARN,), [], True)
COPIED = ((), ["build1.yaml"], True)

ROWS = (
    main(
        "attr",
        "poc",
        lambda p: p.inputs("ImagePipeline", "-pipeline")["description"],
        "Golden AMI of poc",
        "Golden AMI of sample",
    ),
    main("baseImage", "ami-090fa75af13c156b4", lambda p: p.recipe["parentImage"], "ami-090fa75af13c156b4", REFUSED),
    main(
        "baseImageType",
        "ssm",
        lambda p: (p.recipe["parentImage"], p.decided("baseImageType")),
        ("ssm:/golden/ami", None),
        ("ssm:/golden/ami", "ssm"),
        around={"baseImage": "/golden/ami"},
    ),
    main(
        "resource_removal_policy",
        "destroy",
        lambda p: {p.retained[f"{PRODUCT}-recipe-{name}"] for name in ("recipe", "build1")},
        {False},
        {True},
        around=one_step(),
    ),
    main("ami_component_bucket_name", "golden-ami-component-nk", in_bucket, FROM_BUCKET, REFUSED, around=EXISTING),
    main("ami_component_bucket_create", False, in_bucket, FROM_BUCKET, COPIED, around=EXISTING),
    main(
        "ami_component_bucket_version",
        False,
        lambda p: (p.inputs("BucketVersioning")["versioningConfiguration"], p.decided("ami_component_bucket_version")),
        ({"status": "Enabled"}, "versioned"),
        ({"status": "Enabled"}, None),
    ),
    main(
        "instanceProfileName",
        "Golden_AMI_Instance_Profile_nk-amf",
        lambda p: (p.inputs("InstanceProfile", "instance")["name"], p.decided("instanceProfileName")),
        (f"{STEM}-build-instance", f"{STEM}-build-instance"),
        (f"{STEM}-build-instance", None),
    ),
    main(
        "instanceProfileRoleName",
        "Golden_Image_Pipeline-nk-amf-role",
        lambda p: (p.inputs("InstanceProfile", "instance")["role"], p.decided("instanceProfileRoleName")),
        (f"{STEM}-build-instance", f"{STEM}-build-instance"),
        (f"{STEM}-build-instance", None),
    ),
    main(
        "imagePipelineName",
        "Golden_Image_Pipeline-nk-amf",
        lambda p: (p.inputs("ImagePipeline", "-pipeline")["name"], p.decided("imagePipelineName")),
        (STEM, STEM),
        (STEM, None),
    ),
    main("components_prefix", DOCUMENTS, in_bucket, FROM_BUCKET, REFUSED, around=EXISTING),
    main(
        "iamEncryption",
        True,
        lambda p: (p.volume["encrypted"], bool(p.volume["kmsKeyId"]), p.decided("iamEncryption")),
        ("true", True, None),
        ("true", True, "true"),
    ),
    main(
        "amitag",
        {"Name": "golden-ami-{{imagebuilder:buildDate}}"},
        lambda p: p.regions[0]["amiDistributionConfiguration"]["amiTags"].get("Name"),
        "golden-ami-{{imagebuilder:buildDate}}",
        None,
    ),
    main(
        "tag",
        {"cnf_name": "amf"},
        lambda p: json.loads(p.inputs("aws", "hub")["defaultTags"])["tags"].get("cnf_name"),
        "amf",
        None,
    ),
    main("image_receipe", {"image_recipe_version": "3.1.6"}, lambda p: p.recipe["version"], "3.1.6", REFUSED),
    main(
        "infrastructure",
        {"name": "x", "instance_type": ["t2.small"]},
        lambda p: p.infrastructure["instanceTypes"],
        ["t2.small"],
        ["m5.large"],
    ),
    main("inspector_validation", True, scan, (15, "fail"), None, around=INSPECTOR),
    main("Inspector_Config", INSPECTOR["Inspector_Config"], scan, (15, "fail"), REFUSED, around=INSPECTOR),
    main(
        "Component_Config",
        {"Build": [{"arn": ARN}]},
        lambda p: [entry["componentArn"] for entry in p.components],
        [ARN],
        REFUSED,
    ),
    main(
        "Distribution",
        [{"region": "eu-west-1", "accounts": ["222222222222"]}],
        lambda p: [entry["region"] for entry in p.regions],
        ["eu-west-1"],
        ["us-east-1"],
    ),
    main(
        "distributionName",
        "Golden_AMI_Distribution-am-amf",
        lambda p: (p.inputs("DistributionConfiguration")["name"], p.decided("distributionName")),
        (STEM, STEM),
        (STEM, None),
    ),
    main(
        "distributionDescription",
        "Where the AMI goes",
        lambda p: p.inputs("DistributionConfiguration")["description"],
        "Where the AMI goes",
        "Golden AMI of poc",
    ),
    main(
        "sns_topic",
        TOPIC,
        lambda p: (
            [topic.inputs["name"] for topic in p.resources.of_type("Topic")],
            p.done.product.notifications.topic,
        ),
        ([], TOPIC),
        ([f"{STEM}-outcomes"], None),
    ),
    main(
        "key_alias",
        "Golden_AMI_key_nk_amf",
        lambda p: (p.inputs("Alias", "image-key")["name"], p.decided("key_alias")),
        (f"alias/golden-ami/{PRODUCT}/image", f"alias/golden-ami/{PRODUCT}/image"),
        (f"alias/golden-ami/{PRODUCT}/image", None),
    ),
    main(
        "schedule",
        {"PipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY", "ScheduleExpression": "cron(0 10 * * ? *)"},
        lambda p: [schedule.inputs["scheduleExpression"] for schedule in p.resources.of_type("Schedule")],
        ["cron(0 10 * * ? *)"],
        [],
    ),
    main(
        "golden_ami",
        "true",
        lambda p: p.regions[0]["amiDistributionConfiguration"]["amiTags"].get("golden_ami"),
        "true",
        None,
    ),
    Row(
        "distribution",
        "region",
        ("Distribution", 0, "region"),
        "eu-west-1",
        lambda p: [entry["region"] for entry in p.regions],
        ["eu-west-1"],
        REFUSED,
        {"Distribution": [{"accounts": ["222222222222"]}]},
    ),
    Row(
        "distribution",
        "accounts",
        ("Distribution", 0, "accounts"),
        ["222222222222", "333333333333"],
        lambda p: p.regions[0]["amiDistributionConfiguration"]["targetAccountIds"],
        ["222222222222", "333333333333"],
        REFUSED,
        {"Distribution": [{"region": "eu-west-1"}]},
    ),
    Row(
        "infrastructure",
        "name",
        ("infrastructure", "name"),
        "Golden_AMI_Pipeline_infra_nk_amf",
        lambda p: (p.infrastructure["name"], p.decided("infrastructure.name")),
        (STEM, STEM),
        (STEM, None),
    ),
    Row(
        "infrastructure",
        "instance_type",
        ("infrastructure", "instance_type"),
        ["t2.small"],
        lambda p: p.infrastructure["instanceTypes"],
        ["t2.small"],
        ["m5.large"],
    ),
    Row(
        "infrastructure",
        "subnet_id",
        ("infrastructure", "subnet_id"),
        "subnet-0123456789abcdef0",
        lambda p: p.infrastructure["subnetId"],
        "subnet-0123456789abcdef0",
        "subnet-0000000a",
    ),
    Row(
        "infrastructure",
        "security_groups",
        ("infrastructure", "security_groups"),
        ["sg-123456789"],
        lambda p: (p.infrastructure["securityGroupIds"], len(p.resources.of_type("SecurityGroup"))),
        (["sg-123456789"], 0),
        ([f"{PRODUCT}-images-instances-security-group-id"], 1),
        {"infrastructure": {"subnet_id": "subnet-0123456789abcdef0"}},
    ),
    step(
        "name",
        "Install_jq",
        lambda p: [
            each.inputs["name"]
            for each in p.resources.of_type("Component")
            if "build" in each.name or "jq" in each.name
        ],
        [f"{STEM}-install-jq"],
        [f"{STEM}-build1"],
        file=BUILD1,
        version="1.0.1",
    ),
    step("file", BUILD1, lambda p: in_bucket(p)[2], True, REFUSED, name="build1", version="1.0.1"),
    step(
        "version",
        "1.0.7",
        lambda p: p.inputs("Component", "build1")["version"],
        "1.0.7",
        REFUSED,
        name="build1",
        file=BUILD1,
    ),
    step("arn", ARN, lambda p: p.components[0]["componentArn"], ARN, REFUSED),
    step(
        "parameter",
        [{"name": "param1", "value": ["value1"]}],
        lambda p: p.components[0].get("parameters"),
        [{"name": "param1", "value": "value1"}],
        None,
        name="build1",
        file=BUILD1,
        version="1.0.1",
    ),
    Row(
        "image_recipe",
        "image_recipe_name",
        ("image_receipe", "image_recipe_name"),
        "Golden_AMI_Pipeline_recipe_nk_amf",
        lambda p: (p.recipe["name"], p.decided("image_receipe.image_recipe_name")),
        (STEM, STEM),
        (STEM, None),
    ),
    Row(
        "image_recipe",
        "image_recipe_version",
        ("image_receipe", "image_recipe_version"),
        "1.0.7",
        lambda p: p.recipe["version"],
        "1.0.7",
        REFUSED,
    ),
    Row(
        "image_recipe",
        "volume_size",
        ("image_receipe", "volume_size"),
        2048,
        lambda p: p.volume["volumeSize"],
        2048,
        30,
    ),
    Row(
        "image_recipe",
        "volume_type",
        ("image_receipe", "volume_type"),
        "gp2",
        lambda p: p.volume["volumeType"],
        "gp2",
        "gp3",
    ),
    Row(
        "image_recipe",
        "deleteOnTermination",
        ("image_receipe", "deleteOnTermination"),
        False,
        lambda p: p.volume["deleteOnTermination"],
        "false",
        "true",
    ),
    inspected(
        "version",
        "1.0.5",
        lambda p: (scan(p), p.decided("Inspector_Config.Build.0.parameter.3")),
        ((15, "fail"), "left out"),
        ((15, "fail"), None),
    ),
    inspected("high_severity_findings_threshold", "7", scan, (7, "fail"), REFUSED),
    inspected(
        "region",
        "us-west-2",
        lambda p: (scan(p), p.decided("Inspector_Config.Build.0.parameter.3")),
        ((15, "fail"), "us-east-1"),
        ((15, "fail"), None),
    ),
    inspected("ignore_findings", "yes", scan, (15, "continue"), REFUSED),
)
