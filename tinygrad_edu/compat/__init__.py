"""Names of PyTorch that have nothing to do here, so that programs which mention them run.

Where leaving a thing undone changes no result, the name does nothing, and its docstring says so; where it would, it
raises and says what to do instead. `tinygrad_edu.cuda`, `.backends`, `.amp`, ... are the modules of this package.
"""
