"""EC2 Image Builder on this machine: its API, its builds and its distribution."""
