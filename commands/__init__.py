"""What people run beside `pulumi`: on AWS and on the local cloud alike, with credentials from the environment."""
