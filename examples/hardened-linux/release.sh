#!/usr/bin/env bash
# What the platform team adds to the hardened base: hosts and images of other products say what they started from.
set -euo pipefail

printf 'base=hardened-linux\n' > /etc/golden-ami-release
