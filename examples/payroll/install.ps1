# What the payroll team puts onto its Windows hosts: a web server role and the application's folder.
$ErrorActionPreference = 'Stop'

Install-WindowsFeature -Name Web-Server, Web-Asp-Net45 | Out-Null

$folder = New-Item -ItemType Directory -Force -Path 'C:\Program Files\Payroll'
Set-Content -Path (Join-Path $folder 'appsettings.json') -Value '{"journal": "D:\\payroll"}'

Set-Service -Name W3SVC -StartupType Automatic
