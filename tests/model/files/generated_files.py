"""Any valid landing zone and product file: drawn from the models, and mended by what the errors name.

A drawn file keeps every rule of a single value and few of the rules between values. `mend` takes out, or puts in, what
the program's own errors name, until nothing is wrong. So a new field needs nothing here, unless its values mean
something outside the file: then a line in `_pools` or `_fields`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from model.files.base_products import check_base_product
from model.files.component_steps import DocumentName, ReadyMadeName
from model.files.fields import HUB, AccountName, ProductName, Region, RoleArn, RolePath
from model.files.image import AmiName, AmiTagValue
from model.files.landing_zone import LandingZone, Target
from model.files.loading import LANDING_ZONE_KEY, StackFile, validate, validate_product
from model.files.problems import FileError, Location, Problem
from model.files.product import Product
from model.files.recipe import RecipeComponent, read_components
from model.files.recipe_versions import VersionedRecipe, versioned_recipe
from model.versions import PublishedVersions
from tests.model.files.generated_project import BASE_PRODUCTS, DOCUMENTS, PRODUCT_NAMES, REPOSITORY
from tests.model.files.generated_values import Strategy, Values, annotation_at, fields_of, located, model_at

Read = TypeVar("Read")
Draw = Callable[[Strategy], Any]

LANDING_ZONE_FILE = "Pulumi.landing-zone.yaml"

Files = dict[str, tuple[type[BaseModel], dict[str, Any]]]
"""A file's model and values by the file's name."""

DRAWN = settings(
    deadline=None,
    database=None,
    derandomize=True,
    # Shrinking a whole file takes minutes, and what is wrong is told by name.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.large_base_example,
    ],
)
"""How tests draw whole files."""

HUB_ACCOUNT = "111111111111"
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1", "ap-northeast-1")
ROUNDS = 100
"""Times that a file is mended before it counts as one that cannot be."""
PATIENCE = 8
"""Times after which one more field is taken out."""

ALTERNATIVES = re.compile(r"exactly one of ([A-Za-z, ]+)")

READY_MADE = sorted(path.stem.rpartition("-")[0] for path in (REPOSITORY / "runtime/components").glob("*-linux.yaml"))

DATE = "{{ imagebuilder:buildDate }}"


@dataclass(frozen=True)
class Drawn:
    """A file that is right: its values, and what the program reads in them."""

    values: dict[str, Any]
    landing_zone: LandingZone
    product: Product
    components: tuple[RecipeComponent, ...]
    recipe: VersionedRecipe

    def __repr__(self) -> str:
        return json.dumps([self.landing_zone.model_dump(mode="json", exclude_defaults=True), self.values], indent=1)


def landing_zones(targets: Strategy | None = None) -> st.SearchStrategy[tuple[dict[str, Any], LandingZone]]:
    """Landing zones after their values; `targets` draws how many target accounts they have."""

    def drawn(draw: Draw) -> tuple[dict[str, Any], LandingZone]:
        world, values = _landing_zone(draw, st.integers(0, 3) if targets is None else targets)
        return values, mend(draw, world, {LANDING_ZONE_FILE: (LandingZone, values)}, lambda: read_landing_zone(values))

    return st.composite(drawn)()


def product_files(project: Path, targets: Strategy | None = None) -> st.SearchStrategy[Drawn]:
    """Products in their landing zones; documents and base products lie in the project."""

    def drawn(draw: Draw) -> Drawn:
        _, shared = _landing_zone(draw, st.integers(0, 3) if targets is None else targets)
        accounts = [target["account"] for target in (shared["hub"], *shared["targets"].values())]
        world = Values(
            _pools(accounts, list(shared["targets"]), shared["regions"]), _fields(accounts, shared["hub"]["region"])
        )
        values = draw(world.of_model(Product))
        files: Files = {LANDING_ZONE_FILE: (LandingZone, shared), f"Pulumi.{values['name']}.yaml": (Product, values)}
        return mend(draw, world, files, lambda: read_product(values, read_landing_zone(shared), project))

    return st.composite(drawn)()


def read_product(values: Any, landing_zone: LandingZone, project: Path, file: StackFile | None = None) -> Drawn:
    """Read a product's values as the program does; raises `FileError`."""
    file = file or StackFile(f"Pulumi.{values['name']}.yaml", {}, None)
    product = validate_product(values, landing_zone, file)
    check_base_product(product, landing_zone, project)
    components = read_components(product, landing_zone, project)
    if product.base_image.newest:
        # As the program does at preview, once EC2 has told which AMI fits.
        base = product.base_image.found("ami-0123456789abcdef0")
        product = product.model_copy(update={"base_image": base})
    recipe = versioned_recipe(product, product.names(landing_zone), components, PublishedVersions(), file)
    return Drawn(values, landing_zone, product, components, recipe)


