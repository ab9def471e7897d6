"""The program: the one key that a stack's file holds decides which top component is built."""

from pathlib import Path
from typing import Any

import pulumi

from components.base_image import resolved
from components.inspector import check_inspector
from components.landing_zone import LandingZoneAccounts, LandingZoneAccountsArgs
from components.network_check import check_network
from components.product_pipeline import ProductPipeline, ProductPipelineArgs
from components.providers import account_providers
from components.published_versions import published_versions
from components.shell_check import check_shell
from components.stored_documents import stored_documents
from model.files.base_products import check_base_product
from model.files.landing_zone import LandingZone
from model.files.loading import (
    LANDING_ZONE_KEY,
    LANDING_ZONE_STACK,
    PRODUCT_KEY,
    StackFile,
    configured,
    load_landing_zone,
    stack_path,
    validate,
    validate_product,
)
from model.files.problems import FileError
from model.files.recipe import read_components
from model.files.recipe_versions import versioned_recipe
from runtime.functions.shell_lint import ShellcheckError
from runtime.layer import LayerError

PROJECT = Path(__file__).parent


def main() -> dict[str, pulumi.Input[Any]]:
    """Build the stack's top component and return its outputs; raises `FileError` for a file that cannot be used."""
    stack = pulumi.get_stack()
    file = StackFile.with_lines_of(stack_path(PROJECT, stack))
    landing_zone_values = configured(pulumi.Config().get(LANDING_ZONE_KEY.partition(":")[2]))
    if landing_zone_values is not None:
        landing_zone = validate(LandingZone, LANDING_ZONE_KEY, landing_zone_values, file)
        args = LandingZoneAccountsArgs(landing_zone=landing_zone, providers=account_providers(landing_zone, stack))
        return LandingZoneAccounts(stack, args).outputs
    landing_zone = load_landing_zone(stack_path(PROJECT, LANDING_ZONE_STACK))
    product_values = configured(pulumi.Config().get(PRODUCT_KEY.partition(":")[2]))
    product = validate_product(product_values, landing_zone, file)
    check_base_product(product, landing_zone, PROJECT)
    providers = account_providers(landing_zone, stack, product.plan(landing_zone).role_accounts, product.tags)
    hub = providers[landing_zone.hub.account]
    components = read_components(product, landing_zone, PROJECT, stored_documents(product, hub))
    check_shell(components)
    check_network(product, landing_zone.hub.region, hub, file)
    check_inspector(product, hub, file)
    product = resolved(product, hub, file)
    names = product.names(landing_zone)
    published = published_versions(product, names, components, hub)
    recipe = versioned_recipe(product, names, components, published, file)
    return ProductPipeline(
        product.name,
        ProductPipelineArgs(product=product, recipe=recipe, landing_zone=landing_zone, providers=providers),
        pulumi.ResourceOptions(providers=[hub]),
    ).outputs


try:
    for name, value in main().items():
        pulumi.export(name, value)
except (FileError, LayerError, ShellcheckError) as error:
    # A run error is shown as it is: a mistake in a file needs no traceback.
    raise pulumi.RunError(str(error)) from None
