"""Many writers and a collector, killed and stopped at random; then the store is compared with what was committed."""
