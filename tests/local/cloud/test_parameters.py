"""Parameters: who may read and write them, and values that must be AMI ids."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.cloud.served_cloud import AWAY, HOME, HUB, TARGET, ServedCloud, refusal, serving, statement

BASE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
IMAGE = "aws:ec2:image"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


def base(cloud: ServedCloud, region: str = HOME) -> str:
    return cloud.client("ssm", HUB, region).get_parameter(Name=BASE)["Parameter"]["Value"]


def put(ssm: Any, name: str, value: str, **more: Any) -> int:
    return ssm.put_parameter(Name=name, Value=value, Type="String", **more)["Version"]


def test_an_ami_id_becomes_a_version(cloud: ServedCloud) -> None:
    ssm, name = cloud.client("ssm"), "/" + cloud.name("channel")
    assert put(ssm, name, base(cloud), DataType=IMAGE) == 1
    found = ssm.get_parameter(Name=name)["Parameter"]
    assert (found["Value"], found["Version"], found["DataType"]) == (base(cloud), 1, IMAGE)


@pytest.mark.parametrize("value", ["ami-00000000000000000", "not an image", "ami-", "i-0123456789abcdef0"])
def test_a_value_that_is_no_image_never_becomes_a_version(cloud: ServedCloud, value: str) -> None:
    ssm, name = cloud.client("ssm"), "/" + cloud.name("channel")
    assert put(ssm, name, value, DataType=IMAGE) == 1
    assert refusal(lambda: ssm.get_parameter(Name=name))[0] == "ParameterNotFound"
    put(ssm, name, base(cloud), DataType=IMAGE)
    assert put(ssm, name, value, DataType=IMAGE, Overwrite=True) == 2
    found = ssm.get_parameter(Name=name)["Parameter"]
    assert (found["Value"], found["Version"]) == (base(cloud), 1)
    assert [each["Value"] for each in ssm.get_parameter_history(Name=name)["Parameters"]] == [base(cloud)]


def test_an_image_of_another_region_is_none_here(cloud: ServedCloud) -> None:
    ssm, name = cloud.client("ssm"), "/" + cloud.name("channel")
    put(ssm, name, base(cloud, AWAY), DataType=IMAGE)
    assert refusal(lambda: ssm.get_parameter(Name=name))[0] == "ParameterNotFound"


def test_an_image_of_another_account_is_none_here_until_it_is_shared(cloud: ServedCloud) -> None:
    owner = cloud.client("ec2", TARGET)
    instance = owner.run_instances(ImageId=base(cloud), MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    owner.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    image = owner.create_image(InstanceId=instance, Name=cloud.name("image"))["ImageId"]
    ssm, name = cloud.client("ssm"), "/" + cloud.name("channel")
    put(ssm, name, image, DataType=IMAGE)
    assert refusal(lambda: ssm.get_parameter(Name=name))[0] == "ParameterNotFound"
    owner.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": HUB}]})
    put(ssm, name, image, DataType=IMAGE)
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == image


def test_a_plain_text_may_be_anything(cloud: ServedCloud) -> None:
    ssm, name = cloud.client("ssm"), "/" + cloud.name("plain")
    assert put(ssm, name, "not an image") == 1
    assert put(ssm, name, "ami-1", DataType="text", Overwrite=True) == 2
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "ami-1"


@pytest.mark.parametrize("value", [None, "no image"])
def test_an_existing_parameter_is_not_replaced_without_saying_so(cloud: ServedCloud, value: str | None) -> None:
    ssm, name = cloud.client("ssm"), "/" + cloud.name("channel")
    put(ssm, name, base(cloud), DataType=IMAGE)
    code, _ = refusal(lambda: put(ssm, name, value or base(cloud), DataType=IMAGE))
    assert code == "ParameterAlreadyExists"


def test_writing_an_image_needs_to_describe_images_too(cloud: ServedCloud) -> None:
    """Systems Manager User Guide, "Native parameter support for AMI IDs"."""
    name = "/" + cloud.name("channel")
    arn = f"arn:aws:ssm:{HOME}:{TARGET}:parameter{name}"
    role = cloud.role(TARGET, statement("ssm:PutParameter", arn))
    ssm = cloud.client("ssm", role)
    code, message = refusal(lambda: put(ssm, name, base(cloud), DataType=IMAGE))
    assert code == "AccessDeniedException"
    assert f"{role.session} is not authorized to perform: ec2:DescribeImages on resource: *" in message
    assert put(ssm, name, "text") == 1
    cloud.put_policy(TARGET, role.name, statement("ssm:PutParameter", arn), statement("ec2:DescribeImages"))
    assert put(ssm, name, base(cloud), DataType=IMAGE, Overwrite=True) == 2


@pytest.mark.parametrize("operation", ["GetParameter", "GetParameters", "PutParameter"])
def test_policies_decide_by_the_parameter_s_arn(cloud: ServedCloud, operation: str) -> None:
    mine, other = "/" + cloud.name("golden-ami/mine"), "/" + cloud.name("golden-ami/other")
    for name in (mine, other):
        put(cloud.client("ssm"), name, "text")
    role = cloud.role(HUB, statement(f"ssm:{operation}", f"arn:aws:ssm:{HOME}:{HUB}:parameter{mine}"))
    ssm = cloud.client("ssm", role)
    calls = {
        "GetParameter": lambda name: ssm.get_parameter(Name=name)["Parameter"],
        "GetParameters": lambda name: ssm.get_parameters(Names=[name])["Parameters"],
        "PutParameter": lambda name: put(ssm, name, "new", Overwrite=True),
    }
    assert calls[operation](mine)
    code, message = refusal(lambda: calls[operation](other))
    assert code == "AccessDeniedException"
    assert f"ssm:{operation} on resource: arn:aws:ssm:{HOME}:{HUB}:parameter{other} " in message


def test_one_forbidden_name_among_several_refuses_all(cloud: ServedCloud) -> None:
    mine, other = "/" + cloud.name("mine"), "/" + cloud.name("other")
    for name in (mine, other):
        put(cloud.client("ssm"), name, "text")
    role = cloud.role(HUB, statement("ssm:GetParameters", f"arn:aws:ssm:{HOME}:{HUB}:parameter{mine}"))
    code, message = refusal(lambda: cloud.client("ssm", role).get_parameters(Names=[mine, other]))
    assert code == "AccessDeniedException"
    assert other in message


def test_a_parameter_may_be_named_with_its_version_or_by_its_arn(cloud: ServedCloud) -> None:
    name = "/" + cloud.name("versions")
    put(cloud.client("ssm"), name, "one")
    put(cloud.client("ssm"), name, "two", Overwrite=True)
    role = cloud.role(HUB, statement("ssm:GetParameter", f"arn:aws:ssm:{HOME}:{HUB}:parameter{name}"))
    ssm = cloud.client("ssm", role)
    assert ssm.get_parameter(Name=f"{name}:1")["Parameter"]["Value"] == "one"
    found = ssm.get_parameter(Name=f"arn:aws:ssm:{HOME}:{HUB}:parameter{name}")
    assert found["Parameter"]["Value"] == "two"


def test_accounts_and_regions_have_parameters_of_their_own(cloud: ServedCloud) -> None:
    name = "/" + cloud.name("own")
    put(cloud.client("ssm"), name, "hub")
    for who, region in ((HUB, AWAY), (TARGET, HOME)):
        code, _ = refusal(lambda: cloud.client("ssm", who, region).get_parameter(Name=name))  # noqa: B023
        assert code == "ParameterNotFound"


def test_parameters_are_listed_by_path_where_the_path_is_allowed(cloud: ServedCloud) -> None:
    ssm, path = cloud.client("ssm"), f"/{cloud.name('product')}/"
    for name in ("stable", "candidate", "deep/one"):
        put(ssm, path + name, base(cloud))
    put(ssm, f"{path[:-1]}-other", base(cloud))
    resource = f"arn:aws:ssm:{HOME}:{HUB}:parameter{path}*"
    reader = cloud.client("ssm", cloud.role(HUB, statement("ssm:GetParametersByPath", resource)))
    listed = reader.get_parameters_by_path(Path=path, Recursive=True)["Parameters"]
    assert [each["Name"] for each in listed] == [f"{path}candidate", f"{path}deep/one", f"{path}stable"]
    code, message = refusal(lambda: reader.get_parameters_by_path(Path="/", Recursive=True))
    assert code == "AccessDeniedException"
    assert f"ssm:GetParametersByPath on resource: arn:aws:ssm:{HOME}:{HUB}:parameter/" in message
    assert refusal(lambda: ssm.get_parameters_by_path(Path="/aws/service/ecs/"))[0] == "UnsupportedOperation"
