"""The landing zone beside the pack: what rules are told unless somebody configures them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml

from .configuration import Configuration
from .values import look_up

KEY = "golden-ami:landingZone"
STACK_TAG = "golden-ami:stack"
"""The tag that every provider of the program adds beside the landing zone's own."""

LANDING_ZONE_STACK = "landing-zone"


def stack_file(stack: str) -> str:
    """Where the file of a stack lies below the project."""
    return f"stacks/Pulumi.{stack}.yaml"


def landing_zone_configuration(pack: Path) -> Configuration:
    """The configuration out of the program's landing-zone file; an empty one where the pack lies elsewhere.

    Raises `SystemExit` for a file that is no YAML: rules that know no account would let everything pass.
    """
    file = pack.parent / stack_file(LANDING_ZONE_STACK)
    if not file.exists():
        return Configuration()
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SystemExit(f"the policy pack cannot read {file}: {error}") from None
    return configuration_of(look_up(content, "config", KEY))


def configuration_of(landing_zone: Any) -> Configuration:
    """The configuration of a landing zone as its file states it."""
    targets = look_up(landing_zone, "targets")
    several = cast(dict[str, Any], targets).values() if isinstance(targets, dict) else ()
    accounts = [look_up(landing_zone, "hub", "account"), *(look_up(target, "account") for target in several)]
    tags = look_up(landing_zone, "tags")
    keys = set(cast(dict[str, Any], tags)) if isinstance(tags, dict) else set[str]()
    return Configuration(
        accounts=frozenset(str(account) for account in accounts if account),
        organizations=frozenset(str(each) for each in look_up(landing_zone, "organizations") or ()),
        tags=frozenset((*keys, STACK_TAG)),
    )
