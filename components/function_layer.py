"""The layer of what the functions import beside their own code."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.names import ProductNames
from runtime.layer import ARCHITECTURE, PYTHON_VERSION, FunctionLayer

LAMBDA_RUNTIME = f"python{PYTHON_VERSION}"


class FunctionLayerArgs(ComponentArgs):
    """Names."""

    names: ProductNames


class Layer(pulumi.ComponentResource):
    """aws-lambda-powertools and what checks uploads, as `make layer` installs them; raises `LayerError`."""

    arn: pulumi.Output[str]
    """ARN of the layer's version."""

    def __init__(self, name: str, args: FunctionLayerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:Layer", name, None, opts)
        version = aws.lambda_.LayerVersion(
            f"{name}-version",
            layer_name=args.names.function_layer,
            description="What the functions import",
            code=pulumi.FileArchive(str(FunctionLayer().current_archive())),
            compatible_runtimes=[LAMBDA_RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            opts=ResourceOptions(parent=self),
        )
        self.arn = version.arn
        self.register_outputs({"arn": self.arn})
