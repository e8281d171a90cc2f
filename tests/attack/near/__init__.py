"""Files that are nearly what a reader expects, as hypothesis strategies: by the grammar of each format.

Damage of single bytes (:mod:`fuzz_mutation`) seldom gets past a checksum, a length or a seal. What is drawn here is
whole: lengths, checksums and seals are right, unless one of them is what is wrong.
"""
