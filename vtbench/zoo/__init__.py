"""The reference zoo: small networks of published families' own classes, fitted here on CIFAR-10, and how.

In: a recipe by name and images. Out: weights in the family's own names, as its adapter loads them from any checkpoint,
with a card that says data, steps, seconds and loss. ``python -m vtbench.zoo.fit NAME`` is the one command.

    recipe       what every recipe says
    recipes      tokenizers that are fitted: families, geometries, steps; and any recipe by its name
    images       the data, once
    loop         one fit of anything: steps, state, averages of weights
    objectives   a tokenizer's loss of a batch, through the modules of its published network
    fitting      one fit of a tokenizer
    generators   the same of generators, on codes
    keeping      what a fit leaves
    fit          the command
    cards        a fit's card as vtbench reads it
    references   statistics of a split, small enough to ship
    measure      everything that is measured of the zoo, by one command
    sampling     settings that samplers are measured at, and the shapes of what is found
    page         ``docs/zoo.md``, its figures and pictures
    repeats      cards of second fits: whether a recipe comes to its loss again
    publish      weights into ``vtbench-zoo``, and what follows from them
"""
