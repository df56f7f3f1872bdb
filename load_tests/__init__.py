"""Load tests: drive the example shop, and say what tracing it costs. Loopback only, bounded in time and count."""
