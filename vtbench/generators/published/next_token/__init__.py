"""Published generators that draw one token after the other, one family a file; one with a network is a folder."""
