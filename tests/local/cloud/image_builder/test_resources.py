from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, StructureShape
from botocore.validate import ParamValidator

from local.cloud.call import Call, Caller, Credentials, ServiceError

HUB, TARGET = "111111111111", "222222222222"
MODEL = botocore.session.get_session().get_service_model("imagebuilder")


def code_of(caught: pytest.ExceptionInfo[ServiceError]) -> str:
    return caught.value.code


def test_a_component_version_is_immutable_and_its_arn_lower_case(builder: Any) -> None:
    arn = builder.component("Install Web_Server")
    assert arn == f"arn:aws:imagebuilder:us-east-1:{HUB}:component/install-web-server/1.0.0/1"
    with pytest.raises(ServiceError) as caught:
        builder.call(
            "CreateComponent",
            name="install web server",
            semanticVersion="1.0.0",
            platform="Linux",
            data="schemaVersion: 1.0\nphases: [{name: test, steps: [{name: A, action: Reboot}]}]",
            clientToken="another",
        )
    assert code_of(caught) == "ResourceAlreadyExistsException"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"data": "schemaVersion: 2.0"}, "InvalidParameterCombinationException", "schemaVersion must be 1.0"),
        ({"data": "x" * 16_001}, "InvalidParameterValueException", "at most 16000"),
        ({"data": None}, "InvalidParameterCombinationException", "Exactly one of 'data' and 'uri'"),
        ({"semanticVersion": "1.0.x"}, "InvalidParameterValueException", "'semanticVersion'"),
        ({"semanticVersion": "1.0.9999999999"}, "InvalidVersionNumberException", "beyond"),
        ({"platform": "Solaris"}, "InvalidParameterValueException", "'platform'"),
        ({"name": "a/b"}, "InvalidParameterValueException", "'name'"),
        ({"dryRun": True}, "DryRunOperationException", "would have succeeded"),
    ],
)
def test_a_wrong_component_is_refused(builder: Any, change: dict[str, Any], code: str, message: str) -> None:
    given = {"name": "install", "semanticVersion": "1.0.0", "platform": "Linux", "clientToken": "t"}
    data = "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: A, action: Reboot}]}]"
    with pytest.raises(ServiceError, match=message) as caught:
        builder.call("CreateComponent", **{**given, "data": data, **change})
    assert code_of(caught) == code
    assert builder.call("ListComponents")["componentVersionList"] == []


def test_a_reference_with_wildcards_means_the_newest_component(builder: Any) -> None:
    for version in ("1.0.2", "1.0.10", "2.0.0"):
        builder.component(version=version)
    base = f"arn:aws:imagebuilder:us-east-1:{HUB}:component/install"
    found = builder.call("GetComponent", componentBuildVersionArn=f"{base}/1.x.x")["component"]
    assert found["arn"] == f"{base}/1.0.10/1"


def test_parameters_of_a_recipe_must_be_those_of_its_components(builder: Any) -> None:
    data = """
schemaVersion: 1.0
parameters: [{Source: {type: string}}]
phases: [{name: build, steps: [{name: A, action: Reboot}]}]
"""
    arn = builder.component(data=data)

    def recipe(**parameters: Any) -> None:
        builder.call(
            "CreateImageRecipe",
            name="web",
            semanticVersion="1.0.0",
            parentImage="ssm:/base",
            components=[{"componentArn": arn, **parameters}],
            clientToken="t",
        )

    with pytest.raises(ServiceError, match="not defined in the provided component: Bucket") as caught:
        recipe(parameters=[{"name": "Source", "value": ["x"]}, {"name": "Bucket", "value": ["y"]}])
    assert code_of(caught) == "InvalidParameterCombinationException"
    with pytest.raises(ServiceError, match="must be given: Source"):
        recipe()


def test_a_recipe_with_an_open_version_gets_the_next_one(builder: Any) -> None:
    component = builder.component()
    assert builder.recipe(component, version="1.0.0").endswith("/1.0.0")
    assert builder.recipe(component, version="1.0.x").endswith("/1.0.1")


@pytest.mark.parametrize(
    "parent", ["ami-00000000000000000", "arn:aws:imagebuilder:us-east-1:111111111111:image/x/1.x.x"]
)
def test_a_parent_image_must_be_there(builder: Any, parent: str) -> None:
    component = builder.component()
    with pytest.raises(ServiceError, match="'parentImage'"):
        builder.call(
            "CreateImageRecipe",
            name="web",
            semanticVersion="1.0.0",
            parentImage=parent,
            components=[{"componentArn": component}],
            clientToken="t",
        )


