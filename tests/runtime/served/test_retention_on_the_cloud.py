"""Old images go from every account by the roles that are there for it, and what channels name stays."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from model.documents import PolicyDocument
from model.hub_policies import sweep_function_policy
from model.names import LIFECYCLE_ROLE
from model.retention_policies import lifecycle_execution_policy, lifecycle_role_policy, lifecycle_role_trust
from runtime.functions.retention import Place
from tests.local.cloud.served_cloud import HOME, HUB, TARGET, serving
from tests.runtime.served.retained_product import (
    BUILDS,
    COPIES,
    NAMES,
    PLAN,
    TARGETS,
    RetainedProduct,
    make_lifecycle_policy,
    set_up,
)

PLACES = (BUILDS, COPIES, TARGETS)
CHANNEL, KEPT = "golden-ami:channel", "golden-ami:kept"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetainedProduct]:
    """Five images, made on days 0, 5, 10, 20 and 30. Later tests go on from where earlier ones ended."""
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        product = set_up(served)
        for day in (0, 5, 10, 20, 30):
            product.build(day)
        yield product


def test_the_mark_is_on_what_the_channels_name_after_every_build(cloud: RetainedProduct) -> None:
    assert cloud.marked(TARGETS, CHANNEL) == cloud.marked(COPIES, CHANNEL) == [5]
    cloud.report(1)
    assert cloud.marked(TARGETS, CHANNEL) == cloud.marked(COPIES, CHANNEL) == [5]


def test_nothing_goes_while_all_is_young_and_lifecycle_policies_are_told_what_stays(cloud: RetainedProduct) -> None:
    cloud.on(31)
    cloud.go_back(TARGETS, 1)
    template = {"ImageId": cloud.there(COPIES)[2]}
    ec2 = cloud.cloud.client("ec2", HUB, COPIES.region)
    ec2.create_launch_template(LaunchTemplateName="team", LaunchTemplateData=template)
    found = cloud.sweep()
    assert (found["amis"], found["images"], found["failed"]) == ([], [], [])
    assert cloud.marked(TARGETS, CHANNEL) == [1]
    assert cloud.marked(COPIES, CHANNEL) == [5]
    assert cloud.marked(TARGETS, KEPT) == [4, 5]
    assert cloud.marked(COPIES, KEPT) == [2, 4]


def test_a_lifecycle_policy_is_refused_what_a_statement_of_its_roles_does_not_allow(cloud: RetainedProduct) -> None:
    make_lifecycle_policy(cloud.cloud)
    policy, trust = lifecycle_execution_policy(NAMES, PLAN), lifecycle_role_trust(HUB)
    iam = cloud.cloud.client("iam", TARGET)
    narrower = _without(trust, "LifecycleOfHubImages")
    iam.update_assume_role_policy(RoleName=LIFECYCLE_ROLE, PolicyDocument=narrower.json())
    in_target, copy = f"3 {TARGET} {HOME}", f"3 {HUB} {COPIES.region}"
    cuts = (
        (135, "RemoveImages", copy, "ec2:DeregisterImage"),
        (136, "FindImages", copy, "ec2:DescribeImages"),
        (137, "RemoveSnapshots", copy, "ec2:DeleteSnapshot"),
        (138, "DeleteImageResources", "3", "imagebuilder:DeleteImage"),
    )
    for day, sid, resource, told in cuts:
        _put(cloud, HUB, NAMES.lifecycle_role, _without(policy, sid))
        cloud.on(day)
        found = cloud.lifecycle()
        assert f"is not authorized to perform: {told}" in found[resource], sid
        if day == 135:
            assert "imagebuilder.amazonaws.com is not authorized to perform: sts:AssumeRole" in found[in_target]
            assert set(cloud.there(TARGETS)) == set(cloud.there(COPIES)) == {1, 2, 3, 4, 5}
            iam.update_assume_role_policy(RoleName=LIFECYCLE_ROLE, PolicyDocument=trust.json())
    _put(cloud, HUB, NAMES.lifecycle_role, policy)


def test_a_lifecycle_policy_removes_old_images_and_spares_what_it_was_told(cloud: RetainedProduct) -> None:
    cloud.on(139)
    found = cloud.lifecycle()
    assert found["3"] == "SUCCESS"
    # The first is named by a channel, the second's copy is in use; the newest do not come into question.
    assert set(found) == {"1", "2", f"2 {TARGET} {HOME}", f"2 {HUB} {COPIES.region}", "3", f"3 {TARGET} {HOME}",
                          f"3 {HUB} {COPIES.region}"}  # fmt: skip
    assert found["1"].startswith("SKIPPED It has a tag")
    assert found["2"].startswith("SKIPPED AMIs are left")
    assert set(cloud.there(TARGETS)) == {1, 4, 5}
    assert set(cloud.there(COPIES)) == {1, 2, 4, 5}
    assert sorted(cloud.resources()) == [1, 2, 4, 5]
    # It does not see the AMIs of builds.
    assert set(cloud.there(BUILDS)) == {1, 2, 3, 4, 5}


def _without(policy: PolicyDocument, sid: str) -> PolicyDocument:
    left = tuple(statement for statement in policy.statements if statement.sid != sid)
    assert len(left) == len(policy.statements) - 1
    return type(policy)(left)


@pytest.mark.parametrize(
    ("sid", "told"),
    [("ReadDestinations", "imagebuilder:GetImagePipeline"), ("ListImages", "imagebuilder:ListImagePipelineImages")],
)
def test_without_knowing_its_places_and_images_a_sweep_does_nothing(
    cloud: RetainedProduct, sid: str, told: str
) -> None:
    before = {place: cloud.there(place) for place in PLACES}
    with _sweeping_without(cloud, sid), pytest.raises(ClientError, match=told):
        cloud.sweep()
    assert {place: cloud.there(place) for place in PLACES} == before


@pytest.mark.parametrize(
    ("sid", "told"),
    [
        ("FindImages", "ec2:DescribeImages"),
        ("FindUses", "ec2:DescribeSnapshots"),
        ("ReadChannels", "ssm:GetParametersByPath"),
        ("RemoveImages", "ec2:DeregisterImage"),
        ("RemoveSnapshots", "missing-permissions"),
        # The hub's places are swept from here on.
        ("RetentionInTargets", "sts:AssumeRole"),
        ("MarkImages", "ec2:CreateTags"),
        ("MarkImageResources", "imagebuilder:TagResource"),
    ],
)
def test_without_a_statement_of_its_function_a_sweep_is_refused_there(
    cloud: RetainedProduct, sid: str, told: str
) -> None:
    before = {place: cloud.there(place) for place in PLACES}
    with _sweeping_without(cloud, sid):
        failed = cloud.sweep()["failed"]
    assert any(told in entry["reason"] for entry in failed)
    if sid not in {"RemoveSnapshots", "MarkImageResources"}:
        for entry in failed:
            place = Place(entry["account"], entry["region"])
            assert cloud.there(place) == before[place]


@contextmanager
def _sweeping_without(cloud: RetainedProduct, sid: str) -> Generator[None]:
    policy = sweep_function_policy(NAMES, PLAN, "arn:aws:kms:us-east-1:111111111111:key/1")
    _put(cloud, HUB, NAMES.sweep_function, _without(policy, sid))
    try:
        yield
    finally:
        _put(cloud, HUB, NAMES.sweep_function, policy)


@pytest.mark.parametrize(
    ("sid", "told"), [("ReadChannels", "ssm:GetParametersByPath"), ("FindUses", "ec2:Describe"), ("MarkImages", "Tags")]
)
def test_without_a_statement_of_the_role_there_nothing_in_a_target_is_touched(
    cloud: RetainedProduct, sid: str, told: str
) -> None:
    policy = lifecycle_role_policy(TARGET)
    _put(cloud, TARGET, LIFECYCLE_ROLE, _without(policy, sid))
    before = cloud.there(TARGETS)
    try:
        failed = cloud.sweep()["failed"]
    finally:
        _put(cloud, TARGET, LIFECYCLE_ROLE, policy)
    assert [(entry["account"], entry["region"]) for entry in failed] == [(TARGET, HOME)]
    assert told in failed[0]["reason"]
    assert cloud.there(TARGETS) == before


def _put(cloud: RetainedProduct, account: str, role: str, policy: PolicyDocument) -> None:
    iam: Any = cloud.cloud.client("iam", account)
    iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=policy.json())


def test_a_sweep_removes_what_lifecycle_policies_do_not_see(cloud: RetainedProduct) -> None:
    cloud.on(139.1)
    found = cloud.sweep()
    assert found["failed"] == []
    assert set(cloud.there(BUILDS)) == {4, 5}
    assert cloud.snapshots(BUILDS) == 2
    # A snapshot that the lifecycle policy was refused goes too. What is named in the target goes elsewhere.
    assert set(cloud.there(COPIES)) == {2, 4, 5}
    assert cloud.snapshots(COPIES) == 3
    assert set(cloud.there(TARGETS)) == {1, 4, 5}
    assert sorted(cloud.resources()) == [1, 2, 4, 5]


def test_what_nothing_speaks_for_any_longer_goes_with_its_image_resource(cloud: RetainedProduct) -> None:
    cloud.go_back(TARGETS, 5)
    cloud.cloud.client("ec2", HUB, COPIES.region).delete_launch_template(LaunchTemplateName="team")
    cloud.on(139.2)
    with _sweeping_without(cloud, "DeleteImageResources"):
        reasons = [entry["reason"] for entry in cloud.sweep()["failed"]]
    assert any("imagebuilder:DeleteImage" in reason for reason in reasons)
    assert sorted(cloud.resources()) == [1, 2, 4, 5]
    found = cloud.sweep()
    assert found["failed"] == []
    assert set(cloud.there(TARGETS)) == set(cloud.there(COPIES)) == set(cloud.there(BUILDS)) == {4, 5}
    assert sorted(cloud.resources()) == [4, 5]
    assert cloud.sweep()["amis"] == []
