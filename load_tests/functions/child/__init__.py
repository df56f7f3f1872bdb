"""What runs in the interpreters that are measured: scripts, without the checkout on their path."""
