"""What an instance's metadata service says of it, laid out as files for the sandbox's `curl`.

Source: EC2 User Guide, "Access instance metadata for an EC2 instance": tokens by PUT with a time to live, 401 without a
token where they are required, 404 for what there is not.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "metadata"
"""Beside the instance's file tree, laid out anew at each boot."""

PLACE = "/run/instance-metadata"
"""Where the sandbox shows what the service answers."""

HOST = "169.254.169.254"
"""The service's link-local address."""

TOKEN_SECONDS = 21600
"""Longest time to live of a token that may be asked for (same page)."""


def lay_out(folder: Path, instance: Mapping[str, Any], region: str) -> None:
    """Write the answers for an instance as EC2 describes it, below its folder."""
    place = folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    for path, value in _answers(instance, region).items():
        file = place / "latest" / "meta-data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(value), encoding="utf-8")
    options: Mapping[str, Any] = instance.get("MetadataOptions") or {}
    (place / "endpoint").write_text(str(options.get("HttpEndpoint", "enabled")), encoding="utf-8")
    (place / "tokens").write_text(str(options.get("HttpTokens", "optional")), encoding="utf-8")
    (place / "token").write_text(secrets.token_urlsafe(32), encoding="utf-8")


def _answers(instance: Mapping[str, Any], region: str) -> dict[str, Any]:
    found = {
        "instance-id": instance.get("InstanceId"),
        "ami-id": instance.get("ImageId"),
        "instance-type": instance.get("InstanceType"),
        "local-ipv4": instance.get("PrivateIpAddress"),
        "local-hostname": instance.get("PrivateDnsName"),
        "placement/availability-zone": (instance.get("Placement") or {}).get("AvailabilityZone"),
        "placement/region": region,
    }
    return {path: value for path, value in found.items() if value}


CURL = (
    f"""service={PLACE} longest={TOKEN_SECONDS} host={HOST}
"""
    + r"""
take() {
  case "$1" in
    X | request) method=$2 ;;
    H | header)
      case "${2,,}" in
        x-aws-ec2-metadata-token-ttl-seconds:*) ttl=${2#*:}; ttl=${ttl// /} ;;
        x-aws-ec2-metadata-token:*) given=${2#*:}; given=${given// /} ;;
      esac ;;
    o | output) output=$2 ;;
    w | write-out) write=$2 ;;
    url) address=$2 ;;
  esac
}
read_options() {
  local letters letter
  while [ $# -gt 0 ]; do
    case "$1" in
      --request | --header | --output | --write-out | --url | --data | --max-time | --connect-timeout | --retry | \
        --retry-delay | --retry-max-time | --noproxy | --user-agent) take "${1#--}" "$2"; shift ;;
      --fail) fail=1 ;;
      --*) ;;
      -?*)
        letters=${1#-}
        while [ -n "$letters" ]; do
          letter=${letters:0:1} letters=${letters:1}
          case "$letter" in
            f) fail=1 ;;
            [XHowmAbcdDeFKrTuUxyYzCPQt])
              if [ -n "$letters" ]; then take "$letter" "$letters"; letters=; else take "$letter" "$2"; shift; fi ;;
          esac
        done ;;
      *) address=$1 ;;
    esac
    shift
  done
}
decide() {
  local path=${address#*"$host"} file
  path=${path#:80} path=${path%/}
  file=$service$path
  case "$method $path" in
    "PUT /latest/api/token")
      if [[ $ttl =~ ^[0-9]{1,5}$ ]] && [ "$ttl" -ge 1 ] && [ "$ttl" -le "$longest" ]; then
        code=200 body=$(cat "$service/token")
      else
        code=400
      fi
      return ;;
    GET\ *) ;;
    *) code=405; return ;;
  esac
  if [ -z "$given" ] && [ "$(cat "$service/tokens")" = required ]; then code=401; return; fi
  if [ -n "$given" ] && [ "$given" != "$(cat "$service/token")" ]; then code=401; return; fi
  case "$path" in
    *..*) code=404 ;;
    /latest/*)
      if [ -f "$file" ]; then
        code=200 body=$(cat "$file")
      elif [ -d "$file" ]; then
        code=200 body=$(cd "$file" && for entry in *; do [ -d "$entry" ] && echo "$entry/" || echo "$entry"; done)
      else
        code=404
      fi ;;
    *) code=404 ;;
  esac
}
metadata() {
  local method=GET output= write= fail= ttl= given= address= code= body=
  read_options "$@"
  if [ "$(cat "$service/endpoint")" != enabled ]; then
    echo "curl: (7) Failed to connect to $host port 80: Connection refused" >&2
    exit 7
  fi
  decide
  [ "$code" = 200 ] || body="<html><head><title>$code</title></head></html>"
  if [ -n "$fail" ] && [ "$code" -ge 400 ]; then
    echo "curl: (22) The requested URL returned error: $code" >&2
  elif [ -n "$output" ]; then
    printf '%s' "$body" > "$output"
  else
    printf '%s' "$body"
  fi
  printf '%b' "${write//'%{http_code}'/$code}"
  [ -z "$fail" ] || [ "$code" -lt 400 ] || exit 22
  exit 0
}
if [ "$name" = curl ] && [ -d "$service" ]; then
  for word in "$@"; do case "$word" in "http://$host"*) metadata "$@" ;; esac; done
fi
"""
)
"""Bash of the sandbox's `curl` for this service; without an instance's answers it goes on to what follows it."""
