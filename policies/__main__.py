"""The policy pack: every rule, each at level mandatory unless its configuration says why not.

Nothing may be printed here before the pack serves.
"""

from datetime import UTC, datetime
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack
from rules.catalogue import RESOURCE_RULES, STACK_RULES
from rules.enforcement import initial_configuration, pending_policy, resource_policy, stack_policy
from rules.judgement import rule_names
from rules.landing_zone import landing_zone_configuration
from rules.remediation import read_stack_files
from rules.server import serve_so
from rules.waivers import read_waivers

# The SDK's own default is advisory, for the pack and for each rule.
LEVEL = EnforcementLevel.MANDATORY
HERE = Path(__file__).parent
WAIVERS = read_waivers(HERE / "waivers.yaml", datetime.now(UTC).date(), rule_names())
FILES = read_stack_files(HERE)

serve_so()

PolicyPack(
    "golden-ami",
    enforcement_level=LEVEL,
    initial_config=initial_configuration(landing_zone_configuration(HERE), LEVEL),
    policies=[
        *(resource_policy(rule, LEVEL, WAIVERS, FILES) for rule in RESOURCE_RULES),
        *(stack_policy(rule, LEVEL, WAIVERS, FILES) for rule in STACK_RULES),
        pending_policy(WAIVERS),
    ],
)
