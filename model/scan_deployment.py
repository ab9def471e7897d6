"""What deploying scans and workflows takes of the hub's deployment role, where the files have any."""

from __future__ import annotations

from dataclasses import dataclass

from model.deployment_actions import INSPECTOR_ACTIONS, LOG_GROUP_ACTIONS, STATE_MACHINE_ACTIONS, WORKFLOW_ACTIONS
from model.documents import PolicyDocument, Statement
from model.names import INSPECTOR_ROLE, INSPECTOR_ROLE_PATH, role_arn

STEM = "golden-ami-*"

AGENTLESS_ROLE = "aws-service-role/agentless.inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2Agentless"
"""Role that Inspector makes beside its own when scans of EC2 are enabled (Amazon Inspector User Guide)."""


MANAGED_POLICY = "golden-ami-deployment-scans"
"""Name of a managed policy of its own: a role's inline policies have 10,240 characters together (IAM User Guide,
"Quotas")."""


@dataclass(frozen=True)
class Scanning:
    """What the files ask for: Inspector by the landing zone, scans and stated workflows by products."""

    inspector: bool = False
    scans: bool = False
    workflows: tuple[str, ...] = ()
    """ARNs."""

    @property
    def wanted(self) -> bool:
        """Whether the files ask for anything."""
        return self.inspector or self.scans or bool(self.workflows)


def scanning_deployment_policy(hub: str, region: str, scanning: Scanning) -> PolicyDocument:
    """What the hub's deployment role may do beside its own policy, for what the files ask for."""
    found: list[Statement] = []
    if scanning.inspector:
        found += _inspector(hub)
    if scanning.scans:
        found += _gate(hub, region)
    if scanning.scans or scanning.workflows:
        # Whoever makes a pipeline must be allowed to read what it refers to.
        managed = (f"arn:aws:imagebuilder:{region}:aws:workflow/*",)
        stated = tuple(arn for arn in scanning.workflows if ":aws:workflow/" not in arn)
        found.append(Statement("ReadWorkflows", ("imagebuilder:GetWorkflow",), (*managed, *stated)))
    return PolicyDocument(tuple(found))


def _inspector(hub: str) -> list[Statement]:
    roles = (role_arn(hub, f"{INSPECTOR_ROLE_PATH.strip('/')}/{INSPECTOR_ROLE}"), role_arn(hub, AGENTLESS_ROLE))
    return [
        Statement("EnableInspector", INSPECTOR_ACTIONS),
        Statement("CreateInspectorServiceRoles", ("iam:CreateServiceLinkedRole",), roles),
    ]


def _gate(hub: str, region: str) -> list[Statement]:
    gates = f"arn:aws:states:{region}:{hub}:stateMachine:{STEM}"
    group = f"arn:aws:logs:{region}:{hub}:log-group:/aws/vendedlogs/states/{STEM}"
    return [
        Statement("ManageGates", STATE_MACHINE_ACTIONS, (gates,)),
        # A definition is checked before there is a state machine (Service Authorization Reference, Step Functions).
        Statement("CheckGates", ("states:ValidateStateMachineDefinition",)),
        Statement(
            "PassGateRoles",
            ("iam:PassRole",),
            (role_arn(hub, STEM),),
            conditions={"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}},
        ),
        Statement("ManageGateLogs", LOG_GROUP_ACTIONS, (group, f"{group}:*")),
        Statement("ManageWorkflows", WORKFLOW_ACTIONS, (f"arn:aws:imagebuilder:{region}:{hub}:workflow/test/{STEM}",)),
        # Without a resource level (Service Authorization Reference, AWS IAM).
        Statement("FindInspector", ("iam:ListRoles",)),
    ]
