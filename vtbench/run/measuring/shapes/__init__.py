"""Sets of clouds: a block of rows of their distances, with pictures of some, in; rows and arrays of a block out."""
