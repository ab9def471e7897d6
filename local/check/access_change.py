"""Who can launch what before and after a change, as each side's own program predicts it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOBODY = "not a consumer"


@dataclass(frozen=True)
class AccessRow:
    """A principal in a Region: whether it can launch, before and after."""

    principal: str
    region: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the change makes a difference."""
        return self.before != self.after


def access_change(product: str, before: Path | None, after: Path) -> tuple[AccessRow, ...]:
    """The launches of a product in two trees; without the first one the product is new."""
    old = _launches(product, before) if before else {}
    new = _launches(product, after)
    return tuple(
        AccessRow(*place, old.get(place, NOBODY), new.get(place, NOBODY)) for place in dict.fromkeys((*new, *old))
    )


def read_launches(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Each launch of the report that `make access` writes as JSON, in a few words."""
    return {(each["principal"], each["region"]): _told(each) for each in report["launches"]}


def _told(launch: Mapping[str, Any]) -> str:
    steps: Mapping[str, Any] = launch["steps"]
    failing = [name for name, cell in steps.items() if cell["answer"] in ("no", "not judged")]
    if failing:
        return f"cannot: {', '.join(failing)}"
    own = any(cell["answer"] == "role's own" for cell in steps.values())
    return "can, as far as its own policies let it" if own else "can"


def _launches(product: str, project: Path) -> dict[tuple[str, str], str]:
    """What the program of a tree predicts; nothing where it cannot."""
    if not (project / "commands" / "access.py").exists():
        # The environment would answer with its own program instead.
        return {}
    done = subprocess.run(
        [sys.executable, "-m", "commands.access", "--product", product, "--format", "json"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    try:
        return read_launches(json.loads(done.stdout))
    except (json.JSONDecodeError, KeyError, TypeError):
        return {}
