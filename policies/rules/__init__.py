"""The rules of the policy pack, one module per AWS service. They import `pulumi_policy` and each other only."""
