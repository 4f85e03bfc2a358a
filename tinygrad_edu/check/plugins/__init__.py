"""What pytest and hypothesis load by themselves where tinygrad_edu is installed: the entry points of setup.cfg.

A package of its own because whatever an entry point names is imported in every run of pytest, also where nobody tests
gradients: `tinygrad_edu.anything` would import tinygrad_edu and with it NumPy. So this folder is installed as the
package `tinygrad_edu_plugins` (`package_dir` in setup.cfg). Nothing here imports either before a test uses it. What it
then does is in `tinygrad_edu.check.pytest_plugin`.
"""
