"""Amazon EC2 Auto Scaling: groups that launch as their account's service-linked role."""
