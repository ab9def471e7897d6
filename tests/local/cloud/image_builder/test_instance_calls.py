"""The `aws` command on an instance: which instances have it, and what it asks whom."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from local.cloud.image_builder.instance_calls import InstanceCalls
from local.cloud.image_builder.machine import LINUX, Machine
from local.cloud.image_builder.sandbox import Sandbox
from local.cloud.image_builder.text_output import as_text

VOLUMES = {
    "Volumes": [
        {"VolumeId": "vol-1", "Encrypted": True, "Attachments": [{"InstanceId": "i-1", "Device": "/dev/xvda"}]},
        {"VolumeId": "vol-2", "Encrypted": False, "Attachments": [{"InstanceId": "i-1", "Device": "/dev/xvdb"}]},
    ]
}
OF_INSTANCE = {"Filters": [{"Name": "attachment.instance-id", "Values": ["i-1"]}]}
DESCRIBE = "aws ec2 describe-volumes --filters Name=attachment.instance-id,Values=i-1"


@dataclass
class Cloud:
    """EC2 with answers laid out beforehand; a request of another shape fails."""

    ec2: Any
    stub: Stubber
    regions: list[str] = field(default_factory=list[str])

    def client(self, service: str, region: str) -> Any:
        assert service == "ec2"
        self.regions.append(region)
        return self.ec2

    def holds_volumes(self, request: dict[str, Any] = OF_INSTANCE) -> None:
        self.stub.add_response("describe_volumes", VOLUMES, request)


@dataclass
class Instance:
    machine: Machine
    sandbox: Sandbox
    cloud: Cloud

    def run(self, script: str, code: int = 0) -> tuple[str, str]:
        result = self.sandbox.bash(script, 20)
        assert result.exit_code == code, result.stderr
        return result.stdout, result.stderr


@pytest.fixture(scope="module")
def ec2() -> Any:
    return boto3.client("ec2", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def cloud(ec2: Any) -> Iterator[Cloud]:
    with Stubber(ec2) as stub:
        yield Cloud(ec2, stub)
        stub.assert_no_pending_responses()


@pytest.fixture
def instance(tmp_path: Path, cloud: Cloud) -> Instance:
    return launched(tmp_path, cloud, "al2023-ami-2023")


def launched(folder: Path, cloud: Cloud, image: str) -> Instance:
    machine = Machine.boot(folder / image, LINUX, image, None)
    return Instance(machine, Sandbox(machine, folder, InstanceCalls(cloud.client, "us-east-1")), cloud)


def test_an_image_with_the_cli_has_the_command_and_says_its_version(instance: Instance) -> None:
    assert instance.run("command -v aws && aws --version")[0].splitlines()[1].startswith("aws-cli/2.")


def test_an_older_image_brings_the_older_version(tmp_path: Path, cloud: Cloud) -> None:
    assert launched(tmp_path, cloud, "amzn2-ami").run("aws --version")[0].startswith("aws-cli/1.")


def test_another_image_has_it_once_its_package_was_asked_for(tmp_path: Path, cloud: Cloud) -> None:
    instance = launched(tmp_path, cloud, "RHEL-9")
    instance.run("! command -v aws; dnf install -y awscli-2 && command -v aws")
    instance.run("aws --version")


def test_the_answer_is_the_clouds_as_json(instance: Instance) -> None:
    instance.cloud.holds_volumes()
    instance.cloud.holds_volumes()
    script = f"{DESCRIBE} --query 'Volumes[?!Encrypted].VolumeId'\n{DESCRIBE} | grep -c VolumeId"
    assert instance.run(script)[0].split() == ["[", '"vol-2"', "]", "2"]
    assert instance.machine.recorded() == []


def test_the_answer_comes_as_text_for_scripts(instance: Instance) -> None:
    instance.cloud.holds_volumes({"VolumeIds": ["vol-1", "vol-2"]})
    words = "--volume-ids vol-1 vol-2 --no-cli-pager --output text --query 'Volumes[].[VolumeId,Encrypted]'"
    assert instance.run(f"aws ec2 describe-volumes {words}")[0] == "vol-1\tTrue\nvol-2\tFalse\n"


def test_the_region_is_the_options_then_the_environments_then_the_instances(instance: Instance) -> None:
    for _ in range(3):
        instance.cloud.holds_volumes()
    aws = f"{DESCRIBE} >/dev/null"
    instance.run(f"{aws}\nAWS_REGION=eu-west-1 {aws}\nAWS_REGION=eu-west-1 {aws} --region=eu-north-1")
    assert instance.cloud.regions == ["us-east-1", "eu-west-1", "eu-north-1"]


def test_instances_are_asked_for_by_their_ids_and_filters_as_json(instance: Instance) -> None:
    found = {"Reservations": [{"Instances": [{"InstanceId": "i-1"}]}]}
    request = {"InstanceIds": ["i-1"], "Filters": [{"Name": "instance-type", "Values": ["m5.large"]}]}
    instance.cloud.stub.add_response("describe_instances", found, request)
    filters = '[{"Name": "instance-type", "Values": ["m5.large"]}]'
    query = "--output text --query Reservations[0].Instances[0].InstanceId"
    told = instance.run(
        f"aws --region us-east-1 ec2 describe-instances --instance-ids i-1 --filters '{filters}' {query}"
    )
    assert told[0] == "i-1\n"


def test_what_aws_refuses_ends_the_command_with_awss_words(instance: Instance) -> None:
    instance.cloud.stub.add_client_error("describe_volumes", "UnauthorizedOperation", "You are not authorized")
    _, told = instance.run(DESCRIBE, code=254)
    assert "(UnauthorizedOperation) when calling the DescribeVolumes operation: You are not authorized" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ec2 run-instances --region us-east-1", "does not carry out 'ec2 run-instances'"),
        ("s3 ls", "does not carry out 's3 ls'"),
        ("ec2 describe-volumes --dry-run", "does not know the option --dry-run"),
        ("ec2 describe-volumes --output yaml", "has no output yaml"),
        ("ec2 describe-volumes --filters wrong", "expected Name=…,Values=…, received: 'wrong'"),
        ("ec2 describe-volumes --filters '[{'", "Invalid JSON"),
        ("ec2 describe-volumes --instance-ids i-1", "Unknown options: --instance-ids"),
        ("ec2 describe-volumes --region", "argument --region: expected one argument"),
    ],
)
def test_what_it_does_not_carry_out_it_refuses_by_name(instance: Instance, words: str, told: str) -> None:
    assert told in instance.run(f"aws {words}", code=252)[1]


def test_a_query_that_is_none_is_told(instance: Instance) -> None:
    instance.cloud.holds_volumes()
    assert "Bad value for --query" in instance.run(f"{DESCRIBE} --query 'Volumes['", code=252)[1]


def test_commands_at_the_same_time_get_their_own_answers(instance: Instance) -> None:
    for _ in range(4):
        instance.cloud.holds_volumes()
    one = f"{DESCRIBE} --output text --query 'Volumes[0].VolumeId'"
    assert instance.run("\n".join([f"{one} &"] * 4 + ["wait"]))[0] == "vol-1\n" * 4


def test_a_command_that_was_ended_leaves_nothing_to_the_next(instance: Instance) -> None:
    instance.cloud.holds_volumes()
    asking = "printf '7\\0\\0ec2\\0describe-volumes\\0--filters\\0%s\\0' Name=attachment.instance-id,Values=i-1"
    script = f"exec 3<>/run/instance-calls/request; {{ {asking} | base64 -w 0; echo; echo '!'; }} >&3\naws s3 ls"
    assert "does not carry out 's3 ls'" in instance.run(script, code=252)[1]


def test_without_an_instances_role_there_are_no_credentials(tmp_path: Path) -> None:
    machine = Machine.boot(tmp_path / "instance", LINUX, "al2023-ami", None)
    result = Sandbox(machine, tmp_path).bash(DESCRIBE, None)
    assert (result.exit_code, result.stderr) == (253, "Unable to locate credentials.\n")


def test_a_step_that_ends_before_its_answer_waits_for_nothing(instance: Instance) -> None:
    # Nobody reads what is written here, so the answers fill the pipe.
    line = "printf '7\\0\\0%s\\0' \"$(printf '%4000s' x)\" | base64 -w 0; echo"
    start = time.monotonic()
    instance.run(f"exec 3<>/run/instance-calls/request; for _ in {{1..10}}; do {{ {line}; }} >&3; done")
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None\n"),
        (True, "True\n"),
        (["a", "b"], "a\tb\n"),
        ([["a", 1], ["b", 2]], "a\t1\nb\t2\n"),
        ({"B": 2, "A": "x"}, "x\t2\n"),
        ({"Volumes": [{"Id": "v", "Tags": [{"Key": "k"}]}]}, "VOLUMES\tv\nTAGS\tk\n"),
        ({"Ids": ["a", "b"]}, "IDS\ta\nIDS\tb\n"),
        ([], ""),
    ],
)
def test_text_is_the_clis(value: Any, text: str) -> None:
    assert as_text(value) == text
