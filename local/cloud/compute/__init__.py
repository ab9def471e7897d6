"""EC2 images, snapshots and instances: what ministack lacks of EC2 and this program is about."""
