"""Builds and distributions against a cloud in memory; scripts run for real."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud.call import ServiceError

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"
ROLE = "EC2ImageBuilderDistributionCrossAccountRole"
SCRIPT = (
    "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: Run, action: ExecuteBash, inputs: {commands: ['%s']}}]}]"
)


def states(builder: Any) -> list[str]:
    return [event["detail"]["state"]["status"] for event in builder.cloud.events]


def test_a_build_goes_through_all_states_with_an_event_each(builder: Any, targets: Callable[[], Any]) -> None:
    recipe = builder.recipe(builder.component(data=SCRIPT % "echo done > /opt/done"))
    image = builder.ended(builder.start(builder.pipeline(recipe, targets(), tests=True)))
    assert image["state"] == {"status": "AVAILABLE"}
    wanted = ["CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]
    assert states(builder) == wanted
    previous = [event["detail"]["previous-state"]["status"] for event in builder.cloud.events]
    assert previous == ["PENDING", *wanted[:-1]]
    assert all(event["resources"] == [image["arn"]] for event in builder.cloud.events)
    assert image["arn"].endswith(":image/web-server/1.0.0/1")
    assert image["osVersion"] == "Amazon Linux 2023"


def test_each_target_gets_its_copy_by_its_own_role_and_its_parameter(builder: Any, targets: Callable[[], Any]) -> None:
    recipe = builder.recipe(builder.component())
    image = builder.ended(builder.start(builder.pipeline(recipe, targets())))
    amis = image["outputResources"]["amis"]
    assert [(ami["accountId"], ami["region"]) for ami in amis] == [
        (TARGET, HOME), (OTHER, HOME), (TARGET, AWAY), (OTHER, AWAY),
    ]  # fmt: skip
    for ami in amis:
        made = builder.cloud.images[(ami["accountId"], ami["region"], ami["image"])]
        assert made["request"]["KmsKeyId"] == f"arn:aws:kms:{ami['region']}:{HUB}:key/mrk-1"
        assert ami["name"] == "web-2026-01-02T03-04-05.000Z"
        assert builder.cloud.parameters[(ami["accountId"], ami["region"], "/web/stable")] == ami["image"]
    copiers = {who for who, operation, _ in builder.cloud.calls if operation in ("CopyImage", "PutParameter")}
    assert copiers == {f"{TARGET}:{ROLE}", f"{OTHER}:{ROLE}"}
    source = next(made for made in builder.cloud.images.values() if made.get("owner") == HUB)
    assert source["shared"] == set()


def test_without_targets_the_builds_own_image_is_the_output(builder: Any) -> None:
    image = builder.ended(builder.start(builder.pipeline(builder.recipe(builder.component()))))
    (ami,) = image["outputResources"]["amis"]
    assert (ami["accountId"], ami["region"]) == (HUB, HOME)
    assert not [call for call in builder.cloud.calls if call[1] == "CopyImage"]


def test_a_failing_script_makes_no_image(builder: Any, targets: Callable[[], Any]) -> None:
    recipe = builder.recipe(builder.component(data=SCRIPT % "echo no licence >&2; exit 4"))
    image = builder.ended(builder.start(builder.pipeline(recipe, targets())))
    reason = image["state"]["reason"]
    assert image["state"]["status"] == "FAILED"
    assert reason.startswith("Workflow Execution ID: 'wf-")
    assert "step 'Run', action 'ExecuteBash': exit code 4: no licence" in reason
    assert image["state"]["failureContext"]["componentFailure"]["stepName"] == "Run"
    assert [made for made in builder.cloud.images.values() if made.get("owner")] == []
    assert {made["State"]["Name"] for made in builder.cloud.instances.values()} == {"terminated"}
    assert states(builder) == ["CREATING", "BUILDING", "FAILED"]
    assert builder.cloud.events[-1]["detail"]["state"]["reason"] == reason


def test_a_refused_target_keeps_the_other_copies_and_a_retry_makes_only_what_is_missing(
    builder: Any, targets: Callable[[], Any]
) -> None:
    role = f"arn:aws:iam::{OTHER}:role/{ROLE}"
    builder.cloud.refuse = {role}
    arn = builder.start(builder.pipeline(builder.recipe(builder.component()), targets()))
    image = builder.ended(arn)
    assert image["state"]["status"] == "FAILED"
    assert image["state"]["reason"].startswith("Not all distribution jobs are completed. 1) STS Client Error:")
    assert f"to the destination account (ID: {OTHER}) in Region {AWAY}" in image["state"]["reason"]
    copies = {(ami["accountId"], ami["region"]): ami.get("image") for ami in image["outputResources"]["amis"]}
    assert [key for key, made in copies.items() if made] == [(TARGET, HOME), (TARGET, AWAY)]
    assert (OTHER, HOME, "/web/stable") not in builder.cloud.parameters
    assert builder.cloud.parameters[(TARGET, HOME, "/web/stable")] == copies[(TARGET, HOME)]

    builder.cloud.refuse = set()
    before = len(builder.cloud.calls)
    builder.call("RetryImage", imageBuildVersionArn=arn, clientToken="again")
    image = builder.ended(arn)
    assert image["state"] == {"status": "AVAILABLE"}
    made = {(ami["accountId"], ami["region"]): ami["image"] for ami in image["outputResources"]["amis"]}
    assert made | {key: copy for key, copy in copies.items() if copy} == made
    again = [(who, region) for who, operation, region in builder.cloud.calls[before:] if operation == "CopyImage"]
    assert again == [(f"{OTHER}:{ROLE}", HOME), (f"{OTHER}:{ROLE}", AWAY)]
    assert not [call for call in builder.cloud.calls[before:] if call[1] in ("RunInstances", "CreateImage")]
    assert states(builder)[-4:] == ["FAILED", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]
    kinds = builder.call("ListWorkflowExecutions", imageBuildVersionArn=arn)["workflowExecutions"]
    assert [(kind["type"], kind["status"], kind["retried"]) for kind in kinds] == [
        ("BUILD", "COMPLETED", False),
        ("DISTRIBUTION", "FAILED", True),
        ("DISTRIBUTION", "COMPLETED", False),
    ]


def test_a_copy_refused_in_one_region_leaves_that_regions_parameter(builder: Any, targets: Callable[[], Any]) -> None:
    builder.cloud.refuse = {f"CopyImage {TARGET} {AWAY}"}
    builder.cloud.parameters[(TARGET, AWAY, "/web/stable")] = "ami-0old"
    image = builder.ended(builder.start(builder.pipeline(builder.recipe(builder.component()), targets())))
    assert f"1) EC2 Client Error: '{ROLE} may not CopyImage'" in image["state"]["reason"]
    failures = image["state"]["failureContext"]["distributionFailure"]["regionFailures"]
    assert [(failure["targetAccountId"], failure["region"]) for failure in failures] == [(TARGET, AWAY)]
    assert builder.cloud.parameters[(TARGET, AWAY, "/web/stable")] == "ami-0old"


def test_the_execution_role_must_be_allowed_to_write_the_parameters(builder: Any, targets: Callable[[], Any]) -> None:
    arn = f"arn:aws:ssm:{AWAY}:{TARGET}:parameter/web/stable"
    builder.cloud.refuse = {f"ssm:PutParameter {arn}"}
    image = builder.ended(builder.start(builder.pipeline(builder.recipe(builder.component()), targets())))
    assert image["state"]["status"] == "FAILED"
    assert f"SSM Client Error: '{HUB}:execution may not ssm:PutParameter on {arn}'" in image["state"]["reason"]
    assert (OTHER, AWAY, "/web/stable") in builder.cloud.parameters


def test_instance_and_execution_role_need_what_aws_asks_of_them(builder: Any) -> None:
    pipeline = builder.pipeline(builder.recipe(builder.component()))
    builder.cloud.refuse = {"imagebuilder:GetComponent"}
    assert "may not imagebuilder:GetComponent" in builder.ended(builder.start(pipeline))["state"]["reason"]
    builder.cloud.refuse = {f"RunInstances {HUB}"}
    assert "execution may not RunInstances" in builder.ended(builder.start(pipeline, "2"))["state"]["reason"]


def test_content_reaches_the_test_instance_and_tests_can_fail_the_image(builder: Any) -> None:
    data = """
