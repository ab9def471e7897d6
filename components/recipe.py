"""A product's recipe and the components of ours that it is made of."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.files.base_image import BaseImage
from model.files.component_document import INLINE_MAXIMUM
from model.files.product import Product
from model.files.recipe import RecipeComponent
from model.files.recipe_versions import VersionedRecipe, component_content
from model.files.volumes import DataVolume, RootVolume
from model.names import COMPONENTS_PREFIX, TAG_BASE_OWNER, TAG_CONTENT, TAG_PRODUCT, ProductNames
from model.versions import content_digest


class RecipeArgs(ComponentArgs):
    """A product's recipe, the bucket for documents that are too large for a call, and the keys."""

    names: ProductNames
    product: Product
    recipe: VersionedRecipe
    bucket: pulumi.Output[str]
    image_key_arn: pulumi.Output[str]
    data_key_arn: pulumi.Output[str]


class Recipe(pulumi.ComponentResource):
    """Immutable versions of components and recipe: changed content makes new ones beside the old."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: RecipeArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:Recipe", name, None, opts)
        self._name = name
        # An image's history names the versions that it was made of; who does not need them has them destroyed.
        self._mine = ResourceOptions(parent=self, retain_on_delete=args.product.retain_old_versions)
        arns: dict[str, pulumi.Input[str]] = {}
        for entry in args.recipe.components:
            label = entry.component.label
            if entry.version is not None and label not in arns:
                arns[label] = self._component(args, entry.component, entry.version).arn
        product, names = args.product, args.names
        recipe = aws.imagebuilder.ImageRecipe(
            f"{name}-recipe",
            name=names.stem,
            description=product.description,
            version=args.recipe.version,
            parent_image=product.base_image.parent_image,
            components=[
                aws.imagebuilder.ImageRecipeComponentArgs(
                    component_arn=entry.component.arn or arns[entry.component.label],
                    parameters=[
                        aws.imagebuilder.ImageRecipeComponentParameterArgs(name=key, value=value)
                        for key, value in entry.parameters.items()
                    ]
                    or None,
                )
                for entry in args.recipe.components
            ],
            block_device_mappings=[
                _mapping(args, product.root_device, product.root_volume),
                *(_mapping(args, volume.device, volume) for volume in product.data_volumes),
            ],
            ami_tags={TAG_PRODUCT: names.product},
            tags={**_content_tags(product.recipe_version, args.recipe.content), **_owner_tags(product.base_image)},
            opts=self._mine,
        )
        self.arn = recipe.arn
        self.register_outputs({"arn": self.arn})

    def _component(self, args: RecipeArgs, component: RecipeComponent, version: str) -> aws.imagebuilder.Component:
        text = component.text or ""
        stored = len(text) > INLINE_MAXIMUM
        return aws.imagebuilder.Component(
            f"{self._name}-{component.label}",
            name=args.names.component(component.label),
            platform=args.product.operating_system.platform,
            version=version,
            data=None if stored else text,
            uri=self._stored(args, component, text) if stored else None,
            kms_key_id=args.data_key_arn,
            tags=_content_tags(component.version, component_content(component)),
            opts=self._mine,
        )

    def _stored(self, args: RecipeArgs, component: RecipeComponent, text: str) -> pulumi.Output[str]:
        """The S3 address of a document, by its content: Image Builder reads it when the component is made."""
        stored = aws.s3.BucketObjectv2(
            f"{self._name}-{component.label}-document",
            bucket=args.bucket,
            key=f"{COMPONENTS_PREFIX}{component.label}-{content_digest(text)}.yaml",
            content=text,
            content_type="application/yaml",
            # S3 takes ten tags of an object, and default tags may be more.
            override_provider=aws.s3.BucketObjectv2OverrideProviderArgs(
                default_tags=aws.s3.BucketObjectv2OverrideProviderDefaultTagsArgs(tags={})
            ),
            opts=ResourceOptions(parent=self),
        )
        return pulumi.Output.format("s3://{0}/{1}", stored.bucket, stored.key)


def _mapping(
    args: RecipeArgs, device: str, volume: RootVolume | DataVolume
) -> aws.imagebuilder.ImageRecipeBlockDeviceMappingArgs:
    return aws.imagebuilder.ImageRecipeBlockDeviceMappingArgs(
        device_name=device,
        ebs=aws.imagebuilder.ImageRecipeBlockDeviceMappingEbsArgs(
            encrypted="true",
            kms_key_id=args.image_key_arn,
            volume_size=volume.size,
            volume_type=volume.type.value,
            iops=volume.iops,
            throughput=volume.throughput,
            delete_on_termination=str(volume.delete_on_termination).lower(),
        ),
    )


def _content_tags(stated_version: str | None, content: object) -> Mapping[str, str]:
    """What tells later whether a version that a file states still means the same content."""
    return {TAG_CONTENT: content_digest(content)} if stated_version else {}


def _owner_tags(base: BaseImage) -> Mapping[str, str]:
    """What tells whose AMI the recipe starts from, where it names one by its id."""
    return {TAG_BASE_OWNER: base.owner} if base.owner else {}