def test_what_is_referred_to_cannot_be_deleted(builder: Any) -> None:
    component = builder.component()
    recipe = builder.recipe(component)
    distributions = [{"region": "us-east-1", "amiDistributionConfiguration": {"amiTags": {"a": "b"}}}]
    pipeline = builder.call("GetImagePipeline", imagePipelineArn=builder.pipeline(recipe, distributions))[
        "imagePipeline"
    ]
    parts = [
        ("DeleteImageRecipe", "imageRecipeArn", recipe),
        (
            "DeleteInfrastructureConfiguration",
            "infrastructureConfigurationArn",
            pipeline["infrastructureConfigurationArn"],
        ),
        ("DeleteDistributionConfiguration", "distributionConfigurationArn", pipeline["distributionConfigurationArn"]),
        ("DeleteComponent", "componentBuildVersionArn", component),
    ]
    for operation, member, arn in parts:
        with pytest.raises(
            ServiceError, match=f"The resource ARN '{arn}' has other resources depended on it"
        ) as caught:
            builder.call(operation, **{member: arn})
        assert code_of(caught) == "ResourceDependencyException"
    builder.call("DeleteImagePipeline", imagePipelineArn=pipeline["arn"])
    for operation, member, arn in parts:
        builder.call(operation, **{member: arn})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "web-without-date"}, "must contain '{{ imagebuilder:buildDate }}'"),
        ({"name": "web-{{ imagebuilder:owner }}"}, "must contain"),
        ({"name": "w" * 110 + "{{ imagebuilder:buildDate }}"}, "at most 127"),
        ({"kmsKeyId": "arn:aws:kms:eu-west-1:111111111111:key/x"}, "The key is in eu-west-1"),
        ({"kmsKeyId": "1234"}, "need the full ARN"),
        ({"targetAccountIds": ["12"]}, "targetAccountIds"),
    ],
)
def test_a_wrong_distribution_is_refused(builder: Any, change: dict[str, Any], message: str) -> None:
    ami = {"name": "web-{{ imagebuilder:buildDate }}", "targetAccountIds": [TARGET], **change}
    with pytest.raises(ServiceError, match=message):
        builder.call(
            "CreateDistributionConfiguration",
            name="everywhere",
            distributions=[{"region": "us-east-1", "amiDistributionConfiguration": ami}],
            clientToken="t",
        )


def test_a_parameter_belongs_to_a_target_account(builder: Any) -> None:
    entry = {
        "region": "us-east-1",
        "amiDistributionConfiguration": {"targetAccountIds": [TARGET]},
        "ssmParameterConfigurations": [{"parameterName": "/web/stable", "amiAccountId": "333333333333"}],
    }
    with pytest.raises(ServiceError, match="is no target account of the Region us-east-1"):
        builder.call("CreateDistributionConfiguration", name="web", distributions=[entry], clientToken="t")


def test_an_infrastructure_needs_its_profile_and_the_right_to_pass_its_role(builder: Any) -> None:
    with pytest.raises(ServiceError, match="The provided instance profile does not exist"):
        builder.call("CreateInfrastructureConfiguration", name="small", instanceProfileName="none", clientToken="t")
    builder.cloud.refuse = {"iam:PassRole"}
    with pytest.raises(ServiceError, match="may not iam:PassRole on arn:aws:iam::111111111111:role/build"):
        builder.call("CreateInfrastructureConfiguration", name="small", instanceProfileName="build", clientToken="t")


def test_an_execution_role_must_trust_image_builder(builder: Any) -> None:
    builder.cloud.refuse = {f"arn:aws:iam::{HUB}:role/execution"}
    with pytest.raises(ServiceError, match="'executionRole' is not valid"):
        builder.pipeline(builder.recipe(builder.component()))


def test_tags_are_kept_changed_and_removed(builder: Any) -> None:
    arn = builder.component(tags={"a": "1"})
    builder.call("TagResource", resourceArn=arn, tags={"b": "2"})
    builder.call("UntagResource", resourceArn=arn, tagKeys=["a"])
    assert builder.call("ListTagsForResource", resourceArn=arn) == {"tags": {"b": "2"}}
    assert builder.call("GetComponent", componentBuildVersionArn=arn)["component"]["tags"] == {"b": "2"}


