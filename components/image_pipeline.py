"""The Image Builder pipeline of a product, and where its images go."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.build_instances import BuildInstances, BuildInstancesArgs
from components.pipeline_workflows import PipelineWorkflows, PipelineWorkflowsArgs
from components.retention import LOG_RETENTION
from model.distribution import DistributionPlan, RegionTarget, SharedWith
from model.files.image import BUILD_DATE
from model.files.product import Product
from model.names import TAG_PRODUCT, ProductNames, channel_parameter, role_arn, role_name
from model.pipeline_policies import execution_policy, execution_role_trust
from model.scan_policies import scan_execution_policy


class ImagePipelineArgs(ComponentArgs):
    """One product's pipeline, and the keys it works under."""

    names: ProductNames
    product: Product
    plan: DistributionPlan
    recipe_arn: pulumi.Output[str]
    image_key_arns: dict[str, pulumi.Output[str]]
    data_key_arn: pulumi.Output[str]


class ImagePipeline(pulumi.ComponentResource):
    """Build instances, distribution and pipeline."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ImagePipelineArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:ImagePipeline", name, None, opts)
        names = args.names
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=names.build_log_group,
            kms_key_id=args.data_key_arn,
            retention_in_days=LOG_RETENTION,
            opts=ResourceOptions(parent=self),
        )
        instances = BuildInstances(
            f"{name}-instances",
            BuildInstancesArgs(names=names, product=args.product, data_key_arn=args.data_key_arn),
            ResourceOptions(parent=self),
        )
        pipeline = aws.imagebuilder.ImagePipeline(
            f"{name}-pipeline",
            name=names.stem,
            description=args.product.description,
            image_recipe_arn=args.recipe_arn,
            infrastructure_configuration_arn=instances.configuration_arn,
            distribution_configuration_arn=self._distribution(name, args).arn,
            execution_role=self._execution_role(name, args),
            enhanced_image_metadata_enabled=True,
            workflows=self._workflows(name, args),
            image_scanning_configuration=aws.imagebuilder.ImagePipelineImageScanningConfigurationArgs(
                image_scanning_enabled=True
            )
            if args.product.scan
            else None,
            image_tests_configuration=aws.imagebuilder.ImagePipelineImageTestsConfigurationArgs(
                image_tests_enabled=True, timeout_minutes=60
            ),
            logging_configuration=aws.imagebuilder.ImagePipelineLoggingConfigurationArgs(
                image_log_group_name=log_group.name
            ),
            opts=ResourceOptions(parent=self),
        )
        self.arn = pipeline.arn
        self.register_outputs({"arn": self.arn})

    def _workflows(self, name: str, args: ImagePipelineArgs) -> list[aws.imagebuilder.ImagePipelineWorkflowArgs] | None:
        """Workflows beside Image Builder's default ones; None where those do."""
        if not args.product.workflows and not args.product.scan:
            return None
        stated = PipelineWorkflowsArgs(names=args.names, product=args.product, data_key_arn=args.data_key_arn)
        return PipelineWorkflows(f"{name}-workflows", stated, ResourceOptions(parent=self)).workflows

    def _distribution(self, name: str, args: ImagePipelineArgs) -> aws.imagebuilder.DistributionConfiguration:
        names = args.names
        return aws.imagebuilder.DistributionConfiguration(
            f"{name}-distribution",
            name=names.stem,
            description=args.product.description,
            distributions=[self._region(args, target) for target in args.plan.regions],
            opts=ResourceOptions(parent=self),
        )

    @staticmethod
    def _region(
        args: ImagePipelineArgs, target: RegionTarget
    ) -> aws.imagebuilder.DistributionConfigurationDistributionArgs:
        names, image = args.names, args.product.image
        return aws.imagebuilder.DistributionConfigurationDistributionArgs(
            region=target.region,
            ami_distribution_configuration=aws.imagebuilder.DistributionConfigurationDistributionAmiDistributionConfigurationArgs(
                name=target.name or image.name or f"{names.stem}-{{{{ {BUILD_DATE} }}}}",
                description=target.description or image.description or args.product.description,
                kms_key_id=args.image_key_arns[target.region],
                target_account_ids=list(target.accounts) or None,
                launch_permission=_launch_permission(target),
                ami_tags={**image.tags, TAG_PRODUCT: names.product},
            ),
            license_configuration_arns=list(target.license_configurations) or None,
            launch_template_configurations=[
                aws.imagebuilder.DistributionConfigurationDistributionLaunchTemplateConfigurationArgs(
                    account_id=template.account, launch_template_id=template.id, default=template.set_default_version
                )
                for template in target.launch_templates
            ]
            or None,
            fast_launch_configurations=None if target.accounts else _fast_launch(args),
            # Image Builder writes in accounts that own the AMI; where it is shared, the report function does.
            ssm_parameter_configurations=[
                aws.imagebuilder.DistributionConfigurationDistributionSsmParameterConfigurationArgs(
                    parameter_name=parameter, ami_account_id=account, data_type="aws:ec2:image"
                )
                for parameter in (channel_parameter(names.product), *target.parameters)
                for account in args.plan.holders(target)
            ],
        )

    def _execution_role(self, name: str, args: ImagePipelineArgs) -> pulumi.Output[str]:
        names, plan = args.names, args.plan
        given = args.product.execution_role
        mine = ResourceOptions(parent=self)
        role = None if given else self._made_role(name, names)
        keys = [args.image_key_arns[region] for region in plan.key_regions]
        held = role.name if role else role_name(names.execution_role)
        # Several products may share a role that is given.
        prefix = f"{names.stem}-" if given else ""
        policies = [
            aws.iam.RolePolicy(
                f"{name}-execution-policy",
                name=f"{prefix}build-and-distribute",
                role=held,
                policy=pulumi.Output.all(*keys).apply(
                    lambda arns: execution_policy(names, plan, tuple(arns), args.product.base_image.product).json()
                ),
                opts=mine,
            )
        ]
        if args.product.scan:
            scanning = args.data_key_arn.apply(lambda arn: scan_execution_policy(names, arn).json())
            policies.append(
                aws.iam.RolePolicy(f"{name}-scan-policy", name=f"{prefix}scan", role=held, policy=scanning, opts=mine)
            )
        arn = role.arn if role else role_arn(names.account, names.execution_role)
        return pulumi.Output.all(arn, *(policy.id for policy in policies)).apply(lambda values: values[0])

    def _made_role(self, name: str, names: ProductNames) -> aws.iam.Role:
        return aws.iam.Role(
            f"{name}-execution-role",
            name=names.execution_role,
            description=f"Image Builder's work for {names.product}",
            assume_role_policy=execution_role_trust(names.account).json(),
            opts=ResourceOptions(parent=self),
        )


