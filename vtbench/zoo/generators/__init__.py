"""Generators of the zoo: networks of published families on the codes of its tokenizers.

In: a recipe, the weights of its tokenizer, images and labels. Out: a fit, as of any network (:mod:`vtbench.zoo.loop`).

    recipes      what is fitted: families, sizes, steps
    codes        every image and its mirror image through the tokenizer, once
    objectives   the loss of a batch of codes, through the family's published network
    fitting      one fit
"""