schemaVersion: 1.0
phases:
  - {name: build, steps: [{name: Make, action: CreateFile, inputs: [{path: /opt/app, content: v1}]}]}
  - {name: test, steps: [{name: See, action: ExecuteBash, inputs: {commands: ['grep v1 /opt/app && exit 8']}}]}
"""
    image = builder.ended(builder.start(builder.pipeline(builder.recipe(builder.component(data=data)), tests=True)))
    assert "phase 'test', step 'See', action 'ExecuteBash': exit code 8: v1" in image["state"]["reason"]
    assert states(builder) == ["CREATING", "BUILDING", "TESTING", "FAILED"]
    assert {made["State"]["Name"] for made in builder.cloud.instances.values()} == {"terminated"}


def test_the_log_says_what_was_recorded_and_not_executed(builder: Any) -> None:
    recipe = builder.recipe(builder.component(data=SCRIPT % "yum install -y nginx"))
    builder.ended(builder.start(builder.pipeline(recipe)))
    lines = builder.cloud.logs["/aws/imagebuilder/Web Server 1.0.0/1"]
    assert "  yum install -y nginx" in lines
    assert any("1 commands on i-" in line and "recorded and not executed" in line for line in lines)


def test_a_token_used_again_means_the_same_image(builder: Any) -> None:
    pipeline = builder.pipeline(builder.recipe(builder.component()))
    first = builder.start(pipeline, "same")
    builder.ended(first)
    assert builder.start(pipeline, "same") == first
    second = builder.start(pipeline, "other")
    assert second == f"{first[:-1]}2"
    builder.ended(second)
    with pytest.raises(ServiceError, match="IdempotentParameterMismatchException"):
        builder.call("StartImagePipelineExecution", imagePipelineArn=pipeline, clientToken="same", tags={"a": "b"})


def test_a_pipeline_runs_once_at_a_time_and_a_run_can_be_cancelled(builder: Any) -> None:
    entered = threading.Event()
    original = builder.cloud.put_service_event

    def watch(*event: Any) -> None:
        original(*event)
        if event[5]["state"]["status"] == "BUILDING":
            entered.set()

    builder.cloud.put_service_event = watch
    pipeline = builder.pipeline(builder.recipe(builder.component(data=SCRIPT % "sleep 600")))
    arn = builder.start(pipeline)
    assert entered.wait(20)
    with pytest.raises(ServiceError, match="ResourceInUseException"):
        builder.start(pipeline, "second")
    with pytest.raises(ServiceError, match="InvalidRequestException"):
        builder.call("DeleteImage", imageBuildVersionArn=arn)
    builder.call("CancelImageCreation", imageBuildVersionArn=arn, clientToken="stop")
    assert builder.ended(arn)["state"]["status"] == "CANCELLED"
    assert {made["State"]["Name"] for made in builder.cloud.instances.values()} <= {"terminated"}
    builder.call("DeleteImage", imageBuildVersionArn=arn)
    with pytest.raises(ServiceError, match="ResourceNotFoundException"):
        builder.call("GetImage", imageBuildVersionArn=arn)


def test_a_build_that_made_no_image_cannot_be_retried(builder: Any) -> None:
    recipe = builder.recipe(builder.component(data=SCRIPT % "exit 1"))
    arn = builder.start(builder.pipeline(recipe))
    builder.ended(arn)
    with pytest.raises(ServiceError, match="failed before its distribution"):
        builder.call("RetryImage", imageBuildVersionArn=arn, clientToken="again")


def test_steps_of_a_run_can_be_followed(builder: Any) -> None:
    arn = builder.start(builder.pipeline(builder.recipe(builder.component())))
    builder.ended(arn)
    workflow = builder.call("ListWorkflowExecutions", imageBuildVersionArn=arn)["workflowExecutions"][0]
    steps = builder.call("ListWorkflowStepExecutions", workflowExecutionId=workflow["workflowExecutionId"])["steps"]
    assert [(step["name"], step["status"]) for step in steps] == [
        (name, "COMPLETED")
        for name in (
            "LaunchBuildInstance",
            "ApplyBuildComponents",
            "InventoryCollection",
            "CreateOutputAMI",
            "TerminateBuildInstance",
        )
    ]
    assert "recorded, not executed" in steps[1]["message"]
    one = builder.call("GetWorkflowStepExecution", stepExecutionId=steps[0]["stepExecutionId"])
    assert one["imageBuildVersionArn"] == arn


FAST = {
    "enabled": True,
    "accountId": HUB,
    "maxParallelLaunches": 6,
    "snapshotConfiguration": {"targetResourceCount": 2},
    "launchTemplate": {"launchTemplateId": "lt-0123456789abcdef0", "launchTemplateVersion": "3"},
}


def in_hub(**fast: Any) -> list[dict[str, Any]]:
    name = "web-{{ imagebuilder:buildDate }}"
    entry = {"region": HOME, "amiDistributionConfiguration": {"name": name}}
    return [{**entry, "fastLaunchConfigurations": [{**FAST, **fast}]}]


def test_fast_launch_is_enabled_for_the_builds_own_image_by_the_execution_role(builder: Any) -> None:
    pipeline = builder.pipeline(builder.recipe(builder.component()), in_hub())
    (ami,) = builder.ended(builder.start(pipeline))["outputResources"]["amis"]
    assert builder.cloud.images[(HUB, HOME, ami["image"])]["fast"] == {
        "SnapshotConfiguration": {"TargetResourceCount": 2},
        "LaunchTemplate": {"LaunchTemplateId": "lt-0123456789abcdef0", "Version": "3"},
        "MaxParallelLaunches": 6,
    }
    assert (f"{HUB}:execution", "EnableFastLaunch", HOME) in builder.cloud.calls


def test_fast_launch_that_is_refused_fails_the_image(builder: Any) -> None:
    builder.cloud.refuse.add(f"EnableFastLaunch {HUB}")
    image = builder.ended(builder.start(builder.pipeline(builder.recipe(builder.component()), in_hub())))
    assert image["state"]["status"] == "FAILED"
    assert "EnableFastLaunch" in image["state"]["reason"]


def test_fast_launch_that_is_not_enabled_is_left_alone(builder: Any) -> None:
    pipeline = builder.pipeline(builder.recipe(builder.component()), in_hub(enabled=False))
    assert builder.ended(builder.start(pipeline))["state"]["status"] == "AVAILABLE"
    assert not [call for call in builder.cloud.calls if call[1] == "EnableFastLaunch"]


def test_fast_launch_is_not_done_in_other_accounts(builder: Any) -> None:
    with pytest.raises(ServiceError, match=TARGET):
        builder.pipeline(builder.recipe(builder.component()), in_hub(accountId=TARGET))
