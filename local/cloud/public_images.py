"""What Amazon publishes to every account: base images, and SSM parameters that name the newest of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import botocore.session

from local.cloud.compute.service import Compute

AMAZON = "900000000000"
"""An account id that stands for Amazon's; real ones differ by Region and family."""


@dataclass(frozen=True)
class Publication:
    """A family of base images and the public parameter of its newest; `size` in GiB."""

    parameter: str
    image_name: str
    description: str
    root_device: str
    platform: str | None
    size: int
    published: datetime
    architecture: str = "x86_64"
    earlier: tuple[tuple[str, datetime], ...] = ()
    """Names and dates of releases before the newest."""

    @property
    def releases(self) -> Iterator[tuple[str, datetime]]:
        """All releases, the newest last."""
        yield from self.earlier
        yield self.image_name, self.published


PUBLICATIONS = (
    Publication(
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        "al2023-ami-2023.9.20261101.0-kernel-6.12-x86_64",
        "Amazon Linux 2023 AMI",
        "/dev/xvda",
        None,
        8,
        datetime(2026, 11, 4, 1, 12, 20, tzinfo=UTC),
        earlier=(
            ("al2023-ami-2023.9.20261013.0-kernel-6.12-x86_64", datetime(2026, 10, 16, 0, 41, 3, tzinfo=UTC)),
            ("al2023-ami-2023.8.20260915.0-kernel-6.1-x86_64", datetime(2026, 9, 18, 2, 5, 47, tzinfo=UTC)),
        ),
    ),
    Publication(
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        "al2023-ami-2023.9.20261101.0-kernel-6.12-arm64",
        "Amazon Linux 2023 AMI",
        "/dev/xvda",
        None,
        8,
        datetime(2026, 11, 4, 1, 14, 52, tzinfo=UTC),
        "arm64",
    ),
    Publication(
        "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base",
        "Windows_Server-2022-English-Full-Base-2026.11.11",
        "Microsoft Windows Server 2022 Full Locale English AMI provided by Amazon",
        "/dev/sda1",
        "windows",
        30,
        datetime(2026, 11, 12, 18, 30, 9, tzinfo=UTC),
    ),
    Publication(
        "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/image_id",
        "amazon-eks-node-al2023-x86_64-standard-1.33-v20261105",
        "EKS-optimized Kubernetes node based on Amazon Linux 2023",
        "/dev/xvda",
        None,
        20,
        datetime(2026, 11, 6, 22, 3, 31, tzinfo=UTC),
    ),
)


class PublicImages:
    """Base images of all Regions; every account sees them, as Amazon's."""

    def __init__(self, compute: Compute) -> None:
        regions = botocore.session.get_session().get_available_regions("ec2")
        # The last release of a family is what its parameter names.
        self._images = {
            (publication.parameter, region): compute.publish_base_image(
                AMAZON,
                region,
                name,
                publication.root_device,
                publication.platform,
                publication.size,
                publication.description,
                publication.architecture,
                created,
            )
            for publication in PUBLICATIONS
            for region in regions
            for name, created in publication.releases
        }

    def image(self, parameter: str, region: str) -> str | None:
        """AMI id of a public parameter in a Region; None where Amazon publishes no such parameter."""
        return self._images.get((parameter, region))
