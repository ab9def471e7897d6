"""The versions under which a product's components and recipe are declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.files.loading import PRODUCT_KEY, StackFile
from model.files.problems import FileError, Problem
from model.files.product import Product
from model.files.recipe import INSTALL_SCRIPTS, RecipeComponent
from model.names import BUILD_PREFIX, TAG_PRODUCT, ProductNames
from model.versions import Published, PublishedVersions


@dataclass(frozen=True)
class VersionedComponent:
    """A component of a recipe with the version that it is declared under, and the values it runs with."""

    component: RecipeComponent
    version: str | None
    """None for a component that Image Builder has."""
    parameters: Mapping[str, str]

    @property
    def content(self) -> Any:
        """What changes the recipe when it changes."""
        what = self.component.arn or [self.component.label, self.version]
        return [what, dict(self.parameters)]


@dataclass(frozen=True)
class VersionedRecipe:
    """All that a recipe is made of, and its version."""

    version: str
    content: Mapping[str, Any]
    components: tuple[VersionedComponent, ...]


def component_content(component: RecipeComponent) -> Any:
    """What a component's version follows."""
    return component.text


def recipe_content(product: Product, names: ProductNames, components: tuple[VersionedComponent, ...]) -> dict[str, Any]:
    """What a recipe's version follows: all that Image Builder never changes in a recipe."""
    volumes = [volume.model_dump(mode="json", exclude_none=True) for volume in product.data_volumes]
    return {
        "description": product.description,
        "parentImage": product.base_image.parent_image,
        "components": [component.content for component in components],
        "rootDevice": product.root_device,
        "rootVolume": product.root_volume.model_dump(mode="json", exclude={"device"}, exclude_none=True),
        "amiTags": {TAG_PRODUCT: names.product},
        # Left out where there are none: a recipe that says nothing new keeps its version.
        **({"dataVolumes": volumes} if volumes else {}),
    }


def versioned_recipe(
    product: Product,
    names: ProductNames,
    components: tuple[RecipeComponent, ...],
    published: PublishedVersions,
    file: StackFile,
) -> VersionedRecipe:
    """Every component and the recipe with its version; raises `FileError` where a stated version cannot be declared."""
    problems: list[Problem] = []
    versioned: list[VersionedComponent] = []
    for component in components:
        version = None
        if component.text is not None:
            held = published.component(component.label)
            version, conflict = _version(component.version, component_content(component), held)
            if conflict and component.placed:
                problems.append(component.placed.problem(conflict, "version"))
        versioned.append(VersionedComponent(component, version, _parameters(product, names, component)))
    content = recipe_content(product, names, tuple(versioned))
    version, conflict = _version(product.recipe_version, content, published.recipe)
    if conflict:
        line = file.line(PRODUCT_KEY, ("recipeVersion",))
        problems.append(Problem(file.name, line, "recipeVersion", conflict))
    if problems:
        raise FileError(list(dict.fromkeys(problems)))
    return VersionedRecipe(version, content, tuple(versioned))


def _version(stated: str | None, content: Any, published: Published) -> tuple[str, str | None]:
    if stated is None:
        return published.version_for(content), None
    return stated, published.conflict(stated, content)


def _parameters(product: Product, names: ProductNames, component: RecipeComponent) -> Mapping[str, str]:
    if component.label != INSTALL_SCRIPTS:
        return component.parameters
    return {"Build": f"s3://{names.bucket}/{BUILD_PREFIX}", "EntryScript": product.entry_script}
