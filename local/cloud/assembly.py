"""The services of the local cloud, put together, and what AWS itself publishes to all accounts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from local.cloud.auto_scaling.service import AutoScaling
from local.cloud.clock import Clock, MovableClock
from local.cloud.compute.service import Compute
from local.cloud.deliveries.admission import Admission
from local.cloud.deliveries.alarms import Alarms
from local.cloud.deliveries.function_logs import FunctionLogs
from local.cloud.deliveries.invocations import Invocations
from local.cloud.deliveries.notifications import Notifications
from local.cloud.deliveries.state_machines import StateMachines
from local.cloud.deliveries.targets import Targets
from local.cloud.enforcement import note_enforcement
from local.cloud.foreign_buckets import correct_conditional_requests, correct_foreign_buckets
from local.cloud.front import Front
from local.cloud.function_corrections import correct_file_modes, correct_function_actions
from local.cloud.function_roles import FunctionRoles
from local.cloud.gateway import Gateway
from local.cloud.image_builder.service import ImageBuilder
from local.cloud.inspection.service import Inspector
from local.cloud.journal import FILE_NAME, Journal
from local.cloud.keys.service import Keys
from local.cloud.licenses import Licenses
from local.cloud.messages import Messages
from local.cloud.ministack_corrections import (
    add_key_condition,
    add_managed_policies,
    add_organization_keys,
    correct_principal_arn,
    correct_resource_arns,
    role_arn_of,
)
from local.cloud.objects import Objects
from local.cloud.organizations import Organizations
from local.cloud.parameters import Parameters
from local.cloud.passed_roles import PassedRoles
from local.cloud.public_images import PublicImages
from local.cloud.role_attachments import RoleAttachments
from local.cloud.scheduler.service import Scheduler
from local.cloud.service_linked_roles import ServiceLinkedRoles


def assemble(front: Front, loop: asyncio.AbstractEventLoop, directory: Path, clock: Clock | None = None) -> Gateway:
    """Make every service and put it in front; returns the gateway. To be called from another thread than the loop's."""
    correct_principal_arn()
    correct_resource_arns()
    add_key_condition()
    correct_foreign_buckets()
    correct_conditional_requests()
    correct_function_actions()
    correct_file_modes()
    add_managed_policies()
    note_enforcement()
    journal = Journal(directory / FILE_NAME, role_arn_of)
    gateway = Gateway(front, front.beneath, loop, clock or MovableClock(), journal)
    organizations = Organizations(gateway)
    add_organization_keys(organizations.path)
    compute = Compute(gateway, organizations.memberships)
    keys = Keys(gateway)
    admission = Admission(gateway, keys)
    invocations, alarms = Invocations(gateway), Alarms(gateway, admission)
    notifications, targets = Notifications(admission), Targets(gateway, admission)
    for deliveries in (invocations, FunctionLogs(gateway), alarms, notifications, targets, StateMachines(gateway)):
        deliveries.install()
    parameters = Parameters(gateway, PublicImages(compute))
    image_builder = ImageBuilder(gateway, directory / "images")
    roles = ServiceLinkedRoles(gateway, RoleAttachments(gateway))
    inspector = Inspector(gateway, roles, image_builder.contents.of_instance)
    scheduler = Scheduler(gateway)
    services = [
        compute,
        keys,
        organizations,
        Licenses(gateway),
        parameters,
        roles,
        AutoScaling(gateway, roles),
        image_builder,
        scheduler,
        inspector,
    ]
    guards = [
        Objects(gateway, keys),
        Messages(gateway, keys),
        PassedRoles(gateway),
        FunctionRoles(gateway, invocations),
        alarms,
    ]
    if isinstance(gateway.clock, MovableClock):
        for timetable in (scheduler, image_builder.lifecycles):
            gateway.clock.add(timetable)
    front.serve(gateway, services, guards)
    return gateway
