"""`torch.accelerator` on a machine without one."""


def is_available():
    return False


def current_accelerator(check_available=False):
    """None: there is no accelerator."""
    return None


def device_count():
    return 0


def current_device_index():
    raise RuntimeError("there is no accelerator; ask accelerator.is_available() first and use device 'cpu'")


set_device_index = synchronize = current_stream = lambda *args: current_device_index()
