"""Looking up Image Builder's components, recipes and pipelines, as pulumi-aws's functions do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local.provider.errors import ProviderError
from local.provider.requests import Provider
from tests.local.provider.conftest import FakeSessions

STEM = "arn:aws:imagebuilder:us-east-1:111111111111"
COMPONENT, RECIPE, PIPELINE = (
    f"{STEM}:component/agent/1.0.1/1",
    f"{STEM}:image-recipe/web/1.0.0",
    f"{STEM}:image-pipeline/web",
)


def token(name: str) -> str:
    return f"aws:imagebuilder/get{name}:get{name}"


LISTS = [
    ("Components", "ListComponents", "componentVersionList"),
    ("ImageRecipes", "ListImageRecipes", "imageRecipeSummaryList"),
    ("ImagePipelines", "ListImagePipelines", "imagePipelineList"),
]


@pytest.mark.parametrize(("name", "operation", "entries"), LISTS)
def test_a_list_holds_all_pages(
    provider: Provider, sessions: FakeSessions, name: str, operation: str, entries: str
) -> None:
    pages: dict[str | None, dict[str, Any]] = {
        None: {entries: [{"arn": "one", "name": "a"}], "nextToken": "more"},
        "more": {entries: [{"arn": "two", "name": "b"}]},
    }
    sessions.operations[operation] = lambda nextToken=None, **_: pages[nextToken]
    filters = [{"name": "name", "values": ["a", "b"]}]
    found = provider.invoke(token(name), {"filters": filters})
    assert (found["arns"], found["names"], found["id"], found["filters"]) == (
        ["one", "two"],
        ["a", "b"],
        "us-east-1",
        filters,
    )
    assert [call["filters"] for call in sessions.called(operation)] == [filters, filters]


def test_components_are_listed_by_their_owner(provider: Provider, sessions: FakeSessions) -> None:
    sessions.operations["ListComponents"] = lambda **_: {"componentVersionList": []}
    assert provider.invoke(token("Components"), {"owner": "Amazon"})["owner"] == "Amazon"
    assert sessions.called("ListComponents") == [{"owner": "Amazon"}]


def test_a_component_is_told_with_its_content_and_tags(provider: Provider, sessions: FakeSessions) -> None:
    component = {
        "arn": COMPONENT,
        "name": "agent",
        "version": "1.0.1",
        "platform": "Linux",
        "data": "phases: []",
        "encrypted": True,
        "kmsKeyId": "key",
        "supportedOsVersions": ["Amazon Linux 2023"],
        "tags": {"a": "b"},
    }
    sessions.operations["GetComponent"] = lambda **_: {"component": component}
    found = provider.invoke(token("Component"), {"arn": COMPONENT})
    for key, value in component.items():
        assert found[key] == value
    assert found["id"] == COMPONENT
    assert sessions.called("GetComponent") == [{"componentBuildVersionArn": COMPONENT}]


def test_a_recipe_is_told_with_single_values_of_parameters(provider: Provider, sessions: FakeSessions) -> None:
    recipe = {
        "arn": RECIPE,
        "name": "web",
        "components": [
            {"componentArn": COMPONENT, "parameters": [{"name": "Port", "value": ["80"]}]},
            {"componentArn": f"{STEM}:component/other/x.x.x"},
        ],
        "additionalInstanceConfiguration": {"userDataOverride": "aGk="},
        "amiTags": {"product": "web"},
    }
    sessions.operations["GetImageRecipe"] = lambda **_: {"imageRecipe": recipe}
    found = provider.invoke(token("ImageRecipe"), {"arn": RECIPE})
    assert found["components"][0] == {"componentArn": COMPONENT, "parameters": [{"name": "Port", "value": "80"}]}
    assert found["components"][1]["componentArn"] == f"{STEM}:component/other/x.x.x"
    assert (found["userDataBase64"], found["amiTags"], found["tags"]) == ("aGk=", {"product": "web"}, {})


def test_a_pipeline_is_told_with_what_it_builds_from(provider: Provider, sessions: FakeSessions) -> None:
    pipeline = {
        "arn": PIPELINE,
        "name": "web",
        "imageRecipeArn": RECIPE,
        "status": "ENABLED",
        "imageTestsConfiguration": {"imageTestsEnabled": True, "timeoutMinutes": 60},
    }
    sessions.operations["GetImagePipeline"] = lambda **_: {"imagePipeline": pipeline}
    found = provider.invoke(token("ImagePipeline"), {"arn": PIPELINE})
    assert (found["imageRecipeArn"], found["status"], found["id"]) == (RECIPE, "ENABLED", PIPELINE)
    assert found["imageTestsConfigurations"] == [{"imageTestsEnabled": True, "timeoutMinutes": 60}]


def test_what_is_not_there_is_an_error_in_awss_words(
    provider: Provider, sessions: FakeSessions, refusal: Callable[..., Exception]
) -> None:
    def missing(**_: Any) -> None:
        raise refusal("ResourceNotFoundException", "The resource does not exist")

    sessions.operations["GetComponent"] = missing
    with pytest.raises(ProviderError, match="getComponent: ResourceNotFoundException: The resource does not exist"):
        provider.invoke(token("Component"), {"arn": COMPONENT})
