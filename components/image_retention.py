"""What removes a product's images after a time: Image Builder's lifecycle policy, with a role of its own."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.distribution import DistributionPlan
from model.files.retention import Retention
from model.names import TAG_CHANNEL, TAG_KEPT, TAG_SET, ProductNames
from model.pipeline_policies import execution_role_trust
from model.retention_policies import lifecycle_execution_policy

ANY_VERSION = "x.x.x"
"""All versions of a recipe (Image Builder API Reference, LifecyclePolicyResourceSelectionRecipe)."""


class ImageRetentionArgs(ComponentArgs):
    """When a product's images go, and from where."""

    names: ProductNames
    plan: DistributionPlan
    retention: Retention


class ImageRetention(pulumi.ComponentResource):
    """The lifecycle policy for the images of all versions of the recipe.

    It counts `retainAtLeast` for each version of the recipe by itself: what it leaves for that alone, the sweeping
    function removes (components/build_trigger.py).
    """

    def __init__(self, name: str, args: ImageRetentionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:ImageRetention", name, None, opts)
        names = args.names
        mine = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=names.lifecycle_role,
            description=f"Image Builder removes old images of {names.product}",
            assume_role_policy=execution_role_trust(names.account).json(),
            opts=mine,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-role-policy",
            name="remove-images",
            role=role.name,
            policy=lifecycle_execution_policy(names, args.plan).json(),
            opts=mine,
        )
        aws.imagebuilder.LifecyclePolicy(
            f"{name}-policy",
            name=names.stem,
            description=f"Images of {names.product} that are old",
            resource_type="AMI_IMAGE",
            execution_role=pulumi.Output.all(role.arn, policy.id).apply(lambda values: values[0]),
            policy_details=[_rule(args.retention)],
            resource_selection=aws.imagebuilder.LifecyclePolicyResourceSelectionArgs(
                recipes=[
                    aws.imagebuilder.LifecyclePolicyResourceSelectionRecipeArgs(
                        name=names.stem, semantic_version=ANY_VERSION
                    )
                ]
            ),
            opts=mine,
        )
        self.register_outputs({})


def _rule(retention: Retention) -> aws.imagebuilder.LifecyclePolicyPolicyDetailArgs:
    launched = retention.unused_days and aws.imagebuilder.LifecyclePolicyPolicyDetailExclusionRulesAmisLastLaunchedArgs(
        unit="DAYS", value=retention.unused_days
    )
    return aws.imagebuilder.LifecyclePolicyPolicyDetailArgs(
        action=aws.imagebuilder.LifecyclePolicyPolicyDetailActionArgs(
            type="DELETE",
            include_resources=aws.imagebuilder.LifecyclePolicyPolicyDetailActionIncludeResourcesArgs(
                amis=True, snapshots=True
            ),
        ),
        filter=aws.imagebuilder.LifecyclePolicyPolicyDetailFilterArgs(
            type="AGE", value=retention.after_days, unit="DAYS", retain_at_least=retention.keep_newest
        ),
        exclusion_rules=aws.imagebuilder.LifecyclePolicyPolicyDetailExclusionRulesArgs(
            tag_map={TAG_CHANNEL: TAG_SET},
            amis=aws.imagebuilder.LifecyclePolicyPolicyDetailExclusionRulesAmisArgs(
                last_launched=launched or None, tag_map={TAG_CHANNEL: TAG_SET, TAG_KEPT: TAG_SET}
            ),
        ),
    )
