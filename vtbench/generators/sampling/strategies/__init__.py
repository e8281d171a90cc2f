"""Other ways to draw the tokens of a next-token host than one a pass; in go its logits, out come tokens and a cost."""
