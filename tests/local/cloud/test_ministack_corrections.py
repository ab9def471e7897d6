"""What is put right in ministack: AWS's managed policies by their own documents, and the role behind a session."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.cloud.served_cloud import (
    AWAY,
    HOME,
    HUB,
    TARGET,
    ServedCloud,
    Who,
    document,
    refusal,
    root_of,
    serving,
    statement,
)

PREFIX = "arn:aws:iam::aws:policy/"
DISTRIBUTION = PREFIX + "Ec2ImageBuilderCrossAccountDistributionAccess"
BUILDER = PREFIX + "EC2InstanceProfileForImageBuilder"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


def actions(cloud: ServedCloud, arn: str) -> set[str]:
    iam = cloud.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found: Any = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    policy = json.loads(found) if isinstance(found, str) else found
    stated = [entry["Action"] for entry in policy["Statement"] if entry["Effect"] == "Allow"]
    return {action for each in stated for action in ([each] if isinstance(each, str) else each)}


def test_managed_policies_say_what_aws_s_say(cloud: ServedCloud) -> None:
    """AWS Managed Policy Reference."""
    assert actions(cloud, DISTRIBUTION) == {
        "ec2:CreateTags", "ec2:DescribeImages", "ec2:CopyImage", "ec2:ModifyImageAttribute",
    }  # fmt: skip
    builder = actions(cloud, BUILDER)
    assert {"imagebuilder:GetComponent", "kms:Decrypt", "s3:GetObject", "logs:PutLogEvents"} <= builder
    assert not any(action in {"*", "kms:*", "s3:*", "imagebuilder:*"} for action in builder)


@pytest.mark.parametrize("name", ["AmazonSSMManagedInstanceCore", "service-role/AWSLambdaBasicExecutionRole"])
def test_managed_policies_are_found_with_their_paths(cloud: ServedCloud, name: str) -> None:
    policy = cloud.client("iam").get_policy(PolicyArn=PREFIX + name)["Policy"]
    assert policy["Arn"] == PREFIX + name
    assert policy["Path"] + policy["PolicyName"] == "/" + name


@pytest.mark.parametrize("name", ["NoSuchPolicy", "service-role/EC2InstanceProfileForImageBuilder"])
def test_a_policy_that_aws_does_not_have_is_no_such_entity(cloud: ServedCloud, name: str) -> None:
    arn = PREFIX + name
    assert refusal(lambda: cloud.client("iam").get_policy(PolicyArn=arn))[0] == "NoSuchEntity"
    assert refusal(lambda: cloud.client("iam").list_entities_for_policy(PolicyArn=arn))[0] == "NoSuchEntity"


@pytest.mark.parametrize("account", [HUB, TARGET])
def test_an_attached_managed_policy_allows_what_it_says_and_nothing_else(cloud: ServedCloud, account: str) -> None:
    role = cloud.role(account)
    ec2 = cloud.client("ec2", role)
    assert refusal(lambda: ec2.describe_images(Owners=["amazon"]))[0] == "UnauthorizedOperation"
    cloud.client("iam", account).attach_role_policy(RoleName=role.name, PolicyArn=DISTRIBUTION)
    assert ec2.describe_images(Owners=["amazon"])["Images"]
    assert refusal(lambda: ec2.describe_instances())[0] == "UnauthorizedOperation"
    assert refusal(lambda: cloud.client("s3", role).list_buckets())[0] == "AccessDenied"


def test_the_builder_s_policy_decrypts_through_image_builder_only(cloud: ServedCloud) -> None:
    """The policy's statement on KMS asks for `aws:CalledVia` and Image Builder's own encryption context."""
    key, role = cloud.key(), cloud.role(HUB)
    cloud.client("iam").attach_role_policy(RoleName=role.name, PolicyArn=BUILDER)
    made = cloud.encrypted(key)
    code, _ = refusal(lambda: cloud.client("kms", role).decrypt(KeyId=key, CiphertextBlob=made))
    assert code == "AccessDeniedException"


def test_identity_policies_see_the_role_behind_a_session(cloud: ServedCloud) -> None:
    role = cloud.role(HUB, path="/application/")
    for arn, allowed in (
        (role.arn, True),
        (f"arn:aws:iam::{HUB}:role/application/*", True),
        (f"arn:aws:iam::{HUB}:role/{role.name}", False),
        (role.session, False),
    ):
        only = {"ArnLike": {"aws:PrincipalArn": arn}}
        cloud.put_policy(HUB, role.name, statement("sqs:ListQueues", Condition=only))
        sqs = cloud.client("sqs", role)
        if allowed:
            assert sqs.list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
        else:
            assert refusal(lambda: sqs.list_queues())[0] in {"AccessDenied", "AccessDeniedException"}  # noqa: B023


def test_a_user_is_its_own_principal(cloud: ServedCloud) -> None:
    iam, name = cloud.client("iam"), cloud.name("user")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    only = {"ArnEquals": {"aws:PrincipalArn": arn}}
    policy = document(statement("iam:GetUser", Condition=only))
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=policy)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    assert cloud.client("iam", Who(made["AccessKeyId"], made["SecretAccessKey"])).get_user(UserName=name)


def test_a_queue_s_policy_sees_the_role_behind_a_session(cloud: ServedCloud) -> None:
    allowed, other = cloud.role(TARGET, statement("sqs:*"), path="/a/"), cloud.role(TARGET, statement("sqs:*"))
    owner = cloud.client("sqs")
    address = owner.create_queue(QueueName=cloud.name("queue"))["QueueUrl"]
    only = {"ArnEquals": {"aws:PrincipalArn": allowed.arn}}
    policy = document(statement("sqs:SendMessage", Principal=root_of(TARGET), Condition=only))
    owner.set_queue_attributes(QueueUrl=address, Attributes={"Policy": policy})
    assert cloud.client("sqs", allowed).send_message(QueueUrl=address, MessageBody="x")["MessageId"]
    code, _ = refusal(lambda: cloud.client("sqs", other).send_message(QueueUrl=address, MessageBody="x"))
    assert code in {"AccessDenied", "AccessDeniedException"}


def test_regions_do_not_change_who_a_caller_is(cloud: ServedCloud) -> None:
    role = cloud.role(TARGET)
    for region in (HOME, AWAY):
        assert cloud.client("sts", role, region).get_caller_identity()["Arn"] == role.session
