"""parliament, a linter of IAM policies, finds nothing above low in what roles are given, or it is told here why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.session import Session

from model.key_policies import USE_ACTIONS
from tests.model.generated_policies import MADE, Kind, generated, policy_functions
from tests.model.policy_linter import (
    HARMLESS,
    MISMATCH,
    Finding,
    expanded,
    findings,
    has_form,
    is_resource_of,
    listed,
    reference,
)

NEWER_THAN_PARLIAMENT = {
    "imagebuilder:RetryImage": "Service Authorization Reference, Amazon EC2 Image Builder; API Reference, RetryImage",
}
"""Actions that AWS has added since parliament's definitions were made, with the page."""

DEPLOYER = "hub_deployment_policy"
_OWN_POLICY = (
    "whoever manages a bucket writes its policy and lifecycle; objects are not the deployment role's, "
    "and what it writes is the program's own policy"
)
_PUBLIC_PARAMETER = (
    "AWS's public parameters have no account in their ARN (Systems Manager User Guide, 'Discovering public parameters')"
)
_ALIASES = 'all operations on keys know it in IAM policies (KMS Developer Guide, "kms:ResourceAliases")'


def _escalation(change: str, gain: str) -> Finding:
    bucket = "arn:aws:s3:::golden-ami-*-111111111111-us-east-1"
    return Finding(
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION",
        f"Possible resource policy privilege escalation on {bucket} due to s3:{gain} not being allowed, "
        f"but does allow s3:{change}",
    )


ACCEPTED: dict[tuple[str, Finding], str] = {
    (DEPLOYER, _escalation("PutBucketPolicy", "GetObject")): _OWN_POLICY,
    (DEPLOYER, _escalation("PutBucketPolicy", "PutObject")): _OWN_POLICY,
    (DEPLOYER, _escalation("PutBucketPolicy", "DeleteObject")): _OWN_POLICY,
    (DEPLOYER, _escalation("PutLifecycleConfiguration", "DeleteObject")): _OWN_POLICY,
    (DEPLOYER, Finding(MISMATCH, "ssm:GetParameter on arn:*:ssm:*:*:parameter/*")): _PUBLIC_PARAMETER,
    ("execution_policy", Finding(MISMATCH, "ssm:GetParameter on arn:*:ssm:*:*:parameter/*")): _PUBLIC_PARAMETER,
    (DEPLOYER, Finding(MISMATCH, "logs:DescribeLogGroups on *")): (
        "log groups are its resources (Service Authorization Reference, Amazon CloudWatch Logs)"
    ),
    ("scan_execution_policy", Finding(MISMATCH, "states:DescribeExecution on arn:*:states:*:*:express:*:*:*")): (
        "the gate is a standard state machine, whose executions are no express ones"
    ),
    **{
        (
            "execution_policy",
            Finding("UNKNOWN_CONDITION_FOR_ACTION", f"Unknown condition kms:ResourceAliases for action {action}"),
        ): _ALIASES
        for action in expanded([*USE_ACTIONS, "kms:CreateGrant"])
    },
}
"""Findings above low that stay, by the function whose policy has them, with the reason."""


AWS_AS_ACCOUNT = re.compile(r":aws:(?=policy/|component/|workflow/)")


def _as_parliament_reads(document: Mapping[str, Any]) -> dict[str, Any]:
    """The policy without what parliament cannot know: it looks at nothing else of a statement that has such a thing.

    Those are newer actions, and AWS as the account of its own managed policies, components and workflows (IAM User
    Guide, "IAM ARNs"; Image Builder User Guide, "Use managed components").
    """
    statements = [
        {
            **statement,
            "Action": [name for name in listed(statement["Action"]) if name not in NEWER_THAN_PARLIAMENT],
            "Resource": [AWS_AS_ACCOUNT.sub(":000000000000:", name) for name in listed(statement["Resource"])],
        }
        for statement in document["Statement"]
    ]
    return {**document, "Statement": [statement for statement in statements if statement["Action"]]}


def _completed(document: Mapping[str, Any], statement: Mapping[str, Any], finding: Finding) -> bool:
    """Whether further statements of the policy name what one statement leaves out of an action's resources.

    parliament looks at each statement by itself; a condition that only one kind of resource can meet takes two (Service
    Authorization Reference, "Amazon EC2", RunInstances; Systems Manager User Guide, SendCommand).
    """
    action, _, form = finding.subject.partition(" on ")
    if form == "*" or not any(is_resource_of(action, resource) for resource in listed(statement["Resource"])):
        return False
    return any(
        action in expanded(listed(other["Action"]))
        and any(has_form(resource, form) for resource in listed(other["Resource"]))
        for other in document["Statement"]
        if other["Effect"] == "Allow"
    )


def _above_low() -> Iterator[tuple[str, Finding]]:
    for policy in generated(Kind.IDENTITY, Kind.RESOURCE):
        document = _as_parliament_reads(policy.document)
        for finding in findings(document):
            serious = finding.severity not in HARMLESS or finding.issue.startswith("UNKNOWN_")
            if serious and finding.issue != MISMATCH:
                yield policy.function, finding
        for statement in document["Statement"]:
            for finding in findings({**document, "Statement": [statement]}):
                if finding.issue == MISMATCH and not _completed(document, statement, finding):
                    yield policy.function, finding


def test_every_function_that_returns_a_policy_is_looked_at() -> None:
    assert set(policy_functions()) == set(MADE)


@pytest.mark.parametrize("function", MADE, ids=lambda function: function.__name__)
def test_every_function_makes_a_policy_for_some_product(function: Any) -> None:
    kind, _ = MADE[function]
    assert any(policy.function == function.__name__ for policy in generated(kind))


def test_nothing_above_low_is_found_in_what_roles_and_resources_are_given() -> None:
    assert sorted(set(_above_low()) - set(ACCEPTED)) == []


def test_every_accepted_finding_is_there() -> None:
    assert sorted(set(ACCEPTED) - set(_above_low())) == []


def test_every_action_that_parliament_lacks_is_in_use_and_an_operation_of_aws() -> None:
    used = {
        action
        for policy in generated(Kind.IDENTITY)
        for statement in policy.document["Statement"]
        for action in listed(statement["Action"])
    }
    for action in NEWER_THAN_PARLIAMENT:
        service, operation = action.split(":")
        assert action in used
        assert action.lower() not in reference()
        assert operation in Session().get_service_model(service).operation_names
