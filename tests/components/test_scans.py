"""What a product with `scan` or `workflows` asks of AWS, and what the landing zone does for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pytest

from components.inspector import check_inspector
from model.files.landing_zone import LandingZone
from model.files.loading import StackFile
from model.files.problems import FileError
from model.files.product import Product
from model.files.scan import Scan
from model.files.workflows import Workflow
from tests.components.conftest import Recorder, run

AMAZON = "arn:aws:imagebuilder:us-east-1:aws:workflow"
OWN = "arn:aws:imagebuilder:us-east-1:111111111111:workflow"
GATE = "arn:aws:states:us-east-1:111111111111:stateMachine:golden-ami-ledger-scan-gate"
SCAN = Scan.model_validate_json(
    '{"maximum": {"critical": 0, "high": 15},'
    ' "ignore": [{"finding": "CVE-2021-44228", "reason": "switched off", "expires": "2027-01-31"}]}'
)

Resources = Callable[..., Recorder]


@pytest.fixture
def scanned(product_resources: Resources, ledger: Product, landing_zone: LandingZone) -> Recorder:
    return product_resources(ledger.model_copy(update={"scan": SCAN}), landing_zone)


def statements(resource: Any, key: str = "policy") -> dict[str, dict[str, Any]]:
    return {entry["Sid"]: entry for entry in json.loads(resource.inputs[key])["Statement"]}


def test_a_product_without_scan_and_workflows_leaves_image_builder_its_own(ledger_resources: Recorder) -> None:
    inputs = ledger_resources.one("ImagePipeline", "pipeline").inputs
    assert inputs.get("workflows") is None
    assert inputs.get("imageScanningConfiguration") is None
    kinds = {"Workflow", "StateMachine", "Enabler"}
    assert not [one for one in ledger_resources.resources if one.type.rpartition(":")[2] in kinds]


def test_the_pipeline_builds_as_ever_and_tests_by_the_workflow_that_scans(scanned: Recorder) -> None:
    inputs = scanned.one("ImagePipeline", "pipeline").inputs
    build, test = inputs["workflows"]
    assert build["workflowArn"] == f"{AMAZON}/build/build-image/x.x.x"
    assert test["workflowArn"].endswith("ledger-images-workflows-scan")
    assert test["onFailure"] == "ABORT"
    assert {entry["name"]: entry["value"] for entry in test["parameters"]} == {
        "stateMachineArn": GATE,
        "testComponents": "true",
    }
    assert inputs["imageScanningConfiguration"] == {"imageScanningEnabled": True}
    workflow = scanned.one("Workflow").inputs
    assert (workflow["type"], workflow["name"]) == ("TEST", "golden-ami-ledger-scan")
    assert "key/" in workflow["kmsKeyId"]


def test_the_gate_calls_the_function_with_the_files_rules_and_fails_where_it_says_so(scanned: Recorder) -> None:
    machine = scanned.one("StateMachine").inputs
    states = json.loads(machine["definition"])["States"]
    function = "arn:aws:lambda:us-east-1:111111111111:function:golden-ami-ledger-judge-scan"
    assert states["Judge"]["Resource"] == function
    assert states["Judge"]["Parameters"]["rules"] == SCAN.rules
    assert states["Decide"]["Default"] == "Refused"
    assert (states["Refused"]["Type"], states["Refused"]["CausePath"]) == ("Fail", "$.reason")
    assert all(one.get("Next", one.get("Default")) in {None, *states} for one in states.values())
    assert machine["encryptionConfiguration"]["type"] == "CUSTOMER_MANAGED_KMS_KEY"
    assert (machine["loggingConfiguration"]["level"], machine["tracingConfiguration"]) == ("ALL", {"enabled": True})
    assert machine["name"] == GATE.rpartition(":")[2]


def test_the_gates_role_is_for_this_state_machine_only(scanned: Recorder) -> None:
    role = scanned.one("Role", "ledger-scan-role")
    (trust,) = statements(role, "assumeRolePolicy").values()
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnEquals": {"aws:SourceArn": GATE},
    }


def test_the_execution_role_may_follow_this_gate_only(scanned: Recorder) -> None:
    found = statements(scanned.one("RolePolicy", "images-scan-policy"))
    assert found["StartGate"]["Resource"] == GATE
    assert found["FollowGate"]["Resource"] == GATE.replace(":stateMachine:", ":execution:") + ":*"


def test_the_data_key_serves_the_logs_of_gate_and_function(scanned: Recorder, ledger_resources: Recorder) -> None:
    found, without = (statements(one.one("Key", "data-key")) for one in (scanned, ledger_resources))
    groups = found["UseByLogs"]["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    stem = "arn:aws:logs:us-east-1:111111111111:log-group:"
    assert f"{stem}/aws/lambda/golden-ami-ledger-judge-scan" in groups
    assert f"{stem}/aws/vendedlogs/states/golden-ami-ledger-scan-gate" in groups
    assert set(found) - set(without) == {"DecryptByLogDelivery"}


def test_stated_workflows_take_the_place_of_their_kind_only(
    product_resources: Resources, ledger: Product, landing_zone: LandingZone
) -> None:
    own = Workflow.model_validate(
        {"arn": f"{OWN}/test/smoke/1.0.0/1", "parameters": {"size": "2"}, "parallelGroup": "smoke"}
    )
    resources = product_resources(ledger.model_copy(update={"workflows": (own,)}), landing_zone)
    build, test = resources.one("ImagePipeline", "pipeline").inputs["workflows"]
    assert build["workflowArn"] == f"{AMAZON}/build/build-image/x.x.x"
    assert test == {
        "workflowArn": own.arn,
        "onFailure": "ABORT",
        "parallelGroup": "smoke",
        "parameters": [{"name": "size", "value": "2"}],
    }
    assert resources.of_type("StateMachine") == []


def test_a_stated_test_workflow_keeps_the_tests_and_the_scan_comes_after_it(
    product_resources: Resources, ledger: Product, landing_zone: LandingZone
) -> None:
    own = Workflow(arn=f"{OWN}/test/smoke/x.x.x")
    resources = product_resources(ledger.model_copy(update={"workflows": (own,), "scan": SCAN}), landing_zone)
    _, smoke, scan = resources.one("ImagePipeline", "pipeline").inputs["workflows"]
    assert smoke["workflowArn"] == own.arn
    assert {entry["name"]: entry["value"] for entry in scan["parameters"]}["testComponents"] == "false"


def test_the_landing_zone_enables_inspector_in_the_hub_where_it_says_so(
    landing_zone_resources: Callable[[LandingZone], Recorder], landing_zone: LandingZone
) -> None:
    assert landing_zone_resources(landing_zone).of_type("Enabler") == []
    enabler = landing_zone_resources(landing_zone.model_copy(update={"inspector": True})).one("Enabler")
    assert enabler.inputs == {"accountIds": ["111111111111"], "resourceTypes": ["EC2"]}
    assert enabler.provider.split("::")[-2] == "hub"


@pytest.mark.parametrize("there", [True, False])
def test_a_product_with_scan_needs_inspectors_role_in_the_hub(
    monkeypatch: pytest.MonkeyPatch, ledger: Product, there: bool
) -> None:
    asked: list[str] = []

    def call(_self: Recorder, args: Any) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        asked.append(args.token)
        return {"names": ["AWSServiceRoleForAmazonInspector2"] if there else [], "arns": [], "id": "x"}, []

    monkeypatch.setattr(Recorder, "call", call)
    file = StackFile.parse("config:\n  golden-ami:product:\n    scan: {}\n", "stacks/Pulumi.ledger.yaml")

    def program() -> None:
        check_inspector(ledger, aws.Provider("hub", region="us-east-1"), file)
        assert asked == []
        check_inspector(ledger.model_copy(update={"scan": SCAN}), aws.Provider("other", region="us-east-1"), file)

    if there:
        run(program)
        return
    with pytest.raises(FileError) as refused:
        run(program)
    assert "stacks/Pulumi.ledger.yaml:3: scan: needs Amazon Inspector" in str(refused.value)
    assert "set `inspector: true` in the landing zone" in str(refused.value)
