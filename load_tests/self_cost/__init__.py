"""Whether the ledger says what tracing really costs: its sum beside the measured difference, in one run."""
