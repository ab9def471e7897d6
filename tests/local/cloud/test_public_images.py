"""What Amazon publishes: base images that every account sees, and parameters that name the newest of them."""

from collections.abc import Iterator

import botocore.session
import pytest

from local.cloud.public_images import PUBLICATIONS, Publication
from tests.local.cloud.served_cloud import AWAY, HOME, HUB, TARGET, ServedCloud, refusal, serving, statement

NAMES = [publication.parameter for publication in PUBLICATIONS]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


@pytest.mark.parametrize("region", [HOME, AWAY, "ap-southeast-2"])
@pytest.mark.parametrize("account", [HUB, TARGET])
@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.platform or "linux")
def test_a_public_parameter_names_an_image_that_can_be_described(
    cloud: ServedCloud, publication: Publication, account: str, region: str
) -> None:
    ssm, ec2 = cloud.client("ssm", account, region), cloud.client("ec2", account, region)
    found = ssm.get_parameter(Name=publication.parameter)["Parameter"]
    assert found["ARN"] == f"arn:aws:ssm:{region}::parameter{publication.parameter}"
    (image,) = ec2.describe_images(ImageIds=[found["Value"]])["Images"]
    assert (image["Name"], image["State"], image["Public"]) == (publication.image_name, "available", True)
    assert image["ImageOwnerAlias"] == "amazon"
    assert image["OwnerId"] not in {HUB, TARGET}
    assert image.get("Platform") == publication.platform
    assert image["Architecture"] == publication.architecture
    (disk,) = (each for each in image["BlockDeviceMappings"] if each["DeviceName"] == image["RootDeviceName"])
    assert (disk["DeviceName"], disk["Ebs"]["VolumeSize"]) == (publication.root_device, publication.size)
    assert disk["Ebs"]["Encrypted"] is False


def test_earlier_releases_are_found_by_owner_and_name(cloud: ServedCloud) -> None:
    ec2 = cloud.client("ec2")
    (family,) = [each for each in PUBLICATIONS if each.earlier]
    filters = [{"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}]
    found = ec2.describe_images(Owners=["amazon"], Filters=filters)["Images"]
    by_date = sorted(found, key=lambda image: image["CreationDate"])
    assert [image["Name"] for image in by_date] == [name for name, _ in sorted(family.releases, key=lambda one: one[1])]
    newest = cloud.client("ssm").get_parameter(Name=family.parameter)["Parameter"]["Value"]
    assert by_date[-1]["ImageId"] == newest
    assert ec2.describe_images(Owners=["self"], Filters=filters)["Images"] == []


def test_every_region_has_images_of_its_own(cloud: ServedCloud) -> None:
    regions = botocore.session.get_session().get_available_regions("ec2")
    found = {
        region: cloud.client("ssm", HUB, region).get_parameter(Name=NAMES[0])["Parameter"]["Value"]
        for region in regions[::5]
    }
    assert len(set(found.values())) == len(found) > 3
    code, _ = refusal(lambda: cloud.client("ec2", HUB, AWAY).describe_images(
        ImageIds=[cloud.client("ssm", HUB, HOME).get_parameter(Name=NAMES[0])["Parameter"]["Value"]]
    ))  # fmt: skip
    assert code == "InvalidAMIID.NotFound"


@pytest.mark.parametrize("name", ["/aws/service/ami-amazon-linux-latest/none", "/aws/service/", "/aws/service/x"])
def test_what_amazon_does_not_publish_is_not_found(cloud: ServedCloud, name: str) -> None:
    ssm = cloud.client("ssm")
    assert refusal(lambda: ssm.get_parameter(Name=name))[0] == "ParameterNotFound"
    found = ssm.get_parameters(Names=[name, NAMES[0]])
    assert found["InvalidParameters"] == [name]
    assert [each["Name"] for each in found["Parameters"]] == [NAMES[0]]


def test_public_and_own_parameters_are_read_together(cloud: ServedCloud) -> None:
    ssm, own = cloud.client("ssm"), "/" + cloud.name("own")
    ssm.put_parameter(Name=own, Value="mine", Type="String")
    found = ssm.get_parameters(Names=[*NAMES, own, "/missing"])
    assert {each["Name"] for each in found["Parameters"]} == {*NAMES, own}
    assert found["InvalidParameters"] == ["/missing"]


def test_nobody_writes_a_public_parameter(cloud: ServedCloud) -> None:
    before = cloud.client("ssm").get_parameter(Name=NAMES[0])["Parameter"]
    refusal(lambda: cloud.client("ssm").put_parameter(Name=NAMES[0], Value="ami-0", Type="String", Overwrite=True))
    assert cloud.client("ssm").get_parameter(Name=NAMES[0])["Parameter"] == before


def test_reading_a_public_parameter_needs_the_action_on_its_arn_without_account(cloud: ServedCloud) -> None:
    arn = f"arn:aws:ssm:{HOME}::parameter{NAMES[0]}"
    allowed, other = cloud.role(TARGET, statement("ssm:GetParameter", arn)), cloud.role(TARGET)
    assert cloud.client("ssm", allowed).get_parameter(Name=NAMES[0])["Parameter"]["Value"].startswith("ami-")
    code, message = refusal(lambda: cloud.client("ssm", other).get_parameter(Name=NAMES[0]))
    assert code == "AccessDeniedException"
    assert f"ssm:GetParameter on resource: {arn} " in message
    assert refusal(lambda: cloud.client("ssm", allowed).get_parameter(Name=NAMES[1]))[0] == "AccessDeniedException"


@pytest.mark.parametrize("way", ["deregister", "share"])
def test_nobody_changes_a_public_image(cloud: ServedCloud, way: str) -> None:
    ec2 = cloud.client("ec2")
    image = cloud.client("ssm").get_parameter(Name=NAMES[0])["Parameter"]["Value"]
    permission = {"Add": [{"UserId": TARGET}]}
    calls = {
        "deregister": lambda: ec2.deregister_image(ImageId=image),
        "share": lambda: ec2.modify_image_attribute(ImageId=image, LaunchPermission=permission),
    }
    code, _ = refusal(calls[way])
    assert code in {"AuthFailure", "UnauthorizedOperation", "InvalidAMIID.NotFound"}
    assert ec2.describe_images(ImageIds=[image])["Images"][0]["Public"] is True
