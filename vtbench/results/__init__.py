"""What finished runs left: records, statistics, frames and tables. Never imports torch or the runner."""
