"""`torch.nn.parallel`: one device, one process, so that a parallel module is a module that calls another."""

from ..nn.module import Module


class DataParallel(Module):
    """Calls `module`, on the one device there is. state_dict keys begin with "module.", as in PyTorch."""

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        self.module = module

    def forward(self, *inputs, **named):
        return self.module(*inputs, **named)


class DistributedDataParallel(DataParallel):
    """Calls `module`, in the one process there is."""

    def __init__(self, module, device_ids=None, output_device=None, dim=0, **settings):
        super().__init__(module)

    def no_sync(self):
        """A context that changes nothing: no gradients are exchanged."""
        import contextlib

        return contextlib.nullcontext()
