"""One generator under two strategies, in one row: what is gained, what it costs. In go two measurements, out a row."""
