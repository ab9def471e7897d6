"""The versions of a product's components and recipe, from their content and from what its files state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model.files.base_image import BaseImage
from model.files.component_document import DocumentFile
from model.files.component_steps import ComponentStep
from model.files.landing_zone import LandingZone
from model.files.loading import PRODUCT_KEY, StackFile
from model.files.problems import FileError
from model.files.product import Product
from model.files.recipe import PlacedStep, RecipeComponent, read_components
from model.files.recipe_versions import VersionedRecipe, versioned_recipe
from model.files.volumes import DataVolume, RootVolume, VolumeType
from model.names import ProductNames
from model.versions import Published, PublishedVersions, content_digest, content_version

REPOSITORY = Path(__file__).parents[3]
NAMES = ProductNames("ledger", "111111111111", "us-east-1")
FILE = StackFile("stacks/Pulumi.ledger.yaml", {}, None)
TEXT = "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {name: Again, action: Reboot}\n"


def agent(text: str = TEXT, **stated: Any) -> RecipeComponent:
    step = ComponentStep.model_validate({"document": "agent.yaml", **stated})
    placed = PlacedStep(step, "build", "ledger", PRODUCT_KEY, FILE, ("components", "build", 0))
    return RecipeComponent("agent", DocumentFile.parse(text, "stacks/ledger/agent.yaml"), placed)


def versioned(
    product: Product, *components: RecipeComponent, published: PublishedVersions | None = None
) -> VersionedRecipe:
    return versioned_recipe(product, NAMES, components, published or PublishedVersions(), FILE)


def test_a_component_follows_its_document_and_the_recipe_follows_its_components(ledger: Product) -> None:
    before, after = versioned(ledger, agent()), versioned(ledger, agent(f"# changed\n{TEXT}"))
    assert before.components[0].version == content_version(TEXT)
    assert before.components[0].version != after.components[0].version
    assert before.version != after.version


def test_other_values_change_the_recipe_and_not_the_component(ledger: Product) -> None:
    text = f"parameters:\n  - Port: {{type: string}}\n{TEXT}"
    one, two = (versioned(ledger, agent(text, parameters={"Port": port})) for port in ("1", "2"))
    assert one.components[0].version == two.components[0].version
    assert one.version != two.version


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Something else"},
        {"root_volume": RootVolume(size=31)},
        {"root_volume": RootVolume(device="/dev/sdb")},
        {"entry_script": "other.sh"},
        {"data_volumes": (DataVolume(device="/dev/sdf", size=10),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_all_that_image_builder_never_changes_in_a_recipe_moves_its_version(
    ledger: Product, landing_zone: LandingZone, change: dict[str, Any]
) -> None:
    components = read_components(ledger, landing_zone, REPOSITORY)
    changed = ledger.model_copy(update=change)
    assert versioned(ledger, *components).version != versioned(changed, *components).version


def test_every_fact_of_the_root_volume_moves_the_recipes_version(ledger: Product) -> None:
    def version(**stated: Any) -> str:
        volume = RootVolume.model_validate(stated)
        return versioned(ledger.model_copy(update={"root_volume": volume}), agent()).version

    volumes: list[dict[str, Any]] = [
        {},
        {"size": 31},
        {"type": VolumeType.GP2},
        {"iops": 4_000},
        {"throughput": 200},
        {"deleteOnTermination": False},
        {"device": "/dev/sda1"},
    ]
    assert len({version(**stated) for stated in volumes}) == len(volumes)
    assert version() == version(size=30)


def test_a_newer_ami_moves_the_recipes_version(ledger: Product) -> None:
    base = BaseImage.model_validate({"newest": {"owner": "self", "name": "base-*"}})
    product = ledger.model_copy(update={"base_image": base})
    older, newer = (product.starting_from(f"ami-0000000{number}") for number in (1, 2))
    assert versioned(older, agent()).version != versioned(newer, agent()).version
    assert versioned(older, agent()) == versioned(product.starting_from("ami-00000001"), agent())


def test_the_same_components_in_another_order_are_another_recipe(ledger: Product) -> None:
    other = RecipeComponent("other", DocumentFile.parse(TEXT, "stacks/ledger/other.yaml"))
    assert versioned(ledger, agent(), other).version != versioned(ledger, other, agent()).version


def test_stated_versions_win(ledger: Product) -> None:
    product = ledger.model_copy(update={"recipe_version": "3.1.6"})
    recipe = versioned(product, agent(version="1.0.1"))
    assert recipe.version == "3.1.6"
    assert recipe.components[0].version == "1.0.1"


def test_changed_content_without_a_new_stated_version_is_told_with_its_place(ledger: Product) -> None:
    held = Published({"1.0.1": content_digest("other")}, True, False)
    recipe_held = Published({"3.1.6": content_digest("other")}, True, False)
    product = ledger.model_copy(update={"recipe_version": "3.1.6"})
    with pytest.raises(FileError) as raised:
        versioned(product, agent(version="1.0.1"), published=PublishedVersions({"agent": held}, recipe_held))
    assert str(raised.value).splitlines() == [
        "stacks/Pulumi.ledger.yaml: components.build.0.version: version 1.0.1 exists with other content; "
        "state one beyond 1.0.1, or leave it out",
        "stacks/Pulumi.ledger.yaml: recipeVersion: version 3.1.6 exists with other content; "
        "state one beyond 3.1.6, or leave it out",
    ]


def test_unchanged_content_keeps_its_stated_versions(ledger: Product) -> None:
    product = ledger.model_copy(update={"recipe_version": "3.1.6"})
    first = versioned(product, agent(version="1.0.1"))
    held = Published({"1.0.1": content_digest(TEXT)}, True, False)
    recipe_held = Published({"3.1.6": content_digest(first.content)}, True, False)
    again = versioned(product, agent(version="1.0.1"), published=PublishedVersions({"agent": held}, recipe_held))
    assert again == first


def test_the_scripts_component_reads_the_pinned_build_of_the_products_bucket(
    ledger: Product, landing_zone: LandingZone
) -> None:
    recipe = versioned(ledger, *read_components(ledger, landing_zone, REPOSITORY))
    (installer,) = [entry for entry in recipe.components if entry.component.label == "install-scripts"]
    assert installer.parameters == {
        "Build": "s3://golden-ami-ledger-111111111111-us-east-1/builds/current/",
        "EntryScript": "install.sh",
    }