def read_landing_zone(values: Any, file: StackFile | None = None) -> LandingZone:
    """Read a landing zone's values as the program does; raises `FileError`."""
    return validate(LandingZone, LANDING_ZONE_KEY, values, file or StackFile(LANDING_ZONE_FILE, {}, None))


def _landing_zone(draw: Draw, targets: Strategy) -> tuple[Values, dict[str, Any]]:
    accounts = [HUB_ACCOUNT, *(f"2{index:011d}" for index in range(draw(targets)))]
    regions = draw(st.lists(st.sampled_from(REGIONS), unique=True, min_size=1))
    world = Values(_pools(accounts, [], regions), _fields(accounts, regions[0]))
    values = draw(world.of_model(LandingZone))
    values["hub"] |= {"account": HUB_ACCOUNT, "region": regions[0]}
    values["regions"] = draw(st.permutations(regions))
    target = world.of_model(Target)
    values["targets"] = {_target_name(account): {**draw(target), "account": account} for account in accounts[1:]}
    return world, values


def _target_name(account: str) -> str:
    """Ordinary names, and one of the longest that a target may have."""
    return f"target-{account}".ljust(32 if account.endswith("0") else 0, "x")


def _pools(accounts: Sequence[str], names: Sequence[str], regions: Sequence[str]) -> dict[Any, Strategy]:
    """Values that name something around the file."""
    prefix = st.text("ab-_. ", max_size=80).map(lambda text: f"a{text}")
    return {
        AccountName: st.sampled_from([*names, HUB]),
        AmiName: st.builds(lambda start, end: f"{start}{DATE}{end}", prefix, st.sampled_from(["", "-b"])),
        AmiTagValue: st.sampled_from(["", "value", "v" * 256, DATE, f"built {DATE}"]),
        DocumentName: st.sampled_from(sorted(DOCUMENTS)),
        ProductName: st.sampled_from(BASE_PRODUCTS),
        ReadyMadeName: st.sampled_from(READY_MADE),
        Region: st.sampled_from(regions),
        RoleArn: _roles([*accounts, "999999999999"]),
        RolePath: st.sampled_from(["r", "role-" + "x" * 59, "path/to/role", f"{'p' * 440}/role"]),
    }


def _fields(accounts: Sequence[str], region: str) -> dict[tuple[str, str], Strategy]:
    """Values that a type alone does not tell."""
    return {
        ("BaseImage", "ssmParameter"): st.sampled_from(
            [
                "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
                "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
                "/aws/service/eks/optimized-ami/1.31/amazon-linux-2023/x86_64/standard/recommended",
                f"/{'p' * 1010}",
            ]
        ),
        ("ComponentStep", "arn"): st.builds(
            lambda owner, name, version: f"arn:aws:imagebuilder:{region}:{owner}:component/{name}/{version}",
            st.sampled_from(["aws", "aws-marketplace", "222222222222"]),
            st.sampled_from(["update-linux", "simple_boot-test"]),
            st.sampled_from(["x.x.x", "1.x.x", "1.0.2", "1.0.2/1"]),
        ),
        ("ComponentStep", "parameters"): st.dictionaries(
            st.just("Folder"), st.sampled_from(["", "/opt/x", "y" * 3_000]), max_size=1
        ),
        ("Egress", "cidr"): st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "192.0.2.7/32"]),
        ("LandingZone", "keyAdministrators"): st.lists(_roles(accounts[:1]), min_size=1, max_size=4, unique=True),
        ("LandingZone", "targets"): st.just({}),
        ("Egress", "port"): st.sampled_from([443, 3128, 65_535]),
        ("", "iops"): st.sampled_from([100, 3_000, 3_100]),
        ("Product", "entryScript"): st.sampled_from(["install.sh", "install.ps1", f"{'s' * 125}.sh"]),
        ("Product", "instanceTypes"): st.lists(
            st.sampled_from(["m5.large", "m7g.large", "u-6tb1.56xlarge", "c7gn.16xlarge"]), min_size=1, unique=True
        ),
        ("Product", "name"): st.sampled_from(PRODUCT_NAMES),
        ("Schedule", "expression"): st.sampled_from(
            ["rate(7 days)", "cron(0 10 ? * MON-FRI *)", "cron(0/5 * L * ? *)"]
        ),
        ("Schedule", "timeZone"): st.sampled_from(["Europe/Berlin", "America/Argentina/ComodRivadavia"]),
        ("Workflow", "arn"): st.builds(
            lambda owner, kind, name, version: (
                f"arn:aws:imagebuilder:{region}:{owner}:workflow/{kind}/{name}/{version}"
            ),
            st.sampled_from(["aws", "222222222222"]),
            st.sampled_from(["test", "build"]),
            st.sampled_from(["smoke", "own_steps"]),
            st.sampled_from(["x.x.x", "1.x.x", "1.0.2", "1.0.2/1"]),
        ),
        ("Proxy", "url"): st.sampled_from(["http://proxy.example.com:3128", "http://10.0.0.7:443"]),
    }


