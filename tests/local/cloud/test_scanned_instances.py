"""Inspector, state machines and a workflow that waits for one, on a served cloud, with the program's roles."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model.distribution import DistributionPlan, RegionTarget
from model.names import ProductNames
from model.scan_policies import scan_execution_policy, scan_gate_policy, scan_gate_trust
from tests.local.cloud.pipeline_roles import make_execution_role, make_infrastructure
from tests.local.cloud.served_cloud import HOME, HUB, ServedCloud, document, refusal, root_of, serving, statement

NAMES = ProductNames("web", HUB, HOME)
PLAN = DistributionPlan(HUB, HOME, (RegionTarget(HOME, ()),), (), (), {})
BASE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
AMAZON = f"arn:aws:imagebuilder:{HOME}:aws:workflow"
SCAN = (Path(__file__).parents[3] / "runtime" / "workflows" / "scan-image.yaml").read_text(encoding="utf-8")
PACKAGES = """
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Install
        action: ExecuteBash
        inputs:
          commands:
            - mkdir -p /opt/web/requests-2.28.0.dist-info
            - |
              printf 'Name: Requests\\nVersion: 2.28.0\\n' > /opt/web/requests-2.28.0.dist-info/METADATA
"""
JUDGE = "def handler(event, context):\n    return {'passed': event.get('verdict') != 'bad', 'reason': 'it is bad'}\n"
GATE = {
    "StartAt": "Judge",
    "States": {
        "Judge": {"Type": "Task", "Resource": NAMES.function_arn(NAMES.scan_function), "Next": "Decide"},
        "Decide": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.passed", "BooleanEquals": True, "Next": "Passed"}],
            "Default": "Refused",
        },
        "Passed": {"Type": "Succeed"},
        "Refused": {"Type": "Fail", "Error": "ScanRefused", "CausePath": "$.reason"},
    },
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("scans")) as served:
        yield served


@pytest.fixture(scope="module")
def data_key(cloud: ServedCloud) -> str:
    return cloud.key()


@pytest.fixture(scope="module")
def gate(cloud: ServedCloud, data_key: str) -> str:
    """ARN of a state machine with a function that lets through what calls itself good."""
    iam, archive = cloud.client("iam"), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("judge.py", JUDGE)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="judge", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    cloud.client("lambda").create_function(
        FunctionName=NAMES.scan_function,
        Runtime="python3.13",
        Role=role,
        Handler="judge.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    made = iam.create_role(RoleName=NAMES.scan_gate, AssumeRolePolicyDocument=scan_gate_trust(NAMES).json())["Role"]
    policy = scan_gate_policy(NAMES, data_key).json()
    iam.put_role_policy(RoleName=NAMES.scan_gate, PolicyName="work", PolicyDocument=policy)
    machine = cloud.client("stepfunctions").create_state_machine(
        name=NAMES.scan_gate, definition=json.dumps(GATE), roleArn=made["Arn"], tracingConfiguration={"enabled": True}
    )
    return machine["stateMachineArn"]


def ended(states: Any, machine: str, verdict: str) -> dict[str, Any]:
    """An execution of a state machine, once it has ended."""
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"verdict": verdict}))["executionArn"]
    pause = threading.Event()
    for _ in range(300):
        found = states.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        pause.wait(0.1)
    raise AssertionError(execution)


def test_a_state_machine_ends_as_its_function_says(cloud: ServedCloud, gate: str) -> None:
    states = cloud.client("stepfunctions")
    assert ended(states, gate, "good")["status"] == "SUCCEEDED"
    refused = ended(states, gate, "bad")
    assert (refused["status"], refused["error"], refused["cause"]) == ("FAILED", "ScanRefused", "it is bad")
    assert states.describe_state_machine(stateMachineArn=gate)["tracingConfiguration"] == {"enabled": True}


def test_a_state_machine_calls_functions_with_its_own_role_only(cloud: ServedCloud, gate: str, data_key: str) -> None:
    iam, states, role = cloud.client("iam"), cloud.client("stepfunctions"), NAMES.scan_gate
    iam.delete_role_policy(RoleName=role, PolicyName="work")
    try:
        refused = ended(states, gate, "good")
        assert (refused["status"], refused["error"]) == ("FAILED", "Lambda.AWSLambdaException")
        assert "is not authorized to perform: lambda:InvokeFunction" in refused["cause"]
    finally:
        policy = scan_gate_policy(NAMES, data_key).json()
        iam.put_role_policy(RoleName=role, PolicyName="work", PolicyDocument=policy)
    others = scan_gate_trust(ProductNames("other", HUB, HOME)).json()
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=others)
    try:
        assert "states.amazonaws.com is not authorized" in ended(states, gate, "good")["cause"]
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=scan_gate_trust(NAMES).json())


def test_a_role_is_handed_to_a_state_machine_by_who_may_pass_it(cloud: ServedCloud, gate: str) -> None:
    role = f"arn:aws:iam::{HUB}:role/{NAMES.scan_gate}"
    engineer = cloud.role(HUB, statement("states:CreateStateMachine"))
    states = cloud.client("stepfunctions", engineer)
    code, message = refusal(lambda: states.create_state_machine(name="mine", definition="{}", roleArn=role))
    assert (code, "iam:PassRole" in message) == ("AccessDeniedException", True)
    assert gate


def test_nothing_is_covered_until_inspector_is_enabled_which_makes_its_roles(cloud: ServedCloud) -> None:
    inspector, iam = cloud.client("inspector2"), cloud.client("iam")
    assert inspector.list_coverage()["coveredResources"] == []
    engineer = cloud.role(HUB, statement("inspector2:Enable"))
    code, message = refusal(lambda: cloud.client("inspector2", engineer).enable(resourceTypes=["EC2"]))
    assert (code, "iam:CreateServiceLinkedRole" in message) == ("AccessDenied", True)
    inspector.enable(resourceTypes=["EC2"])
    (account,) = inspector.batch_get_account_status()["accounts"]
    states = account["resourceState"]
    assert (account["state"]["status"], states["ec2"]["status"], states["ecr"]["status"]) == (
        "ENABLED", "ENABLED", "DISABLED",
    )  # fmt: skip
    for name in ("AWSServiceRoleForAmazonInspector2", "AWSServiceRoleForAmazonInspector2Agentless"):
        assert iam.get_role(RoleName=name)["Role"]["RoleName"] == name
    inspector.disable(resourceTypes=["EC2"])


class Pipeline:
    """A pipeline that scans, with the roles as the program makes them."""

    def __init__(self, cloud: ServedCloud, data_key: str) -> None:
        self.cloud = cloud
        self.builder = cloud.client("imagebuilder")
        use = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
        image_key = cloud.key(statement([*use, "kms:CreateGrant"], Principal=root_of(HUB)))
        cloud.client("logs").create_log_group(logGroupName=NAMES.build_log_group)
        component = self.builder.create_component(
            name="packages", semanticVersion="1.0.0", platform="Linux", data=PACKAGES
        )["componentBuildVersionArn"]
        ebs = {"encrypted": True, "kmsKeyId": image_key, "volumeSize": 10, "volumeType": "gp3"}
        recipe = self.builder.create_image_recipe(
            name=NAMES.stem,
            semanticVersion="1.0.0",
            parentImage=f"ssm:{BASE}",
            components=[{"componentArn": component}],
            blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": ebs}],
        )["imageRecipeArn"]
        workflow = self.builder.create_workflow(
            name=NAMES.scan_workflow, semanticVersion="1.0.0", type="TEST", data=SCAN
        )["workflowBuildVersionArn"]
        infrastructure = make_infrastructure(cloud, NAMES, data_key)
        self.role = make_execution_role(cloud, NAMES, PLAN, (image_key,))
        self.policy = scan_execution_policy(NAMES, data_key).json()
        parameters = [{"name": "stateMachineArn", "value": [NAMES.scan_gate_arn]}]
        self.arn = self.builder.create_image_pipeline(
            name=NAMES.stem,
            imageRecipeArn=recipe,
            infrastructureConfigurationArn=infrastructure,
            executionRole=self.role,
            imageScanningConfiguration={"imageScanningEnabled": True},
            loggingConfiguration={"imageLogGroupName": NAMES.build_log_group},
            workflows=[
                {"workflowArn": f"{AMAZON}/build/build-image/x.x.x"},
                {"workflowArn": workflow, "parameters": parameters},
            ],
        )["imagePipelineArn"]

    def allow_scans(self, allowed: bool = True) -> None:
        iam, name = self.cloud.client("iam"), NAMES.execution_role
        if allowed:
            iam.put_role_policy(RoleName=name, PolicyName="scan", PolicyDocument=self.policy)
        else:
            iam.delete_role_policy(RoleName=name, PolicyName="scan")

    def run(self) -> dict[str, Any]:
        """An image once it has ended."""
        arn = self.builder.start_image_pipeline_execution(imagePipelineArn=self.arn)["imageBuildVersionArn"]
        pause = threading.Event()
        image: dict[str, Any] = {}
        for _ in range(600):
            image = self.builder.get_image(imageBuildVersionArn=arn)["image"]
            if image["state"]["status"] in ("AVAILABLE", "FAILED", "CANCELLED"):
                return image
            pause.wait(0.1)
        raise AssertionError(image["state"])


@pytest.fixture(scope="module")
def pipeline(cloud: ServedCloud, gate: str, data_key: str) -> Pipeline:
    assert gate
    return Pipeline(cloud, data_key)


def test_an_execution_role_that_may_not_start_the_gate_fails_the_image(pipeline: Pipeline) -> None:
    image = pipeline.run()
    assert image["state"]["status"] == "FAILED"
    assert "states:StartExecution" in image["state"]["reason"]
    assert image["state"]["failureContext"]["failedStep"] == "JudgeFindings"
    # The findings could not be read either, which alone does not end the workflow.
    assert image["scanState"]["status"] == "FAILED"
    assert "inspector2:ListCoverage" in image["scanState"]["reason"]


def test_what_inspector_does_not_scan_has_no_findings_and_says_so(pipeline: Pipeline) -> None:
    pipeline.allow_scans()
    try:
        image = pipeline.run()
    finally:
        pipeline.allow_scans(False)
    assert image["state"]["status"] == "AVAILABLE"
    assert image["scanState"]["status"] == "FAILED"
    assert "Amazon Inspector does not scan the instance" in image["scanState"]["reason"]


def test_findings_are_of_the_packages_in_the_image_and_stay_with_it(cloud: ServedCloud, pipeline: Pipeline) -> None:
    inspector = cloud.client("inspector2")
    inspector.enable(resourceTypes=["EC2"])
    pipeline.allow_scans()
    try:
        image = pipeline.run()
    finally:
        pipeline.allow_scans(False)
        gone = inspector.list_findings()["findings"]
        inspector.disable(resourceTypes=["EC2"])
    assert (image["state"]["status"], image["scanState"]["status"]) == ("AVAILABLE", "COMPLETED")
    of_image = {"filters": [{"name": "imageBuildVersionArn", "values": [image["arn"]]}]}
    (finding,) = pipeline.builder.list_image_scan_findings(**of_image)["findings"]
    assert (finding["severity"], finding["imagePipelineArn"]) == ("MEDIUM", pipeline.arn)
    details = finding["packageVulnerabilityDetails"]
    assert details["vulnerabilityId"] == "CVE-2023-32681"
    assert details["vulnerablePackages"] == [
        {
            "name": "requests",
            "version": "2.28.0",
            "packageManager": "PYTHONPKG",
            "filePath": "/opt/web/requests-2.28.0.dist-info/METADATA",
            "fixedInVersion": "2.31.0",
        }
    ]
    assert gone == []
