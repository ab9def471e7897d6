"""Components of a product on the local cloud: what a base brings, what runs in which order, and versions over edits."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.files.component_document import INLINE_MAXIMUM
from tests.stacks.engine_runs import AT_ONCE, held_versions, on_stack

pytestmark = pytest.mark.stack

HUB = "111111111111"
ARN = f"arn:aws:imagebuilder:us-east-1:{HUB}"
BASE = "hardened-linux"
EXAMPLES = Path(__file__).parents[2] / "examples"

DOCUMENT = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Write
        action: CreateFile
        inputs:
          - path: /opt/bulletin/notice
            content: {notice}
  - name: test
    steps:
      - name: FromTheBase
        action: ExecuteBash
        inputs:
          commands:
            - grep base=hardened-linux /etc/golden-ami-release
            - grep 'PasswordAuthentication no' /etc/ssh/sshd_config.d/00-hardening.conf
      - name: Own
        action: ExecuteBash
        inputs:
          commands:
            - grep {notice} /opt/bulletin/notice
"""


class Bulletin:
    """A product that starts from the hardened base, and what is edited of it."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.builder = world.client("imagebuilder")
        self.folder: Path = world.project / "stacks"

    def write(self, notice: str = "first", step: dict[str, Any] | None = None, **changed: Any) -> None:
        """Write the product's file and its document, which is too large for a call."""
        values = {
            "name": "bulletin",
            "description": "Notices of the bulletin",
            "operatingSystem": "linux",
            "baseImage": {"product": BASE},
            "entryScript": "install.sh",
            "components": {
                "build": [{"document": "notice.yaml", **(step or {})}],
                "finish": [{"arn": "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"}],
                "test": [{"readyMade": "test-no-password-login"}],
            },
            **changed,
        }
        (self.folder / "bulletin").mkdir(exist_ok=True)
        text = DOCUMENT.format(notice=notice) + "# padding\n" * (INLINE_MAXIMUM // 10)
        (self.folder / "bulletin" / "notice.yaml").write_text(text, encoding="utf-8")
        file = yaml.safe_dump({"config": {"golden-ami:product": values}}, sort_keys=False)
        self.world.add_product("bulletin", file)

    def up(self) -> None:
        on_stack(self.world, "bulletin", "up", *AT_ONCE)

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe that the pipeline builds from."""
        pipeline = self.builder.get_image_pipeline(imagePipelineArn=f"{ARN}:image-pipeline/golden-ami-bulletin")
        arn = pipeline["imagePipeline"]["imageRecipeArn"]
        return self.builder.get_image_recipe(imageRecipeArn=arn)["imageRecipe"]

    @property
    def labels(self) -> list[str]:
        """The recipe's components by name, in order."""
        names = [entry["componentArn"].split("/")[1] for entry in self.recipe["components"]]
        return [name.removeprefix("golden-ami-bulletin-") for name in names]

    @property
    def notices(self) -> list[int]:
        """Major nodes of the versions of the document that Image Builder holds."""
        return self._majors("component/golden-ami-bulletin-notice/")

    @property
    def recipes(self) -> list[int]:
        """Major nodes of the versions of the recipe that Image Builder holds."""
        return self._majors("image-recipe/golden-ami-bulletin/")

    def _majors(self, name: str) -> list[int]:
        versions = [arn.rpartition("/")[2] for arn in held_versions(self.world, name)]
        return sorted(int(version.partition(".")[0]) for version in versions)


@pytest.fixture(scope="module")
def base_image(world: Any) -> Any:
    """The hardened base, deployed and built."""
    on_stack(world, BASE, "up", *AT_ONCE)
    return world.image(BASE, EXAMPLES / BASE).build()


@pytest.fixture(scope="module")
def bulletin(world: Any, base_image: Any) -> Generator[Bulletin]:
    assert base_image.available
    product = Bulletin(world)
    product.write()
    product.up()
    yield product
    (product.folder / "Pulumi.bulletin.yaml").unlink()
    shutil.rmtree(product.folder / "bulletin")


def test_an_image_starts_from_another_products_and_runs_its_components_in_order(
    bulletin: Bulletin, tmp_path: Path
) -> None:
    world = bulletin.world
    assert bulletin.labels == [
        "update-os",
        "notice",
        "install-scripts",
        "update-linux",
        "clean-up",
        "test-no-password-login",
        "test-boots-again",
    ]
    assert bulletin.recipe["parentImage"] == f"ssm:/golden-ami/{BASE}/stable"
    (stored,) = world.client("s3").list_objects_v2(Bucket=f"golden-ami-bulletin-{HUB}-us-east-1", Prefix="components/")[
        "Contents"
    ]
    assert stored["Size"] > INLINE_MAXIMUM
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "install.sh").write_text(
        textwrap.dedent("""\
        test -s /opt/bulletin/notice
        echo left > /root/.bash_history
    """)
    )
    image = world.image("bulletin", scripts).build()
    assert image.available


def test_an_edited_document_rolls_through_recipe_and_pipeline_and_back(bulletin: Bulletin) -> None:
    assert (bulletin.notices, bulletin.recipes) == ([1], [1])
    bulletin.write(notice="second", retainOldVersions=False)
    bulletin.up()
    # What was deployed with it is retained; what is deployed from now is not.
    assert (bulletin.notices, bulletin.recipes) == ([1, 2], [1, 2])
    bulletin.write(notice="first", retainOldVersions=False)
    bulletin.up()
    assert (bulletin.notices, bulletin.recipes) == ([1, 3], [1, 3])
    assert bulletin.recipe["arn"].rpartition("/")[2].startswith("3.")


def test_a_stated_version_that_cannot_be_made_is_told_before_any_call(bulletin: Bulletin) -> None:
    before = (bulletin.notices, bulletin.recipes)
    bulletin.write(notice="third", step={"version": "1.0.0"}, recipeVersion="1.0.0")
    said = on_stack(bulletin.world, "bulletin", "up", *AT_ONCE, code=1)
    assert "stacks/Pulumi.bulletin.yaml:" in said
    assert "components.build.0.version: version 1.0.0 is not beyond 3." in said
    assert "recipeVersion: version 1.0.0 is not beyond 3." in said
    assert "Traceback" not in said
    assert (bulletin.notices, bulletin.recipes) == before
