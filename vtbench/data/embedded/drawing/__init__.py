"""What draws the embedded sets: seeded text, pages, sheets and patterns, the same bits everywhere."""
