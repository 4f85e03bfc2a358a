"""Programs written for PyTorch, run unedited: what they print, their arguments, errors and exit codes."""

import os
import subprocess
import sys

import pytest

import tinygrad_edu as tg

PROGRAM = '''
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.backends.cudnn as cudnn
from torch import Tensor, optim
from torch.autograd import Function, Variable, gradcheck
from torch.cuda.amp import GradScaler, autocast
from torch.nn.modules.linear import Linear
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.dataloader import default_collate
from helper import double

cudnn.benchmark = True
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
print(device, repr(device), sys.argv[1:], __name__, torch.__version__.split("+")[0])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(3, 4), Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.hidden(x)))


net = Net().to(device)
with torch.no_grad():
    for i, p in enumerate(net.parameters()):
        p.copy_(torch.linspace(-1, 1 + i, p.numel()).reshape(p.shape))
print(net)
x, y = torch.arange(15, dtype=torch.float64).reshape(5, 3).float() / 10, torch.arange(5.).unsqueeze(1)
out = net(x)
print(out, out.shape, out.dtype, type(out), x.type(), x.size(), isinstance(x, torch.FloatTensor))
optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
scheduler = StepLR(optimizer, 2)
scaler = GradScaler(enabled=False)
for epoch in range(3):
    for a, b in DataLoader(TensorDataset(x, y), batch_size=2):
        with autocast(enabled=False):
            loss = nn.MSELoss()(net(a), b)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    scheduler.step()
    print(epoch, f"{loss.item():.4f}", f"{loss:.3f}", scheduler.get_last_lr(), loss)
print({k: tuple(v.shape) for k, v in net.state_dict().items()}, type(net.out), type(net.out.weight))
print((x.mean() * 2), x.sum(1, keepdim=True).requires_grad, F.cross_entropy(x.requires_grad_(), torch.tensor([0, 1, 2, 0, 1])))
print(gradcheck(lambda t: (t ** 3).sum(), Variable(torch.tensor([1.0, 2.0], dtype=torch.double), requires_grad=True)))
print(double(torch.ones(2)), default_collate([1, 2]), torch.finfo(torch.float32).max, torch.float16, [torch.int64])
print((x @ x.T).sum(), x[0], x.view(-1)[:4], torch.cat([x, x]).detach().max(dim=1), sep="\\n")
sys.exit(3)
'''


@pytest.fixture
def program(tmp_path):
    """Run a script; PyTorch's own interpreter if `torch`, else through the interop."""
    (tmp_path / "helper.py").write_text("import torch\ndef double(x):\n    return torch.add(x, x)\n")

    def run(text, *arguments, oracle=False, module=False):
        script = tmp_path / "program.py"
        script.write_text(text)
        how = [] if oracle else ["-m", "tinygrad_edu.interop.torch"]
        what = ["-m", "program"] if module else [str(script)]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.path.dirname(os.path.dirname(tg.__file__))}
        return subprocess.run([sys.executable, *how, *what, *arguments], capture_output=True, text=True, cwd=tmp_path, env=env, timeout=120)

    return run


def test_a_program_prints_what_it_prints_with_torch(program, torch):
    ours, theirs = program(PROGRAM, "--epochs", "3"), program(PROGRAM, "--epochs", "3", oracle=True)
    assert theirs.returncode == 3, theirs.stderr
    assert ours.stdout == theirs.stdout and ours.returncode == 3, ours.stderr


def test_a_program_runs_without_torch(program):
    done = program(PROGRAM, "-v")
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("cpu device(type='cpu') ['-v'] __main__ 2.13.0\nNet(\n  (hidden): Linear(in_features=3,")
    assert "grad_fn=<AddmmBackward0>" in done.stdout and "<class 'torch.nn.modules.linear.Linear'>" in done.stdout


def test_as_a_module_with_its_arguments(program):
    done = program("import sys, torch\nprint(sys.argv[1:], __name__, torch.ones(2))", "a", module=True)
    assert done.stdout == "['a'] __main__ tensor([1., 1.])\n" and done.returncode == 0


