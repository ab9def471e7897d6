"""A product as a whole: everything between an uploaded script and an image that its accounts can launch."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.build_trigger import BuildTrigger, BuildTriggerArgs
from components.encryption import DataKey, DataKeyArgs, ImageKey, ImageKeyArgs
from components.image_pipeline import ImagePipeline, ImagePipelineArgs
from components.image_retention import ImageRetention, ImageRetentionArgs
from components.notifications import Notifications, NotificationsArgs
from components.recipe import Recipe, RecipeArgs
from components.scan_gate import ScanGate, ScanGateArgs
from components.script_bucket import ScriptBucket, ScriptBucketArgs
from components.target_account import (
    DistributionExtension,
    DistributionExtensionArgs,
    RetentionExtension,
    TargetAccount,
    TargetAccountArgs,
)
from components.uploaders import Uploaders, UploadersArgs
from model.distribution import DistributionPlan
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.files.recipe_versions import VersionedRecipe
from model.names import channel_parameter
from model.retention_policies import retention_extension_policy
from model.upload_policies import uploader_policy


class ProductPipelineArgs(ComponentArgs):
    """A product, where its image goes, and the providers of the accounts in which it has roles."""

    product: Product
    recipe: VersionedRecipe
    landing_zone: LandingZone
    providers: Mapping[str, aws.Provider]
    """One provider for each account id: the hub's and those of the consumers' accounts."""


class ProductPipeline(pulumi.ComponentResource):
    """The product's resources in the hub, and its consumer roles in the accounts that hold them."""

    outputs: dict[str, pulumi.Input[object]]
    """What a reader of the stack wants to know."""

    def __init__(self, name: str, args: ProductPipelineArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:product:ProductPipeline", name, None, opts)
        product = args.product
        plan = product.plan(args.landing_zone)
        names = product.names(args.landing_zone)
        mine = ResourceOptions(parent=self)
        administrators = args.landing_zone.key_administrators
        image_key = ImageKey(
            f"{name}-image-key", ImageKeyArgs(names=names, plan=plan, administrators=administrators), mine
        )
        data_key = DataKey(
            f"{name}-data-key",
            DataKeyArgs(names=names, plan=plan, administrators=administrators, scans=product.scan is not None),
            mine,
        )
        bucket = ScriptBucket(
            f"{name}-scripts", ScriptBucketArgs(names=names, plan=plan, data_key_arn=data_key.arn), mine
        )
        notifications = Notifications(
            f"{name}-notifications",
            NotificationsArgs(names=names, notifications=product.notifications, data_key_arn=data_key.arn),
            mine,
        )
        recipe = Recipe(
            f"{name}-recipe",
            RecipeArgs(
                names=names,
                product=product,
                recipe=args.recipe,
                bucket=bucket.bucket,
                image_key_arn=image_key.arns[names.region],
                data_key_arn=data_key.arn,
            ),
            mine,
        )
        pipeline = ImagePipeline(
            f"{name}-images",
            ImagePipelineArgs(
                names=names,
                product=product,
                plan=plan,
                recipe_arn=recipe.arn,
                image_key_arns=image_key.arns,
                data_key_arn=data_key.arn,
            ),
            mine,
        )
        trigger = BuildTrigger(
            f"{name}-trigger",
            BuildTriggerArgs(
                names=names,
                plan=plan,
                operating_system=product.operating_system.value,
                entry_script=product.entry_script,
                bucket=bucket.bucket,
                data_key_arn=data_key.arn,
                pipeline_arn=pipeline.arn,
                topic_arn=notifications.topic_arn,
                recipe_arn=recipe.arn,
                schedule=product.schedule,
                dependencies=product.dependencies(args.landing_zone),
                retention=product.retention,
            ),
            mine,
        )
        if product.retention:
            retained = ImageRetentionArgs(names=names, plan=plan, retention=product.retention)
            ImageRetention(f"{name}-retention", retained, mine)
        if product.scan:
            ScanGate(
                f"{name}-scan",
                ScanGateArgs(
                    names=names,
                    scan=product.scan,
                    layer_arn=trigger.layer_arn,
                    dead_letters_arn=trigger.dead_letters_arn,
                    data_key_arn=data_key.arn,
                    topic_arn=notifications.topic_arn,
                ),
                mine,
            )
        self._roles(name, args, plan, image_key, data_key)
        self.outputs = {
            "scriptBucket": bucket.bucket,
            "pipelineArn": pipeline.arn,
            "topicArn": notifications.topic_arn,
            "imageKeyArns": image_key.arns,
            "parameter": channel_parameter(product.name),
        }
        if plan.uploaders:
            self.outputs["uploaderPolicy"] = data_key.arn.apply(lambda arn: uploader_policy(names, arn).as_dict())
        promised = {"product": product.name, "consumers": _promises(plan)}
        self.register_outputs({"account": names.account, **promised, **self.outputs})

    def _roles(
        self, name: str, args: ProductPipelineArgs, plan: DistributionPlan, image_key: ImageKey, data_key: DataKey
    ) -> None:
        names = args.product.names(args.landing_zone)
        policy = data_key.arn.apply(lambda arn: uploader_policy(names, arn).json())
        for account in plan.role_accounts:
            mine = ResourceOptions(parent=self, providers=[args.providers[account]])
            stem = f"{name}-{args.landing_zone.account_name(account)}"
            if consumers := tuple(consumer for consumer in plan.consumers if consumer.account == account):
                keys = {region: image_key.arns[region] for region in plan.regions_of(account)}
                consumed = TargetAccountArgs(
                    product=args.product.name,
                    account=account,
                    consumers=consumers,
                    shared=plan.shared_with(account),
                    key_arns=keys,
                )
                TargetAccount(stem, consumed, mine)
            if account in plan.extended_accounts:
                extended = DistributionExtensionArgs(product=args.product.name, plan=plan, account=account)
                DistributionExtension(f"{stem}-distribution", extended, mine)
                if plan.retention and retention_extension_policy(plan, account).statements:
                    RetentionExtension(f"{stem}-retention", extended, mine)
            uploaders = tuple(each for each in plan.uploaders if each.ours and each.account == account)
            if uploaders:
                held = UploadersArgs(names=names, account=account, uploaders=uploaders, policy=policy)
                Uploaders(f"{stem}-uploaders", held, mine)


def _promises(plan: DistributionPlan) -> list[dict[str, object]]:
    """Who is to launch the image where: the policy pack holds the stack to it."""
    return [
        {
            "arn": consumer.arn,
            "regions": list(plan.regions_of(consumer.account)),
            "create": consumer.create,
            "autoScaling": consumer.auto_scaling,
        }
        for consumer in plan.consumers
    ]
