"""Generated images against what they were made from: conditions at the samples' size, and metrics that see both."""
