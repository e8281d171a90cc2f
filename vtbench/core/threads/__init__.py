"""Work on several threads whose last digits do not depend on how many there are.

In: pieces of work, or a body that asks for linear algebra. Out: the same bits as on one thread.
"""
