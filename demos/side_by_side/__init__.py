"""Demos with tinygrad_edu and with PyTorch, the same files: their times, and whether they print the same.

on_torch          `import tinygrad_edu` gives PyTorch
without_pictures  what is drawn is left out
one_run           one demo in a process of its own
texts             how far two texts are from each other
table             the whole
"""
