"""The services of the local cloud, put together, and what AWS itself publishes to all accounts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from local.cloud.clock import Clock, SystemClock
from local.cloud.compute.service import Compute
from local.cloud.front import Front
from local.cloud.gateway import Gateway
from local.cloud.image_builder.service import ImageBuilder
from local.cloud.keys import Keys
from local.cloud.managed_policies import install_managed_policies
from local.cloud.objects import Objects
from local.cloud.parameters import Parameters


def assemble(front: Front, loop: asyncio.AbstractEventLoop, directory: Path, clock: Clock | None = None) -> Gateway:
    """Make every service and put it in front; returns the gateway. To be called from another thread than the loop's."""
    gateway = Gateway(front, front.beneath, loop, clock or SystemClock())
    compute = Compute(gateway)
    services = [compute, Keys(gateway), Parameters(gateway), ImageBuilder(gateway, directory / "images")]
    install_managed_policies()
    front.serve(gateway, services, Objects(gateway))
    return gateway
