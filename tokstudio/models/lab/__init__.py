"""The model lab: look inside a language model while it reads and writes. Runs in a process of its own.

`structure` what it is made of; `watch` what its modules put out on a text; `write` generation with the odds of every
token; `score` how well it predicts a text, byte by byte; `change` what differs between two checkpoints; `jobs` all of
it for the window, by name.
"""
