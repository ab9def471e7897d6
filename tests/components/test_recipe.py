"""What a recipe and its components ask of AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.files.base_image import BaseImage
from model.files.component_document import INLINE_MAXIMUM
from model.files.component_steps import Components, MandatoryComponents
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.versions import Published, PublishedVersions, content_digest, content_version

REPOSITORY = Path(__file__).parents[2]
TEXT = "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {name: Again, action: Reboot}\n"
PYTHON = "arn:aws:imagebuilder:us-east-1:aws:component/python/x.x.x"


@pytest.fixture
def recipe(
    product_resources: Callable[..., Any], ledger: Product, landing_zone: LandingZone, tmp_path: Path
) -> Callable[..., Any]:
    """What ledger registers with components, documents (by path) and versions that Image Builder holds."""

    def build(
        components: Mapping[str, Any],
        documents: Mapping[str, str] | None = None,
        published: PublishedVersions | None = None,
        mandatory: Mapping[str, Any] | None = None,
        **changed: Any,
    ) -> Any:
        (tmp_path / "runtime").mkdir(exist_ok=True)
        for folder in ("documents", "components"):
            link = tmp_path / "runtime" / folder
            if not link.exists():
                link.symlink_to(REPOSITORY / "runtime" / folder)
        for path, text in (documents or {}).items():
            file = tmp_path / "stacks" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        product = ledger.model_copy(update={"components": Components.model_validate(components), **changed})
        steps = MandatoryComponents.model_validate({"linux": mandatory or {}})
        zone = landing_zone.model_copy(update={"mandatory_components": steps})
        return product_resources(product, zone, published or PublishedVersions(), tmp_path)

    return build


def test_a_recipe_names_its_components_in_order_with_their_values(recipe: Callable[..., Any]) -> None:
    text = f"parameters:\n  - Port: {{type: string}}\n{TEXT}"
    resources = recipe(
        {
            "build": ({"arn": PYTHON, "parameters": {"Major": "3"}},),
            "finish": ({"document": "agent.yaml", "parameters": {"Port": "1"}},),
        },
        {"ledger/agent.yaml": text, "landing-zone/register.yaml": TEXT},
        mandatory={"build": ({"document": "register.yaml"},)},
    )
    components = resources.one("ImageRecipe").inputs["components"]
    assert [entry["componentArn"].rpartition("/")[2] for entry in components] == [
        "ledger-recipe-register",
        "x.x.x",
        "ledger-recipe-install-scripts",
        "ledger-recipe-agent",
    ]
    values = [{value["name"]: value["value"] for value in entry.get("parameters", [])} for entry in components]
    assert values[1] == {"Major": "3"}
    assert values[3] == {"Port": "1"}


def test_a_component_of_ours_is_a_version_of_its_document_under_the_data_key(recipe: Callable[..., Any]) -> None:
    component = recipe({"build": ({"document": "agent.yaml"},)}, {"ledger/agent.yaml": TEXT}).one("Component", "agent")
    assert component.inputs["name"] == "golden-ami-ledger-agent"
    assert component.inputs["version"] == content_version(TEXT)
    assert component.inputs["data"] == TEXT
    assert component.inputs["platform"] == "Linux"
    assert component.inputs["kmsKeyId"].endswith("ledger-data-key-key")


@pytest.mark.parametrize(("size", "stored"), [(INLINE_MAXIMUM, False), (INLINE_MAXIMUM + 1, True)])
def test_a_document_that_is_too_large_for_a_call_goes_through_the_products_bucket(
    recipe: Callable[..., Any], size: int, stored: bool
) -> None:
    text = TEXT + "#" * (size - len(TEXT))
    resources = recipe({"build": ({"document": "agent.yaml"},)}, {"ledger/agent.yaml": text})
    inputs = resources.one("Component", "agent").inputs
    assert ("data" in inputs) != stored
    if stored:
        document = resources.one("BucketObjectv2").inputs
        assert document["content"] == text
        assert document["key"] == f"components/agent-{content_digest(text)}.yaml"
        assert inputs["uri"] == f"s3://golden-ami-ledger-111111111111-us-east-1/{document['key']}"
    else:
        assert resources.of_type("BucketObjectv2") == []


def test_a_component_that_runs_twice_is_made_once(recipe: Callable[..., Any]) -> None:
    text = f"parameters:\n  - Port: {{type: string}}\n{TEXT}"
    steps = tuple({"document": "agent.yaml", "parameters": {"Port": port}} for port in ("1", "2"))
    resources = recipe({"build": steps}, {"ledger/agent.yaml": text})
    assert len([each for each in resources.of_type("Component") if "agent" in each.name]) == 1
    components = resources.one("ImageRecipe").inputs["components"]
    assert [entry["parameters"][0]["value"] for entry in components if "agent" in entry["componentArn"]] == ["1", "2"]


def test_new_content_is_a_version_beyond_what_image_builder_holds(recipe: Callable[..., Any]) -> None:
    held = Published({content_version("earlier"): None}, True, False)
    published = PublishedVersions({"agent": held}, held)
    resources = recipe({"build": ({"document": "agent.yaml"},)}, {"ledger/agent.yaml": TEXT}, published)
    assert resources.one("Component", "agent").inputs["version"] == content_version(TEXT, 2)
    assert resources.one("ImageRecipe").inputs["version"].startswith("2.")


def test_stated_versions_are_declared_with_what_tells_their_content(recipe: Callable[..., Any]) -> None:
    step = {"document": "agent.yaml", "version": "1.0.1"}
    resources = recipe({"build": (step,)}, {"ledger/agent.yaml": TEXT}, recipe_version="3.1.6")
    component, made = resources.one("Component", "agent").inputs, resources.one("ImageRecipe").inputs
    assert (component["version"], made["version"]) == ("1.0.1", "3.1.6")
    assert component["tags"]["golden-ami:content-sha256"] == content_digest(TEXT)
    assert len(made["tags"]["golden-ami:content-sha256"]) == 64


def test_a_recipe_that_starts_from_an_ami_says_whose_that_is(recipe: Callable[..., Any], ledger: Product) -> None:
    base = BaseImage.model_validate({"amiId": "ami-0123456789abcdef0"})
    made = recipe({}, base_image=base.found("ami-0123456789abcdef0", "amazon")).one("ImageRecipe").inputs
    assert made["tags"] == {"golden-ami:base-owner": "amazon"}
    assert recipe({}, base_image=base).one("ImageRecipe").inputs.get("tags", {}) == {}
    stated = recipe({}, base_image=base.found("ami-0123456789abcdef0", "amazon"), recipe_version="3.1.6")
    assert set(stated.one("ImageRecipe").inputs["tags"]) == {"golden-ami:base-owner", "golden-ami:content-sha256"}


def test_the_windows_examples_script_runs_by_powershell(
    product_resources: Callable[..., Any], payroll: Product, landing_zone: LandingZone
) -> None:
    component = product_resources(payroll, landing_zone).one("Component", "install-scripts")
    assert component.inputs["platform"] == "Windows"
    actions = [
        step["action"] for phase in yaml.safe_load(component.inputs["data"])["phases"] for step in phase["steps"]
    ]
    assert "ExecutePowerShell" in actions
