"""What goes wrong on the way, each with its message, and how it is mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands.follow import Follower
from components.network_check import NEEDED_ENDPOINTS
from local.build_following import BuildError
from local.stacks import StackError
from tests.stacks.engine_runs import on_stack

pytestmark = pytest.mark.stack

REFUSING = "333333333333"
DISTRIBUTION_ROLE = "EC2ImageBuilderDistributionCrossAccountRole"


def test_a_refused_target_keeps_the_others_and_is_completed_without_a_rebuild(
    world: Any, ledger_image: Any, tmp_path: Path
) -> None:
    iam = world.client("iam", REFUSING)
    policy = "use-image-keys-and-channels"
    document = iam.get_role_policy(RoleName=DISTRIBUTION_ROLE, PolicyName=policy)["PolicyDocument"]
    before = world.parameters("ledger")
    statements = [entry for entry in document["Statement"] if entry["Sid"] != "UseImageKeys"]
    without_key = {**document, "Statement": statements}
    put(iam, policy, without_key)
    try:
        scripts = world.scripts("ledger", tmp_path / "scripts", install_sh="echo third > /opt/third\n")
        with pytest.raises(BuildError, match="is not authorized to perform: kms:"):
            world.image("ledger", scripts).build()
    finally:
        put(iam, policy, document)

    image_builder = world.client("imagebuilder")
    names = world.session.files.names("ledger")
    images = image_builder.list_image_pipeline_images(imagePipelineArn=names.pipeline_arn)["imageSummaryList"]
    failed = max(images, key=lambda image: image["dateCreated"])
    assert failed["state"]["status"] == "FAILED"
    during = world.parameters("ledger")
    assert {place for place in during if during[place] == before[place]} == {
        (REFUSING, "us-east-1"),
        (REFUSING, "eu-west-1"),
    }
    instances = len(_build_instances(world))

    image_builder.retry_image(imageBuildVersionArn=failed["arn"])
    console = world.session.report.console
    ended = Follower(image_builder, console, wait=lambda _seconds: None).follow(failed["arn"])
    assert ended.available, ended.reason
    after = world.parameters("ledger")
    copies = {(copy.account, copy.region): copy.ami for copy in ended.copies}
    assert after == {place: copies[place] for place in after}
    assert {place: during[place] for place in during if place[0] != REFUSING} == {
        place: after[place] for place in after if place[0] != REFUSING
    }
    assert len(_build_instances(world)) == instances


def test_a_product_file_with_mistakes_is_told_by_the_engine_without_a_traceback(world: Any) -> None:
    file = world.project / "stacks" / "Pulumi.ledger.yaml"
    right = file.read_text(encoding="utf-8")
    wrong = right.replace("operatingSystem: linux", "operatingSystem: beos").replace("mode: create", "mode: make")
    file.write_text(wrong, encoding="utf-8")
    try:
        with pytest.raises(StackError) as caught:
            world.up("ledger")
    finally:
        file.write_text(right, encoding="utf-8")
    said = str(caught.value)
    assert "stacks/Pulumi.ledger.yaml:6: operatingSystem: input should be 'linux' or 'windows', got 'beos'" in said
    assert "consumers.0.mode: input should be 'existing' or 'create', got 'make'" in said
    assert "Traceback" not in said


def test_what_the_policy_pack_forbids_stops_before_anything_is_made(world: Any) -> None:
    component = world.project / "components" / "notifications.py"
    right = component.read_text(encoding="utf-8")
    wrong = right.replace("name=args.names.topic, kms_master_key_id=args.data_key_arn,", "name=args.names.topic,")
    assert wrong != right
    component.write_text(wrong, encoding="utf-8")
    try:
        with pytest.raises(StackError, match=r"mandatory.*sns-topic"):
            world.up("ledger")
    finally:
        component.write_text(right, encoding="utf-8")
    topic = world.session.files.names("ledger").topic_arn
    assert world.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]


def put(iam: Any, policy: str, document: Any) -> None:
    iam.put_role_policy(RoleName=DISTRIBUTION_ROLE, PolicyName=policy, PolicyDocument=json.dumps(document))


def _build_instances(world: Any) -> set[str]:
    reservations = world.client("ec2").describe_instances()["Reservations"]
    return {instance["InstanceId"] for entry in reservations for instance in entry["Instances"]}


def test_a_subnet_without_internet_needs_its_endpoints_before_anything_is_declared(world: Any) -> None:
    file = world.project / "stacks" / "Pulumi.ledger.yaml"
    right = file.read_text(encoding="utf-8")
    file.write_text(right + "    internet: false\n", encoding="utf-8")
    ec2 = world.client("ec2")
    (subnet,) = ec2.describe_subnets(SubnetIds=["subnet-00000001"])["Subnets"]
    services = [f"com.amazonaws.us-east-1.{service}" for service in NEEDED_ENDPOINTS]
    made: list[str] = []
    try:
        for service in services[1:]:
            endpoint = ec2.create_vpc_endpoint(VpcId=subnet["VpcId"], ServiceName=service)["VpcEndpoint"]
            made.append(endpoint["VpcEndpointId"])
        with pytest.raises(StackError) as caught:
            world.up("ledger")
        assert f"has no endpoint for {services[0]}, and a build there" in str(caught.value)
        assert "Traceback" not in str(caught.value)
        last = ec2.create_vpc_endpoint(VpcId=subnet["VpcId"], ServiceName=services[0])["VpcEndpoint"]
        made.append(last["VpcEndpointId"])
        on_stack(world, "ledger", "preview", "--expect-no-changes")
    finally:
        file.write_text(right, encoding="utf-8")
        ec2.delete_vpc_endpoints(VpcEndpointIds=made)