def _roles(accounts: Sequence[str]) -> Strategy:
    names = st.sampled_from(["r", "path/to/role", "role-" + "x" * 59, f"{'p' * 440}/role"])
    return st.builds(lambda account, name: f"arn:aws:iam::{account}:role/{name}", st.sampled_from(accounts), names)


def mend(draw: Draw, world: Values, files: Files, read: Callable[[], Read]) -> Read:
    """What is read in files' values, once everything that an error names is taken out or put in; changes the values."""
    problems: list[Problem] = []
    for turn in range(1, ROUNDS + 1):
        try:
            return read()
        except FileError as error:
            problems = list(dict.fromkeys(error.problems))
        for name, (model, values) in files.items():
            own = [problem for problem in problems if Path(problem.file).name == name]
            # The last first: what is taken out of a list moves what follows.
            for problem in sorted(own, key=lambda each: _order(located(values, each.field)[0]), reverse=True):
                _mend_one(draw, world, model, values, problem)
                if turn % PATIENCE == 0:
                    _leave_out(model, values, located(values, problem.field)[0])
            if own and turn % PATIENCE == 0:
                _leave_out_one(draw, model, values)
    left = "\n".join(f"cannot be mended by what the error names: {problem}" for problem in problems)
    raise AssertionError(f"{left}\n{json.dumps([values for _, values in files.values()], indent=1)}")


def _leave_out_one(draw: Draw, model: type[BaseModel], values: dict[str, Any]) -> None:
    """Take out any field: an error names one of two that do not fit, and the other may be the one to go."""
    if optional := [name for name in values if not fields_of(model)[name].required]:
        del values[draw(st.sampled_from(optional))]


def _leave_out(model: type[BaseModel], values: dict[str, Any], location: Location) -> None:
    """Take out the smallest part around a place that may be left out."""
    while location:
        *path, last = location
        holder = _at(values, tuple(path))
        described = model_at(model, values, tuple(path)) if isinstance(holder, dict) else None
        if described is None or not fields_of(described)[str(last)].required:
            holder.pop(last)
            return
        location = tuple(path)


def _order(location: Location) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in location]


def _mend_one(draw: Draw, world: Values, model: type[BaseModel], values: dict[str, Any], problem: Problem) -> None:
    location, missing = located(values, problem.field)
    if isinstance(_at(values, location), list) and missing:
        return  # the entry was taken out before
    if found := ALTERNATIVES.search(problem.message):
        names = re.split(r", | and | or ", found[1].strip())
        holder = model_at(model, values, location)
        assert holder is not None
        _keep_one(draw, world, holder, _at(values, location), names)
    elif missing:
        head = missing.partition(".")[0]
        _at(values, location)[head] = draw(_strategy_at(world, model, values, (*location, head)))
    elif location:
        _change(draw, world, model, values, location)
    else:
        raise AssertionError(f"an error names no field: {problem}")


def _keep_one(draw: Draw, world: Values, model: type[BaseModel], holder: dict[str, Any], names: list[str]) -> None:
    kept = draw(st.sampled_from(names))
    for name in names:
        if name != kept:
            holder.pop(name, None)
    if holder.get(kept) is None:
        holder[kept] = draw(world.of_field(fields_of(model)[kept]))


def _change(draw: Draw, world: Values, model: type[BaseModel], values: dict[str, Any], location: Location) -> None:
    """Take out what may be left out, or draw it again."""
    *path, last = location
    holder = _at(values, tuple(path))
    if isinstance(holder, list):
        cast("list[Any]", holder).pop(cast(int, last))
        return
    described = model_at(model, values, tuple(path))
    field = fields_of(described).get(str(last)) if described else None
    if field is None:
        holder.pop(last)
        return
    value = holder[last]
    if isinstance(value, list) and len(cast("list[Any]", value)) > 1 and draw(st.booleans()):
        cast("list[Any]", value).pop()
    elif field.required or draw(st.booleans()):
        # Another value: repeated choices would draw the same one until the patience ends.
        other = world.of_field(field)
        holder[last] = draw(other.filter(lambda drawn: drawn != value) if isinstance(value, str) else other)
    else:
        del holder[last]


def _strategy_at(world: Values, model: type[BaseModel], values: Any, location: Location) -> Strategy:
    *path, last = location
    described = model_at(model, values, tuple(path))
    return (
        world.of_field(fields_of(described)[str(last)])
        if described
        else world.of_type(annotation_at(model, values, location))
    )


def _at(values: Any, location: Location) -> Any:
    for part in location:
        values = values[part]
    return values