def _fast_launch(
    args: ImagePipelineArgs,
) -> list[aws.imagebuilder.DistributionConfigurationDistributionFastLaunchConfigurationArgs] | None:
    stated = args.product.fast_launch
    if stated is None:
        return None
    template = stated.launch_template
    return [
        aws.imagebuilder.DistributionConfigurationDistributionFastLaunchConfigurationArgs(
            account_id=args.names.account,
            enabled=True,
            max_parallel_launches=stated.maximum_parallel_launches,
            snapshot_configuration=aws.imagebuilder.DistributionConfigurationDistributionFastLaunchConfigurationSnapshotConfigurationArgs(
                target_resource_count=stated.snapshots
            ),
            launch_template=aws.imagebuilder.DistributionConfigurationDistributionFastLaunchConfigurationLaunchTemplateArgs(
                launch_template_id=template.id, launch_template_version=str(template.version)
            )
            if template
            else None,
        )
    ]


def _launch_permission(
    target: RegionTarget,
) -> aws.imagebuilder.DistributionConfigurationDistributionAmiDistributionConfigurationLaunchPermissionArgs | None:
    shared = target.shared
    if shared == SharedWith():
        return None
    return aws.imagebuilder.DistributionConfigurationDistributionAmiDistributionConfigurationLaunchPermissionArgs(
        user_ids=list(shared.accounts) or None,
        organization_arns=list(shared.organizations) or None,
        organizational_unit_arns=list(shared.organizational_units) or None,
    )
