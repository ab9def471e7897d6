# What the platform team adds to the hardened base: hosts and images of other products say what they started from.
$ErrorActionPreference = 'Stop'

New-Item -Path C:\ProgramData\golden-ami -ItemType Directory -Force
Set-Content -Path C:\ProgramData\golden-ami\release.txt -Value 'base=hardened-windows'
