"""No policy lets anybody change everything: what writes, tags or grants names its resources, where AWS knows any."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model.generated_policies import Kind, generated
from tests.model.policy_linter import expanded, listed, reference

READING = frozenset({"List", "Read"})

WITHOUT_RESOURCES = {
    "inspector2:Disable": "Service Authorization Reference, Amazon Inspector2: no resource type",
    "inspector2:Enable": "Service Authorization Reference, Amazon Inspector2: no resource type",
    "kms:CreateKey": "Service Authorization Reference, AWS Key Management Service: a key has no ARN before it exists",
    **{
        f"logs:{action}": "Service Authorization Reference, Amazon CloudWatch Logs: no resource type"
        for action in ("CreateLogDelivery", "DeleteLogDelivery", "PutResourcePolicy", "UpdateLogDelivery")
    },
    "sns:SetSubscriptionAttributes": "Service Authorization Reference, Amazon SNS: no resource type",
    "sns:Unsubscribe": "Service Authorization Reference, Amazon SNS: no resource type",
    "xray:PutTelemetryRecords": "Service Authorization Reference, AWS X-Ray: no resource type",
    "xray:PutTraceSegments": "Service Authorization Reference, AWS X-Ray: no resource type",
}
"""Actions that write and for which a policy cannot name a resource, with AWS's page."""


def stands_for_all(resource: str) -> bool:
    """Whether a resource of a policy is `*`, or an ARN that names no more than a service and where it is."""
    parts = resource.split(":", 5)
    return not parts[-1].strip("*:/")


def unbounded() -> Iterator[tuple[str, str, str]]:
    """Function, statement and action of everything that is allowed on whatever there is."""
    for policy in generated(Kind.IDENTITY, Kind.RESOURCE):
        for statement in policy.document["Statement"]:
            if statement["Effect"] == "Allow" and any(map(stands_for_all, listed(statement["Resource"]))):
                for action in expanded(listed(statement["Action"])):
                    yield policy.function, statement["Sid"], action


def writes(action: str) -> bool:
    """Whether an action changes something; one that the reference lacks counts among them."""
    known = reference().get(action.lower())
    return known is None or known.level not in READING


def test_what_writes_names_its_resources() -> None:
    found = {(function, sid, action) for function, sid, action in unbounded() if writes(action)}
    assert sorted(entry for entry in found if entry[2] not in WITHOUT_RESOURCES) == []


@pytest.mark.parametrize("action", WITHOUT_RESOURCES)
def test_aws_knows_no_resource_for_what_is_excepted_and_it_is_in_use(action: str) -> None:
    assert reference()[action.lower()].resources == ()
    assert any(action == used for _, _, used in unbounded())


@pytest.mark.parametrize(
    ("resource", "all_of_it"),
    [
        ("*", True),
        ("arn:aws:sqs:*:*:*", True),
        ("arn:aws:logs:us-east-1:111111111111:*:*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:s3:::golden-ami-*", False),
        ("arn:aws:ec2:us-east-1::image/*", False),
    ],
)
def test_wildcards_alone_name_no_resource(resource: str, all_of_it: bool) -> None:
    assert stands_for_all(resource) is all_of_it


@pytest.mark.parametrize(
    ("action", "does"), [("ec2:DescribeImages", False), ("ec2:CreateTags", True), ("iam:PutRolePolicy", True)]
)
def test_tagging_and_managing_permissions_are_writing(action: str, does: bool) -> None:
    assert writes(action) is does


def test_wildcards_of_actions_are_expanded() -> None:
    assert {"kms:CreateGrant", "kms:CreateKey"} <= expanded(["kms:Create*"])
