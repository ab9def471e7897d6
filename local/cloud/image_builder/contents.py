"""What images hold: the file tree that a build left, by AMI id, so that the next instance starts from it."""

from __future__ import annotations

from pathlib import Path

from local.cloud.image_builder.machine import TREE, Machine


class Contents:
    """Trees of images and of running instances below one folder."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self._images = work / "images"
        self._instances = work / "instances"

    def of(self, image_id: str) -> Path | None:
        """The content of an image that was built here; None for one that came from outside."""
        folder = self._images / image_id
        return folder if folder.exists() else None

    def keep(self, machine: Machine, image_id: str) -> None:
        """Give an image an instance's content."""
        machine.image(self._images / image_id)

    def copied(self, image_id: str, copy_id: str) -> None:
        """A copy of an image holds what the image holds."""
        link = self._images / copy_id
        source = self.of(image_id)
        if source is not None and not link.exists():
            link.symlink_to(source.resolve(), target_is_directory=True)

    def of_instance(self, instance_id: str) -> Path | None:
        """The files of an instance; None for one that has none, or is gone."""
        tree = self._instances / instance_id / TREE
        return tree if tree.is_dir() else None

    def boot(self, instance_id: str, platform: str, image_id: str, image_name: str) -> Machine:
        """An instance of an image."""
        return Machine.boot(self._instances / instance_id, platform, image_name, self.of(image_id))
