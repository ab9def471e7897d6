"""Which of the landing zone's accounts an account id of a configuration is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from model.files.fields import HUB
from model.files.landing_zone import LandingZone
from model.files.problems import FileError, Problem, shown, yaml_problem
from model.files.yaml_text import read_text


@dataclass(frozen=True)
class AccountNames:
    """Names of accounts by the ids that a configuration states."""

    landing_zone: LandingZone
    mapped: Mapping[str, str]
    """What a map says beside the landing zone."""

    def name(self, account: str) -> str | None:
        """The landing zone's name of an id; None where neither it nor the map has the id."""
        if account in self.mapped:
            return self.mapped[account]
        return self.landing_zone.account_name(account) if account in self.landing_zone.accounts else None

    def account_id(self, account: str) -> str:
        """The id for which the map lets an id stand; itself where the map has none."""
        name = self.mapped.get(account)
        return account if name is None else self.landing_zone.account_id(name)

    def unknown(self, account: str) -> str:
        """What to do about an id that nothing tells the name of."""
        names = ", ".join(_names(self.landing_zone))
        return (
            f"account {account!r} is not in the landing zone; add it to its targets, "
            f"or say in ACCOUNTS which of its accounts this is ({names})"
        )


def read_account_names(path: Path | None, landing_zone: LandingZone) -> AccountNames:
    """Read a map of ids to names of the landing zone; raises `FileError`."""
    if path is None:
        return AccountNames(landing_zone, {})
    name = shown(path)
    try:
        # Nodes, not values: YAML makes another number of digits that begin with 0.
        root = yaml.compose(read_text(path, name), Loader=yaml.SafeLoader)
    except OSError as error:
        raise FileError([Problem(name, 0, "", f"cannot be read: {error.strerror}; correct the path")]) from None
    except yaml.YAMLError as error:
        raise FileError([yaml_problem(error, name)]) from None
    entries = list(_entries(root))
    if not isinstance(root, yaml.MappingNode) or not entries:
        raise FileError([Problem(name, 1, "", "must map account ids to the landing zone's names of accounts")])
    mapped: dict[str, str] = {}
    problems: list[Problem] = []
    names = _names(landing_zone)
    for line, account, target in entries:
        if account in mapped:
            problems.append(Problem(name, line, account, "is stated twice; keep one"))
        elif target not in names:
            message = f"{target!r} is no account of the landing zone ({', '.join(names)}); choose one of them"
            problems.append(Problem(name, line, account, message))
        mapped[account] = target
    if problems:
        raise FileError(problems)
    return AccountNames(landing_zone, mapped)


def _entries(root: yaml.Node | None) -> Iterator[tuple[int, str, str]]:
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            target = value.value if isinstance(value, yaml.ScalarNode) else value.tag
            yield key.start_mark.line + 1, str(key.value), str(target)


def _names(landing_zone: LandingZone) -> tuple[str, ...]:
    return (*landing_zone.targets, HUB)
