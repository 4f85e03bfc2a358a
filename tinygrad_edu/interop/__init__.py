"""Other libraries' programs and data: `interop.torch` runs programs written for PyTorch."""