def test_updates_replace_what_is_not_given_again(builder: Any) -> None:
    made = builder.call(
        "CreateInfrastructureConfiguration",
        name="small",
        instanceProfileName="build",
        description="old",
        clientToken="t",
    )
    arn = made["infrastructureConfigurationArn"]
    builder.call(
        "UpdateInfrastructureConfiguration",
        infrastructureConfigurationArn=arn,
        instanceProfileName="build",
        instanceTypes=["t3.large"],
        clientToken="u",
    )
    found = builder.call("GetInfrastructureConfiguration", infrastructureConfigurationArn=arn)
    configuration = found["infrastructureConfiguration"]
    assert "description" not in configuration
    assert configuration["instanceTypes"] == ["t3.large"]
    assert configuration["dateUpdated"]


def test_lists_come_in_pages(builder: Any) -> None:
    for number in range(5):
        builder.component(version=f"1.0.{number}")
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = builder.call("ListComponents", maxResults=2, **token)
        seen += [entry["version"] for entry in answer["componentVersionList"]]
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert seen == [f"1.0.{number}" for number in range(5)]
    with pytest.raises(ServiceError, match="InvalidPaginationTokenException"):
        builder.call("ListComponents", nextToken="nonsense")


def test_accounts_and_regions_do_not_see_each_others_resources(builder: Any) -> None:
    builder.component()
    for account, region in ((TARGET, "us-east-1"), (HUB, "eu-west-1")):
        caller = Caller(account, f"arn:aws:iam::{account}:root", Credentials(f"{account}:root", "x"))
        call = Call("imagebuilder", "ListComponents", region, caller, {})
        assert builder.service.operations["ListComponents"](call) == {"componentVersionList": []}


def test_every_answer_has_the_shape_of_botocores_model(builder: Any) -> None:
    """Nothing that a client would drop, nothing that it could not read."""
    component = builder.component(tags={"a": "1"})
    recipe = builder.recipe(component, blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {"encrypted": True}}])
    pipeline = builder.pipeline(recipe)
    image = builder.start(pipeline)
    builder.ended(image)
    version = image.rpartition("/")[0]
    workflow = builder.call("ListWorkflowExecutions", imageBuildVersionArn=image)["workflowExecutions"][0]
    found = builder.call("GetImagePipeline", imagePipelineArn=pipeline)["imagePipeline"]
    requests: dict[str, dict[str, Any]] = {
        "GetComponent": {"componentBuildVersionArn": component},
        "ListComponents": {},
        "ListComponentBuildVersions": {"componentVersionArn": component.rpartition("/")[0]},
        "GetImageRecipe": {"imageRecipeArn": recipe},
        "ListImageRecipes": {},
        "GetInfrastructureConfiguration": {"infrastructureConfigurationArn": found["infrastructureConfigurationArn"]},
        "ListInfrastructureConfigurations": {},
        "ListDistributionConfigurations": {},
        "GetImagePipeline": {"imagePipelineArn": pipeline},
        "ListImagePipelines": {},
        "ListImagePipelineImages": {"imagePipelineArn": pipeline},
        "GetImage": {"imageBuildVersionArn": image},
        "ListImages": {},
        "ListImageBuildVersions": {"imageVersionArn": version},
        "GetWorkflowExecution": {"workflowExecutionId": workflow["workflowExecutionId"]},
        "ListWorkflowStepExecutions": {"workflowExecutionId": workflow["workflowExecutionId"]},
    }
    for operation, given in requests.items():
        answer = builder.call(operation, **given)
        shape = MODEL.operation_model(operation).output_shape
        assert shape is not None
        report = ParamValidator().validate(answer, shape)
        assert not report.has_errors(), f"{operation}: {report.generate_report()}"
        assert not _unknown(answer, shape), operation
        assert any(answer.values()) or operation == "ListDistributionConfigurations", operation


def _unknown(value: Any, shape: Any) -> list[str]:
    if isinstance(shape, StructureShape):
        extra = sorted(set(value) - set(shape.members))
        return extra + [
            name for key, entry in value.items() if key in shape.members for name in _unknown(entry, shape.members[key])
        ]
    if isinstance(shape, ListShape):
        return [name for entry in value for name in _unknown(entry, shape.member)]
    if isinstance(shape, MapShape):
        return []
    return []


def test_whoever_makes_a_recipe_has_to_read_its_components(builder: Any) -> None:
    component = builder.component()
    builder.cloud.refuse = {"imagebuilder:GetComponent"}
    with pytest.raises(ServiceError, match="may not imagebuilder:GetComponent"):
        builder.recipe(component)
