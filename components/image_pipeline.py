"""The Image Builder pipeline of a product, and what its build instances are."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.retention import LOG_RETENTION
from model.distribution import DistributionPlan, RegionTarget
from model.files.product import Product
from model.hub_policies import service_trust
from model.names import BUILD_PREFIX, TAG_PRODUCT, ProductNames, channel_parameter
from model.pipeline_policies import (
    INSTANCE_MANAGED_POLICIES,
    build_instance_policy,
    execution_policy,
    execution_role_trust,
)
from model.versions import content_version

DOCUMENTS = Path(__file__).parent.parent / "runtime" / "documents"


class ImagePipelineArgs(ComponentArgs):
    """One product's pipeline, and the keys it works under."""

    names: ProductNames
    product: Product
    plan: DistributionPlan
    image_key_arns: dict[str, pulumi.Output[str]]
    data_key_arn: pulumi.Output[str]


class ImagePipeline(pulumi.ComponentResource):
    """Component, recipe, infrastructure, distribution and pipeline."""

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
        recipe = self._recipe(name, args)
        pipeline = aws.imagebuilder.ImagePipeline(
            f"{name}-pipeline",
            name=names.stem,
            description=args.product.description,
            image_recipe_arn=recipe.arn,
            infrastructure_configuration_arn=self._infrastructure(name, args).arn,
            distribution_configuration_arn=self._distribution(name, args).arn,
            execution_role=self._execution_role(name, args),
            enhanced_image_metadata_enabled=True,
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

    def _recipe(self, name: str, args: ImagePipelineArgs) -> aws.imagebuilder.ImageRecipe:
        product, names = args.product, args.names
        mine = ResourceOptions(parent=self)
        document = (DOCUMENTS / f"install-scripts-{product.operating_system.value}.yaml").read_text(encoding="utf-8")
        component_version = content_version(document)
        component = aws.imagebuilder.Component(
            f"{name}-install-scripts",
            name=names.stem,
            description="Installs the scripts that the product's team uploaded",
            platform=product.operating_system.platform,
            version=component_version,
            data=document,
            kms_key_id=args.data_key_arn,
            opts=mine,
        )
        parent_image = product.base_image.parent_image
        parameters = {"Build": f"s3://{names.bucket}/{BUILD_PREFIX}", "EntryScript": product.entry_script}
        volume = product.root_volume.model_dump(mode="json", exclude={"device"}, exclude_none=True)
        version = content_version([component_version, parent_image, parameters, product.root_device, volume])
        return aws.imagebuilder.ImageRecipe(
            f"{name}-recipe",
            name=names.stem,
            description=product.description,
            version=version,
            parent_image=parent_image,
            components=[
                aws.imagebuilder.ImageRecipeComponentArgs(
                    component_arn=component.arn,
                    parameters=[
                        aws.imagebuilder.ImageRecipeComponentParameterArgs(name=key, value=value)
                        for key, value in parameters.items()
                    ],
                )
            ],
            block_device_mappings=[
                aws.imagebuilder.ImageRecipeBlockDeviceMappingArgs(
                    device_name=product.root_device,
                    ebs=aws.imagebuilder.ImageRecipeBlockDeviceMappingEbsArgs(
                        encrypted="true",
                        kms_key_id=args.image_key_arns[names.region],
                        volume_size=product.root_volume.size,
                        volume_type=product.root_volume.type.value,
                        iops=product.root_volume.iops,
                        throughput=product.root_volume.throughput,
                        delete_on_termination=str(product.root_volume.delete_on_termination).lower(),
                    ),
                )
            ],
            ami_tags={TAG_PRODUCT: names.product},
            opts=mine,
        )

    def _infrastructure(self, name: str, args: ImagePipelineArgs) -> aws.imagebuilder.InfrastructureConfiguration:
        product, names = args.product, args.names
        mine = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-instance-role",
            name=names.instance_role,
            description=f"Build instances of {names.product}",
            assume_role_policy=service_trust("AssumedByInstances", "ec2.amazonaws.com").json(),
            opts=mine,
        )
        policies: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{name}-instance-{arn.rsplit('/', 1)[-1]}", role=role.name, policy_arn=arn, opts=mine
            )
            for arn in INSTANCE_MANAGED_POLICIES
        ]
        policies.append(
            aws.iam.RolePolicy(
                f"{name}-instance-policy",
                name="read-pinned-build",
                role=role.name,
                policy=args.data_key_arn.apply(lambda arn: build_instance_policy(names, arn).json()),
                opts=mine,
            )
        )
        profile = aws.iam.InstanceProfile(
            f"{name}-instance-profile", name=names.instance_role, role=role.name, opts=mine
        )
        subnet = aws.ec2.get_subnet_output(id=product.subnet, opts=pulumi.InvokeOutputOptions(parent=self))
        group = aws.ec2.SecurityGroup(
            f"{name}-security-group",
            name=f"{names.stem}-build",
            description=f"Build instances of {names.product}: nothing comes in",
            vpc_id=subnet.vpc_id,
            opts=mine,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-egress",
            security_group_id=group.id,
            description="Package repositories and AWS endpoints over TLS",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            opts=mine,
        )
        return aws.imagebuilder.InfrastructureConfiguration(
            f"{name}-infrastructure",
            name=names.stem,
            description=product.description,
            instance_profile_name=profile.name,
            instance_types=list(product.instance_types),
            subnet_id=product.subnet,
            security_group_ids=[group.id],
            instance_metadata_options=aws.imagebuilder.InfrastructureConfigurationInstanceMetadataOptionsArgs(
                http_tokens="required", http_put_response_hop_limit=1
            ),
            terminate_instance_on_failure=True,
            resource_tags={TAG_PRODUCT: names.product},
            opts=ResourceOptions(parent=self, depends_on=policies),
        )

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
        names = args.names
        return aws.imagebuilder.DistributionConfigurationDistributionArgs(
            region=target.region,
            ami_distribution_configuration=aws.imagebuilder.DistributionConfigurationDistributionAmiDistributionConfigurationArgs(
                name=f"{names.stem}-{{{{ imagebuilder:buildDate }}}}",
                description=args.product.description,
                kms_key_id=args.image_key_arns[target.region],
                target_account_ids=list(target.accounts) or None,
                ami_tags={TAG_PRODUCT: names.product},
            ),
            ssm_parameter_configurations=[
                aws.imagebuilder.DistributionConfigurationDistributionSsmParameterConfigurationArgs(
                    parameter_name=channel_parameter(names.product),
                    ami_account_id=account,
                    data_type="aws:ec2:image",
                )
                for account in args.plan.holders(target)
            ],
        )

    def _execution_role(self, name: str, args: ImagePipelineArgs) -> pulumi.Output[str]:
        names, plan = args.names, args.plan
        mine = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-execution-role",
            name=names.execution_role,
            description=f"Image Builder's work for {names.product}",
            assume_role_policy=execution_role_trust(names.account).json(),
            opts=mine,
        )
        keys = [args.image_key_arns[region] for region in plan.key_regions]
        policy = aws.iam.RolePolicy(
            f"{name}-execution-policy",
            name="build-and-distribute",
            role=role.name,
            policy=pulumi.Output.all(*keys).apply(lambda arns: execution_policy(names, plan, tuple(arns)).json()),
            opts=mine,
        )
        return pulumi.Output.all(role.arn, policy.id).apply(lambda values: values[0])
