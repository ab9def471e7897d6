"""The families of operating systems, and what follows from them."""

from __future__ import annotations

from enum import StrEnum


class OperatingSystem(StrEnum):
    """The family that decides shell, script extension and root device."""

    LINUX = "linux"
    WINDOWS = "windows"

    @property
    def script_extension(self) -> str:
        """What an entry script's name ends with."""
        return ".ps1" if self is OperatingSystem.WINDOWS else ".sh"

    @property
    def root_device(self) -> str:
        """Root device of Amazon's own images of the family; others state theirs."""
        return "/dev/sda1" if self is OperatingSystem.WINDOWS else "/dev/xvda"

    @property
    def platform(self) -> str:
        """Image Builder's name for the family."""
        return "Windows" if self is OperatingSystem.WINDOWS else "Linux"
