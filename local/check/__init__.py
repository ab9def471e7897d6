"""What every change gets before it is merged: affected stacks previewed, judged, and told in one report."""
