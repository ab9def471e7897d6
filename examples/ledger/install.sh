#!/usr/bin/env bash
# What the ledger team puts onto its hosts: a runtime, its settings, and a service that starts them.
set -euo pipefail

sudo dnf install --assumeyes java-21-amazon-corretto-headless

install -d -m 0755 /opt/ledger /etc/ledger
install -m 0644 files/ledger.conf /etc/ledger/ledger.conf
install -m 0644 files/ledger.service /etc/systemd/system/ledger.service
printf 'built on %s\n' "$(uname -s)" > /opt/ledger/BUILD

sudo systemctl enable ledger.service
