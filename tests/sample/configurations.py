"""The seed's configuration of AWS's sample, imported into a project of a test's own."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from commands.importing import Import, Request, import_configuration
from model.files.loading import LANDING_ZONE_KEY

REPOSITORY = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent
DEFAULTS = SAMPLE / "bin" / "default_component.json"
ACCOUNTS = SAMPLE / "accounts.yaml"
DOCUMENTS = "golden_ami_amf_components"
TOPIC_KEY = "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000000"


def whole() -> dict[str, Any]:
    """Every example of the seed, put together into one configuration."""
    return json.loads((SAMPLE / "bin" / "config.json").read_text(encoding="utf-8"))


def least() -> dict[str, Any]:
    """Only what the seed's tables require."""
    return {
        "attr": "poc",
        "baseImage": "ami-090fa75af13c156b4",
        "imagePipelineName": "Golden_Image_Pipeline-nk-amf",
        "components_prefix": DOCUMENTS,
        "image_receipe": {"image_recipe_name": "Golden_AMI_Pipeline_recipe_nk_amf", "image_recipe_version": "1.0.0"},
        "infrastructure": {"name": "Golden_AMI_Pipeline_infra_nk_amf"},
        "Component_Config": {},
    }


@dataclass
class Project:
    """A project with a landing zone and no product, and the sample beside it."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Project:
        """A project in an empty folder."""
        (folder / "stacks").mkdir()
        (folder / "runtime").symlink_to(REPOSITORY / "runtime")
        shutil.copytree(SAMPLE, folder / "sample", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        file = "stacks/Pulumi.landing-zone.yaml"
        content = yaml.safe_load((REPOSITORY / file).read_text(encoding="utf-8"))
        content["config"][LANDING_ZONE_KEY]["inspector"] = True
        (folder / file).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return cls(folder)

    @property
    def config(self) -> Path:
        """The configuration's file."""
        return self.folder / "sample" / "bin" / "config.json"

    def imported(self, config: Any = None, **request: Any) -> Import:
        """The import of a configuration, or of a text, with what is told beside it; the whole one without."""
        values = whole() if config is None else config
        text = values if isinstance(values, str) else json.dumps(values, indent=1)
        self.config.write_text(text, encoding="utf-8")
        given: dict[str, Any] = {"product": "sample", "accounts": ACCOUNTS, **request}
        return import_configuration(Request(project=self.folder, config=self.config, **given))

    def files(self) -> dict[str, bytes]:
        """Every file of the project's stacks."""
        paths = sorted(path for path in (self.folder / "stacks").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}
