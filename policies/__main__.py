"""The policy pack: every rule, each at level mandatory. Nothing may be printed here before the pack serves."""

from pulumi_policy import EnforcementLevel, PolicyPack
from rules.catalogue import RESOURCE_RULES, STACK_RULES
from rules.enforcement import resource_policy, stack_policy

# The SDK's own default is advisory, for the pack and for each rule.
LEVEL = EnforcementLevel.MANDATORY

PolicyPack(
    "golden-ami",
    enforcement_level=LEVEL,
    policies=[
        *(resource_policy(rule, LEVEL) for rule in RESOURCE_RULES),
        *(stack_policy(rule, LEVEL) for rule in STACK_RULES),
    ],
)
