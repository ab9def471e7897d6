"""Access keys of the local people, kept for as long as the cloud that knows them runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local.environment import AccessKey


@dataclass(frozen=True)
class Credentials:
    """Access keys by person, of one run of the cloud."""

    run: str
    keys: Mapping[str, AccessKey] = field(default_factory=dict[str, AccessKey])

    @classmethod
    def read(cls, file: Path, run: str) -> Credentials:
        """The keys of a run; none where the file holds another run's."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return cls(run)
        if content.get("run") != run:
            return cls(run)
        return cls(run, {label: AccessKey(**key) for label, key in content["keys"].items()})

    def write(self, file: Path) -> None:
        """Write the keys so that only their owner reads them."""
        content = {"run": self.run, "keys": {label: asdict(key) for label, key in self.keys.items()}}
        file.touch(mode=0o600)
        file.write_text(json.dumps(content, indent=2), encoding="utf-8")
