"""What a call of a tokenizer takes, an image at a time. In: a model. Out: its predictions, with a row of costs each."""
