"""Workflow documents, their references and conditions, and pipelines that run them; against a cloud in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cloud.call import ServiceError
from local.cloud.image_builder.workflow_documents import OTHER_ACTIONS, WorkflowError, parse
from local.cloud.image_builder.workflow_scope import WorkflowScope, parameter_values

SCAN = (Path(__file__).parents[4] / "runtime" / "workflows" / "scan-image.yaml").read_text(encoding="utf-8")
AMAZON = "arn:aws:imagebuilder:us-east-1:aws:workflow"
INSTANCE = "$.stepOutputs.Launch.instanceId"


def launch(**more: Any) -> dict[str, Any]:
    return {"name": "Launch", "action": "LaunchInstance", "inputs": {"waitFor": "ssmAgent"}, **more}


def on_instance(action: str, **more: Any) -> dict[str, Any]:
    return {"name": action, "action": action, "inputs": {"instanceId.$": INSTANCE}, **more}


def document(*steps: dict[str, Any], **more: Any) -> str:
    return yaml.safe_dump({"schemaVersion": 1.0, "steps": list(steps), **more})


def workflow(builder: Any, text: str, kind: str = "TEST", name: str = "check") -> str:
    made = builder.call("CreateWorkflow", name=name, semanticVersion="1.0.0", type=kind, data=text, clientToken=name)
    return made["workflowBuildVersionArn"]


def pipeline_with(builder: Any, *workflows: dict[str, Any], **more: Any) -> str:
    arn = builder.pipeline(builder.recipe(builder.component()), tests=True)
    found = builder.call("GetImagePipeline", imagePipelineArn=arn)["imagePipeline"]
    kept = ("imageRecipeArn", "infrastructureConfigurationArn", "executionRole", "imageTestsConfiguration")
    settings = {key: found[key] for key in kept}
    builder.call(
        "UpdateImagePipeline", imagePipelineArn=arn, workflows=list(workflows), clientToken="u", **settings, **more
    )
    return arn


def steps_of(builder: Any, image: str) -> list[tuple[str, str]]:
    """Steps of all workflows of an image with their states."""
    found: list[tuple[str, str]] = []
    for one in builder.call("ListWorkflowExecutions", imageBuildVersionArn=image)["workflowExecutions"]:
        asked = {"workflowExecutionId": one["workflowExecutionId"]}
        steps = builder.call("ListWorkflowStepExecutions", **asked)["steps"]
        if one["type"] != "DISTRIBUTION":
            found += [(step["name"], step["status"]) for step in steps]
    return found


def test_the_projects_own_workflow_is_taken() -> None:
    assert [step.action for step in parse(SCAN, "TEST").steps] == [
        "LaunchInstance", "CollectImageScanFindings", "ExecuteStateMachine", "ExecuteComponents", "TerminateInstance",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (document(launch(), schemaVersion=2), "schemaVersion must be 1.0"),
        (document(), "steps must hold 1 to 15 steps"),
        (document(launch(), launch()), "The step name 'Launch' is used more than once"),
        (document(launch(inputs={})), "The step 'Launch' lacks the input waitFor"),
        (document(launch(inputs={"waitFor": "ssmAgent", "color": 1})), "the input color, which LaunchInstance"),
        (document(launch(onFailure="Ignore")), "onFailure 'Ignore', which is neither Abort nor Continue"),
        (document(launch(timeoutSeconds=86_401)), "timeoutSeconds 86401, which is not 1 to 86400"),
        (document(launch(action="Sing")), "the action 'Sing', which Image Builder does not have"),
        (document(launch(), on_instance("CreateImage")), "CreateImage, which is not for workflows of type TEST"),
        (document(launch(**{"if": {"looksLike": 1, "value": 2}})), "which is no comparison with a value"),
        (document(launch(**{"if": {"and": []}})), "0 conditions under and, not 1 to 10"),
        (document(launch(), parameters=[{"name": "a", "type": "date"}]), "of type 'date', which is none of string"),
        ("steps: [", "The document is not YAML"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_with_its_place(builder: Any, text: str, said: str) -> None:
    with pytest.raises(ServiceError, match="InvalidParameterValueException") as refused:
        workflow(builder, text)
    assert said in refused.value.message


@pytest.mark.parametrize("action", sorted(OTHER_ACTIONS))
def test_an_action_that_is_not_done_here_is_named(action: str) -> None:
    with pytest.raises(WorkflowError, match=f"the action {action}, which the local cloud does not do"):
        parse(document(launch(action=action)), "TEST")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"booleanEquals": True, "value": "$.parameters.wanted"}, True),
        ({"stringEquals": "Linux", "value": "$.imagebuilder.platform"}, True),
        ({"not": {"stringEquals": "Linux", "value": "$.imagebuilder.platform"}}, False),
        ({"not": [{"stringEquals": "Windows", "value": "$.imagebuilder.platform"}]}, True),
        ({"numberGreaterThan": 3, "value": "$.parameters.count"}, True),
        ({"numberGreaterThan": 4, "value": "$.parameters.count"}, False),
        ({"and": [{"numberEquals": "4", "value": 4}, {"numberLessThan": 4, "value": 4}]}, False),
        ({"or": [{"numberEquals": 1, "value": 4}, {"numberLessThanEquals": 4, "value": "4"}]}, True),
    ],
)
def test_a_condition_holds_as_its_operator_says(condition: dict[str, Any], holds: bool) -> None:
    scope = WorkflowScope({"wanted": True, "count": 4}, {"platform": "Linux"})
    assert scope.holds(condition) is holds


def test_references_are_filled_in_as_values_or_within_texts() -> None:
    scope = WorkflowScope({"gate": "arn:gate"}, {"sourceImageARN": "arn:image"}, {"Launch": {"instanceId": "i-1"}})
    inputs = {
        "stateMachineArn.$": "$.parameters.gate",
        "input": f'{{"i": "{{{{ {INSTANCE} }}}}", "raw": "{INSTANCE}"}}',
    }
    assert scope.resolved(inputs) == {"stateMachineArn": "arn:gate", "input": f'{{"i": "i-1", "raw": "{INSTANCE}"}}'}
    with pytest.raises(WorkflowError, match="refers to nothing"):
        scope.value("$.stepOutputs.Later.instanceId")


def test_parameters_have_their_types_and_have_to_be_known_and_given() -> None:
    stated = [{"name": "wanted", "type": "boolean", "default": True}, {"name": "gate", "type": "string"}]
    parameters = parse(document(launch(), parameters=stated), "TEST").parameters
    assert parameter_values(parameters, {"gate": ["a"]}) == {"wanted": True, "gate": "a"}
    assert parameter_values(parameters, {"gate": ["a"], "wanted": ["false"]})["wanted"] is False
    with pytest.raises(WorkflowError, match="'gate' has no default"):
        parameter_values(parameters, {})
    with pytest.raises(WorkflowError, match="no parameter 'gates'"):
        parameter_values(parameters, {"gates": ["a"]})


def test_a_pipeline_runs_the_workflows_that_it_states_and_no_others(builder: Any) -> None:
    own = workflow(builder, document(launch(), on_instance("TerminateInstance")))
    pipeline = pipeline_with(builder, {"workflowArn": f"{AMAZON}/build/build-image/x.x.x"}, {"workflowArn": own})
    image = builder.ended(builder.start(pipeline))
    assert image["state"]["status"] == "AVAILABLE"
    assert steps_of(builder, image["arn"])[-2:] == [("Launch", "COMPLETED"), ("TerminateInstance", "COMPLETED")]
    assert {made["State"]["Name"] for made in builder.cloud.instances.values()} == {"terminated"}


def test_a_pipeline_that_states_a_build_workflow_only_does_not_test(builder: Any) -> None:
    pipeline = pipeline_with(builder, {"workflowArn": f"{AMAZON}/build/build-image/x.x.x"})
    image = builder.ended(builder.start(pipeline))
    assert image["state"]["status"] == "AVAILABLE"
    assert "TESTING" not in [event["detail"]["state"]["status"] for event in builder.cloud.events]


def test_a_step_whose_condition_fails_is_skipped_and_one_that_may_fail_does_not_end_the_workflow(builder: Any) -> None:
    text = document(
        launch(),
        on_instance("ExecuteComponents", **{"if": {"stringEquals": "Windows", "value": "$.imagebuilder.platform"}}),
        on_instance("CollectImageScanFindings", onFailure="Continue"),
        on_instance("TerminateInstance"),
    )
    build, own = {"workflowArn": f"{AMAZON}/build/build-image/x.x.x"}, {"workflowArn": workflow(builder, text)}
    image = builder.ended(builder.start(pipeline_with(builder, build, own)))
    assert image["state"]["status"] == "AVAILABLE"
    assert steps_of(builder, image["arn"])[-4:] == [
        ("Launch", "COMPLETED"),
        ("ExecuteComponents", "SKIPPED"),
        ("CollectImageScanFindings", "FAILED"),
        ("TerminateInstance", "COMPLETED"),
    ]


@pytest.mark.parametrize(("on_failure", "status"), [("ABORT", "FAILED"), ("CONTINUE", "AVAILABLE")])
def test_a_failed_workflow_fails_the_image_unless_the_pipeline_goes_on(
    builder: Any, on_failure: str, status: str
) -> None:
    own = workflow(builder, document(launch(), on_instance("CollectImageScanFindings")))
    build = {"workflowArn": f"{AMAZON}/build/build-image/x.x.x"}
    pipeline = pipeline_with(builder, build, {"workflowArn": own, "onFailure": on_failure})
    image = builder.ended(builder.start(pipeline))
    assert image["state"]["status"] == status
    # What a workflow launched is rolled back where it fails.
    assert {made["State"]["Name"] for made in builder.cloud.instances.values()} == {"terminated"}


def test_a_pipeline_states_workflows_that_are_there_with_values_that_they_take(builder: Any) -> None:
    own = workflow(builder, document(launch(), parameters=[{"name": "gate", "type": "string"}]))
    for stated, said in (
        ({"workflowArn": f"{own[:-1]}2"}, "does not exist"),
        ({"workflowArn": own}, "'gate' has no default"),
        ({"workflowArn": own, "parameters": [{"name": "gates", "value": ["a"]}]}, "no parameter 'gates'"),
    ):
        with pytest.raises(ServiceError, match=said):
            pipeline_with(builder, stated)
        builder.service.reset()
        own = workflow(builder, document(launch(), parameters=[{"name": "gate", "type": "string"}]))


def test_workflows_take_an_execution_role(builder: Any) -> None:
    arn = pipeline_with(builder, {"workflowArn": f"{AMAZON}/build/build-image/x.x.x"})
    found = builder.call("GetImagePipeline", imagePipelineArn=arn)["imagePipeline"]
    kept = ("imageRecipeArn", "infrastructureConfigurationArn", "workflows")
    settings = {key: found[key] for key in kept}
    with pytest.raises(ServiceError, match="An execution role is required to provide workflows"):
        builder.call("UpdateImagePipeline", imagePipelineArn=arn, clientToken="v", **settings)


def test_who_states_a_workflow_must_be_allowed_to_read_it(builder: Any) -> None:
    own = workflow(builder, document(launch()))
    builder.cloud.refuse = {f"imagebuilder:GetWorkflow {own}"}
    with pytest.raises(ServiceError, match="may not imagebuilder:GetWorkflow"):
        pipeline_with(builder, {"workflowArn": own})


def test_a_workflow_is_immutable_listed_and_kept_while_a_pipeline_names_it(builder: Any) -> None:
    own = workflow(builder, document(launch()))
    with pytest.raises(ServiceError, match="ResourceAlreadyExistsException"):
        builder.call("CreateWorkflow", name="check", semanticVersion="1.0.0", type="TEST", data=SCAN, clientToken="2")
    listed = builder.call("ListWorkflows")["workflowVersionList"]
    assert [entry["arn"] for entry in listed] == [own.rpartition("/")[0]]
    amazon = builder.call("ListWorkflows", owner="Amazon")["workflowVersionList"]
    assert [entry["name"] for entry in amazon] == ["build-image", "test-image"]
    assert builder.call("ListWorkflowBuildVersions", workflowVersionArn=listed[0]["arn"])["workflowSummaryList"]
    assert builder.call("GetWorkflow", workflowBuildVersionArn=own)["workflow"]["data"] == document(launch())
    builder.call("TagResource", resourceArn=own, tags={"a": "b"})
    pipeline = pipeline_with(builder, {"workflowArn": own})
    with pytest.raises(ServiceError, match="ResourceDependencyException"):
        builder.call("DeleteWorkflow", workflowBuildVersionArn=own)
    builder.call("DeleteImagePipeline", imagePipelineArn=pipeline)
    builder.call("DeleteWorkflow", workflowBuildVersionArn=own)
    assert builder.call("ListWorkflows")["workflowVersionList"] == []
