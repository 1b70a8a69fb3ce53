"""The offline classifier: a linear model over words and pieces of words, taught by a tenant's own tickets.

Arithmetic only: no database, no web, no clock. `text` turns a ticket into features, `model` predicts with arrays,
`training` makes such a model, `measuring` says what it is worth, `offering` is what any classifier must offer.

Importing this package costs nothing. `model` needs numpy (0.2 s and 17 MB in a process, once) and `training` needs
scikit-learn (1.5 s, 120 MB): whoever uses them imports them where they are used.
"""
