"""What families share whose network is a class of transformers: its cache, its folder, its text tokenizer.

In goes a class of the library; out comes what the loops of ``sampling`` run. No loop of the library draws anything.
"""
