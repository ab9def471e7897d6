"""Every launch is predicted: whatever is taken from the documents, the prediction says what the launch then does.

The prediction is that of `make access --live`, from what the accounts' deployment roles read; the launch is the
consumer role's own, or a group's.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Generator, Mapping

import boto3
import pytest
from botocore.exceptions import ClientError

from commands.access import access_report
from local.session import Actor
from model.launch_access import Answer
from model.names import image_key_alias
from tests.stacks.permissions.cuts import Cut, pieces, whole_statements
from tests.stacks.permissions.documents import HUB, PRODUCT, DeployedDocument, Document, documents
from tests.stacks.permissions.predictions import Compared, Predictor
from tests.stacks.world import Deployed, World

pytestmark = pytest.mark.stack

CREATED = "arn:aws:iam::222222222222:role/ledger-instances"
EXISTING = "arn:aws:iam::333333333333:role/application/ledger-runtime"
SCALING = "arn:aws:iam::222222222222:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
REGIONS = ("us-east-1", "eu-west-1")
LAUNCHES = {(principal, region) for principal in (CREATED, EXISTING, SCALING) for region in REGIONS}

KEY_USERS = ("UseByTargets", "GrantsByTargets", "RefuseOtherGrantees")
"""The image key's statements that bear on a launch; the others are for the hub, its administrators and deployments."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "image key in us-east-1": ("UseByTargets", "GrantsByTargets"),
    "image key in eu-west-1": ("UseByTargets", "GrantsByTargets"),
    "image-key policy of ledger-instances": ("UseImageKey", "GrantImageKey"),
    "launch policy of ledger-instances": ("LaunchProductImages", "LaunchInAccount", "PassItself", "ReadChannel"),
    "image-key policy of ledger-runtime": ("UseImageKey", "GrantImageKey"),
    "own policy of ledger-runtime": ("LaunchProductImages", "LaunchInAccount", "ReadChannel"),
}
"""Each document that bears on a launch, and the statements without which a launch fails."""

SAME_KEY = (
    "EBS User Guide, requirements for Amazon EBS encryption, lists the action for every launch; a volume under the key "
    "of its snapshot keeps the snapshot's data key, which is decrypted and neither made nor encrypted anew."
)
ASKED_ALWAYS: Mapping[str, str] = {"kms:ReEncrypt*": SAME_KEY, "kms:GenerateDataKey*": SAME_KEY}
"""Actions without which the prediction is no and the launch succeeds, and why."""

STRICTER = "predicted no at key, launched"

UNREAD: Mapping[str, str] = {
    "EnableAccountPolicies": "KMS Developer Guide, default key policy: without it no policy of the hub's account "
    "reaches the key, so the hub's deployment role cannot read it either."
}
"""Statements without which the key is not judged, and why."""


@pytest.fixture(scope="module")
def predictor(world: World, ledger_image: Deployed) -> Generator[Predictor]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.session.environment.items():
            if name.startswith("AWS_") or name == "NO_PROXY":
                patch.setenv(name, value)
        made = Predictor.of(world)
        yield made
        made.close()


@pytest.fixture(scope="module")
def administrator(world: World) -> Actor:
    """A key administrator: without `EnableAccountPolicies` even the hub's root may not put a key's policy back."""
    role = world.session.files.landing_zone.key_administrators[0]
    iam = world.client("iam", HUB)
    user = {"UserName": f"administrator-{uuid.uuid4().hex[:8]}"}
    iam.create_user(**user)
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(**user, PolicyName="assume", PolicyDocument=document)
    key = iam.create_access_key(**user)["AccessKey"]
    keys = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
    return Actor(keys, world.session.address).assume(role, "predicted-launches")


@pytest.fixture
def deployed(world: World, administrator: Actor) -> Callable[[str], DeployedDocument]:
    """A document by its name."""

    def found(name: str) -> DeployedDocument:
        if name == "own policy of ledger-runtime":
            return _own_policy(world)
        document = documents(world)[name]
        if not name.startswith("image key in"):
            return document
        region = name.rpartition(" ")[2]
        key = world.client("kms", HUB, region).describe_key(KeyId=image_key_alias(PRODUCT))["KeyMetadata"]["Arn"]
        kms = administrator.clients.client("kms", region_name=region, endpoint_url=administrator.address)

        def write(policy: Document) -> None:
            try:
                document.write(policy)
            except ClientError:
                kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))

        return DeployedDocument(document.read, write)

    return found


def _own_policy(world: World) -> DeployedDocument:
    iam = world.client("iam", "333333333333")
    role = {"RoleName": "ledger-runtime", "PolicyName": "own"}

    def write(document: Document) -> None:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(document))

    return DeployedDocument(lambda: iam.get_role_policy(**role)["PolicyDocument"], write)


def concerned(name: str) -> set[tuple[str, str]]:
    """The launches that a document bears on."""
    return {
        (principal, region)
        for principal, region in LAUNCHES
        if name.endswith((f"key in {region}", f"policy of {principal.rsplit('/', 1)[-1]}"))
    }


def where(name: str) -> str:
    """How the prediction tells where to add what a document lacks."""
    if name.startswith("image key"):
        return f"policy of the image key of {PRODUCT} in {name.rpartition(' ')[2]}"
    return f"role {name.rpartition(' ')[2]}"


def compared(predictor: Predictor, name: str, document: DeployedDocument, cut: Cut) -> list[Compared]:
    """What was predicted and what happened without a piece of a document."""
    with document.changed(cut.change):
        return predictor.compare(concerned(name))


def test_as_planned_and_as_deployed_every_launch_is_predicted_and_succeeds(predictor: Predictor) -> None:
    planned = access_report(PRODUCT, predictor.world.project)
    assert {(row.principal, row.region) for row in planned.rows} == LAUNCHES
    assert planned.holds
    for one in predictor.compare(LAUNCHES):
        assert {cell.answer for cell in one.row.cells.values()} == {Answer.YES}
        assert one.actual.text == ""


@pytest.mark.parametrize("name", NEEDED)
def test_without_a_statement_launches_fail_exactly_as_predicted(
    predictor: Predictor, deployed: Callable[[str], DeployedDocument], name: str
) -> None:
    document = deployed(name)
    failed: list[str] = []
    for cut in whole_statements(document.read()):
        launches = compared(predictor, name, document, cut)
        assert {one.unjudged for one in launches} == {cut.sid in UNREAD}
        if cut.sid in UNREAD:
            assert not any(one.actual.text for one in launches)
            continue
        for one in launches:
            assert one.difference(where(name)) == "", cut
        if any(one.actual.text for one in launches):
            failed.append(cut.sid)
    assert set(failed) == set(NEEDED[name])


@pytest.mark.parametrize("name", [name for name in NEEDED if name != f"image key in {REGIONS[1]}"])
def test_without_an_action_a_resource_or_a_condition_s_value_launches_fail_exactly_as_predicted(
    predictor: Predictor, deployed: Callable[[str], DeployedDocument], name: str
) -> None:
    document = deployed(name)
    bearing = [entry for entry in document.read()["Statement"] if entry["Sid"] in (*NEEDED[name], *KEY_USERS)]
    explained: set[str] = set()
    for cut in (cut for entry in bearing for cut in pieces(entry)):
        for one in compared(predictor, name, document, cut):
            difference = one.difference(where(name))
            if difference == STRICTER and cut.piece in ASKED_ALWAYS:
                explained.add(cut.piece)
            else:
                assert difference == "", cut
    assert explained == (set(ASKED_ALWAYS) if "key" in name else set())