def test_errors_point_into_the_program(program):
    done = program("import torch\n\n\ndef f(x):\n    return x @ x\n\n\nf(torch.ones(2, 3))\n")
    assert done.returncode == 1
    outer = done.stderr.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    assert "program.py" in outer[0] and outer[0].endswith("line 8, in <module>")
    assert "interop" not in done.stderr and "runpy" not in done.stderr and "matmul: the last size" in outer[-1]
    missing = program("import torch.fx\n")
    assert missing.returncode == 1 and "torch.fx is not part of tinygrad_edu" in missing.stderr
    assert "torch.nonsense is not part" in program("import torch\ntorch.nonsense\n").stderr
    assert "SyntaxError" in program("import torch\nx = = 2\n").stderr


def test_usage():
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "tinygrad_edu.interop.torch", *arguments], capture_output=True, text=True)

    assert run("--help").stdout.startswith("usage:") and run("--help").returncode == 0
    assert run().returncode == 2 and run("no such file.py").returncode == 2 and "no such file" in run("no such file.py").stderr


INSTALL = '''
import sys
from tinygrad_edu.interop.torch import install, uninstall
install(); install()
import torch, torch.nn.utils.clip_grad
from torch.nn.utils import clip_grad_norm_
import tinygrad_edu
assert torch.tensor is tinygrad_edu.tensor and repr(torch.Size([2])) == "torch.Size([2])" and torch.Tensor.__module__ == "torch"
before = tinygrad_edu.nn.__spec__.name
import torch.nn.modules.container, torch.optim.adamw
from torch import *
assert tinygrad_edu.nn.__spec__.name == before == "tinygrad_edu.nn"
uninstall()
assert repr(tinygrad_edu.Size([2])) == "Size([2])" and tinygrad_edu.Tensor.__module__ == "tinygrad_edu.tensor" and "torch" not in sys.modules
sys.modules["torch"] = sys
try:
    install()
except RuntimeError as error:
    print(error)
'''


def test_install_and_uninstall(program):
    done = program(INSTALL, oracle=True)
    assert done.stdout.startswith("torch is imported already") and done.returncode == 0, done.stderr


def test_names_that_do_nothing():
    assert not tg.cuda.is_available() and tg.cuda.device_count() == 0 and tg.backends.mps.is_available() is False
    assert tg.accelerator.current_accelerator() is None and not tg.distributed.is_available()
    for absent in (tg.cuda.current_device, tg.distributed.init_process_group, tg.cuda.Stream, tg.accelerator.synchronize):
        with pytest.raises(RuntimeError):
            absent()
    with pytest.raises(RuntimeError, match="ONNX"):
        tg.onnx.export(None)

    def double(x):
        return x * 2

    assert tg.compile(double) is double and tg.compile(mode="max-autotune")(double) is double and tg.jit.script(double) is double
    assert tg.amp.autocast("cpu", dtype=tg.bfloat16)(double)(3) == 6
    wrapped = tg.nn.parallel.DataParallel(tg.nn.Linear(2, 1))
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"] and wrapped(tg.ones(1, 2)).shape == (1, 1)
    with pytest.raises(RuntimeError, match="highest"):
        tg.set_float32_matmul_precision("low")


def test_gradcheck_as_torch_has_it():
    x = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    assert tg.autograd.gradcheck(lambda x: x**2, x) and tg.autograd.gradgradcheck(lambda x: x**3, (x,))

    class Wrong(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    assert not tg.autograd.gradcheck(Wrong.apply, (x,), raise_exception=False)
    with pytest.raises(tg.autograd.GradcheckError, match="wrong"):
        tg.autograd.gradcheck(Wrong.apply, (x,))
    with pytest.raises(ValueError, match="requires_grad_"):
        tg.autograd.gradcheck(lambda x: x, tg.ones(2))


def test_old_types(torch):
    for name in ("FloatTensor", "DoubleTensor", "LongTensor", "IntTensor", "BoolTensor", "ByteTensor", "HalfTensor", "ShortTensor"):
        ours, theirs = getattr(tg, name), getattr(torch, name)
        assert ours([1, 0]).type() == theirs([1, 0]).type().replace("torch", "tinygrad_edu")
        assert isinstance(ours([1]), ours) and not isinstance(tg.tensor(1j.imag, dtype=tg.uint16), ours)
        assert ours(2, 3).shape == (2, 3) and tg.ones(2).type(ours).dtype == ours([1]).dtype
        assert tg.ones(2).type("torch." + name).dtype == ours([1]).dtype
    assert tg.Tensor(2, 3).shape == (2, 3) and tg.Tensor([2, 3]).tolist() == [2, 3] and tg.Tensor().shape == (0,)
