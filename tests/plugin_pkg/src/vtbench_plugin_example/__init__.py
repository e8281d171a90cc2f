"""One tokenizer, metric, data set and feature extractor, as another package would offer them."""
