"""The page of the leaderboards: records, published numbers and cards enter; one self-contained page leaves."""
