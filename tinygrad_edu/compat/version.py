"""`torch.version`: there is no CUDA."""

cuda = hip = debug = git_version = None
