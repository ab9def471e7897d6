"""Amazon Inspector: what is known of packages that are in the files of running instances."""
