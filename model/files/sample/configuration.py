"""What a configuration of AWS's sample may say, as its own documentation spells it (seed 002, "Parameter Details").

Values are read as the sample reads them: numbers and booleans may be text, text may be a number. What a value must be
beyond that, the product's own file tells.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from model.files.fields import Inconsistency, refuse


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"must be a number, got {str(value).lower()}")
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Whole = Annotated[int, BeforeValidator(_no_boolean)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
Tags = dict[str, Annotated[str, BeforeValidator(_text)]]


class SampleModel(BaseModel):
    """Base of everything in the sample's configuration: frozen, nothing unknown, text where it means numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class BaseImageType(StrEnum):
    """What `baseImage` holds."""

    ID = "id"
    SSM = "ssm"


class RemovalPolicy(StrEnum):
    """What becomes of earlier versions of components and recipe."""

    RETAIN = "retain"
    DESTROY = "destroy"


class YesOrNo(StrEnum):
    """How the Inspector step's script takes a flag."""

    YES = "yes"
    NO = "no"


class StartCondition(StrEnum):
    """When a schedule's time builds an image (Image Builder API Reference, Schedule)."""

    ALWAYS = "EXPRESSION_MATCH_ONLY"
    UPDATES = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"


class Parameter(SampleModel):
    """A value for a component's parameter."""

    name: Text
    value: Texts


class Component(SampleModel):
    """A document of one's own by its file, or a component that Image Builder has by its ARN."""

    name: Text | None = None
    file: Text | None = None
    version: Text | None = None
    arn: Text | None = None
    parameter: tuple[Parameter, ...] = ()

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        problems: list[Inconsistency] = []
        if self.arn is None and self.file is None:
            problems.append(Inconsistency(("file",), "is missing: state the document's file, or the component's arn"))
        if self.arn is not None and self.file is not None:
            problems.append(Inconsistency(("arn",), "stands beside a file, and the sample takes the arn; remove one"))
        if self.file is not None and self.version is None:
            problems.append(Inconsistency(("version",), "is missing: the sample makes no component without; add it"))
        refuse(problems)
        return self


class ComponentConfig(SampleModel):
    """Steps of the build, and tests of the image."""

    build: tuple[Component, ...] = Field(default=(), alias="Build")
    test: tuple[Component, ...] = Field(default=(), alias="Test")


class Recipe(SampleModel):
    """The recipe's name, version and root volume."""

    version: Text = Field(alias="image_recipe_version")
    name: Text | None = Field(default=None, alias="image_recipe_name")
    volume_size: Whole | None = Field(default=None)
    volume_type: Annotated[Text, BeforeValidator(_lower)] | None = Field(default=None)
    delete_on_termination: bool | None = Field(default=None, alias="deleteOnTermination")


class Infrastructure(SampleModel):
    """Where build instances run."""

    name: Text | None = None
    instance_type: Texts | None = Field(default=None)
    subnet_id: Text | None = Field(default=None)
    security_groups: Texts = Field(default=())


class Distribution(SampleModel):
    """Accounts that get the image in a Region."""

    region: Text
    accounts: Texts


class Schedule(SampleModel):
    """When the pipeline runs by itself."""

    expression: Text = Field(alias="scheduleExpression")
    start_condition: StartCondition | None = Field(default=None, alias="pipelineExecutionStartCondition")
    time_zone: Text | None = Field(default=None, alias="timezone")


class Configuration(SampleModel):
    """`config.json`."""

    attribute: Text | None = Field(default=None, alias="attr")
    base_image: Text = Field(alias="baseImage")
    base_image_type: Annotated[BaseImageType, BeforeValidator(_lower)] | None = Field(
        default=None, alias="baseImageType"
    )
    removal_policy: Annotated[RemovalPolicy, BeforeValidator(_lower)] = Field(
        default=RemovalPolicy.RETAIN, alias="resource_removal_policy"
    )
    bucket_name: Text | None = Field(default=None, alias="ami_component_bucket_name")
    bucket_create: bool = Field(default=True, alias="ami_component_bucket_create")
    bucket_version: bool | None = Field(default=None, alias="ami_component_bucket_version")
    components_prefix: str
    instance_profile_name: Text | None = Field(default=None, alias="instanceProfileName")
    instance_profile_role_name: Text | None = Field(default=None, alias="instanceProfileRoleName")
    pipeline_name: Text | None = Field(default=None, alias="imagePipelineName")
    encryption: bool = Field(default=False, alias="iamEncryption")
    key_alias: Text | None = Field(default=None)
    ami_tags: Tags = Field(default_factory=dict, alias="amitag")
    tags: Tags = Field(default_factory=dict, alias="tag")
    golden_ami: Text | None = Field(default=None)
    recipe: Recipe = Field(alias="image_receipe")
    infrastructure: Infrastructure = Field(default_factory=Infrastructure)
    inspector_validation: bool = Field(default=False)
    inspector: ComponentConfig | None = Field(default=None, alias="Inspector_Config")
    components: ComponentConfig = Field(alias="Component_Config")
    default_components: ComponentConfig | None = Field(default=None, alias="defaultComponentConfig")
    distribution: tuple[Distribution, ...] = Field(default=(), alias="Distribution")
    distribution_name: Text | None = Field(default=None, alias="distributionName")
    distribution_description: Text | None = Field(default=None, alias="distributionDescription")
    topic: Text | None = Field(default=None, alias="sns_topic")
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems: list[Inconsistency] = []
        if not self.bucket_create and self.bucket_name is None:
            message = "is missing: with ami_component_bucket_create false the bucket is there already; add its name"
            problems.append(Inconsistency(("ami_component_bucket_name",), message))
        if self.inspector_validation and (self.inspector is None or len(self.inspector.build) != 1):
            message = "must hold one Build step with Inspector's parameters where inspector_validation is true; add it"
            problems.append(Inconsistency(("Inspector_Config",), message))
        refuse(problems)
        return self


OTHER_SPELLINGS = {
    "attribute": "attr",
    "distributionconfig": "Distribution",
}
"""Keys of the sample's later versions that are other words, without case and underscores."""

FREE_KEYS = frozenset({"amitag", "tag"})
"""Mappings whose keys are a person's own."""


def folded(key: str) -> str:
    """A key without what the sample's documentation and code spell differently: case, underscores, `receipe`."""
    return key.replace("_", "").lower().replace("receipe", "recipe")


def known_keys() -> dict[str, str]:
    """Every key that the sample has, as the models spell it, by its folded form."""
    models = (Configuration, ComponentConfig, Component, Parameter, Recipe, Infrastructure, Distribution, Schedule)
    names = [field.alias or name for model in models for name, field in model.model_fields.items()]
    return {**{folded(name): name for name in names}, **OTHER_SPELLINGS}
