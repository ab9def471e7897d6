"""Asks Image Builder which versions it holds of a product's components and recipe, before anything is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from model.files.product import Product
from model.files.recipe import RecipeComponent
from model.names import TAG_CONTENT, ProductNames
from model.versions import Published, PublishedVersions

FILTER_VALUES = 10
"""Values that one filter takes (Image Builder API Reference, Filter)."""

FIRST_BUILD = 1
"""Build number of a component's version that CreateComponent makes."""


def published_versions(
    product: Product, names: ProductNames, components: Sequence[RecipeComponent], provider: aws.Provider
) -> PublishedVersions:
    """The versions that the hub's Image Builder holds now, as `provider` sees them; nothing is changed."""
    options = pulumi.InvokeOptions(provider=provider)
    recipe_arn = _deployed_recipe(names, options)
    recipe = aws.imagebuilder.get_image_recipe(arn=recipe_arn, opts=options) if recipe_arn else None
    used = {_name_and_version(entry.component_arn)[0] for entry in recipe.components} if recipe else set[str]()
    own = {names.component(component.label): component for component in components if component.text is not None}
    held = _versions(_component_arns(list(own), options))
    found = {
        component.label: Published(
            versions={
                version: _component_content(names, name, version, options) if version == component.version else None
                for version in held.get(name, ())
            },
            deployed=name in used,
            new_product=recipe is None,
        )
        for name, component in own.items()
    }
    recipe_filter = aws.imagebuilder.GetImageRecipesFilterArgs(name="name", values=[names.stem])
    recipes = aws.imagebuilder.get_image_recipes(filters=[recipe_filter], owner="Self", opts=options).arns
    recipe_versions = {
        version: _recipe_content(arn, options) if version == product.recipe_version else None
        for arn in recipes
        for name, version in (_name_and_version(arn),)
        if name == names.stem
    }
    return PublishedVersions(found, Published(recipe_versions, recipe is not None, recipe is None))


def _deployed_recipe(names: ProductNames, options: pulumi.InvokeOptions) -> str | None:
    """ARN of the recipe that the product's pipeline builds from; None where there is no pipeline."""
    by_name = aws.imagebuilder.GetImagePipelinesFilterArgs(name="name", values=[names.stem])
    if names.pipeline_arn not in aws.imagebuilder.get_image_pipelines(filters=[by_name], opts=options).arns:
        return None
    return aws.imagebuilder.get_image_pipeline(arn=names.pipeline_arn, opts=options).image_recipe_arn


def _component_arns(component_names: Sequence[str], options: pulumi.InvokeOptions) -> list[str]:
    arns: list[str] = []
    for start in range(0, len(component_names), FILTER_VALUES):
        values = component_names[start : start + FILTER_VALUES]
        by_name = aws.imagebuilder.GetComponentsFilterArgs(name="name", values=values)
        arns += aws.imagebuilder.get_components(filters=[by_name], owner="Self", opts=options).arns
    return arns


def _component_content(names: ProductNames, name: str, version: str, options: pulumi.InvokeOptions) -> str | None:
    arn = f"{names.component_arn(name)}/{version}/{FIRST_BUILD}"
    return aws.imagebuilder.get_component(arn=arn, opts=options).tags.get(TAG_CONTENT)


def _recipe_content(arn: str, options: pulumi.InvokeOptions) -> str | None:
    return aws.imagebuilder.get_image_recipe(arn=arn, opts=options).tags.get(TAG_CONTENT)


def _versions(arns: Iterable[str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for arn in arns:
        name, version = _name_and_version(arn)
        found.setdefault(name, set()).add(version)
    return found


def _name_and_version(arn: str) -> tuple[str, str]:
    """`arn:aws:imagebuilder:<region>:<account>:<kind>/<name>/<version>[/<build>]` taken apart."""
    _, name, version, *_ = arn.split("/")
    return name, version
