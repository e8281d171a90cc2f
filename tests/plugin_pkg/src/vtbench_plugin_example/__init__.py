"""One tokenizer, metric, data set, feature extractor, task and suite, as another package would offer them."""

from pathlib import Path

TASKS = Path(__file__).parent / "tasks"
