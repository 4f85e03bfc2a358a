"""`torch.onnx`: models are not exported."""


def export(*args, **named):
    raise RuntimeError("there is no export to ONNX here; save the state_dict() and export it with PyTorch")
