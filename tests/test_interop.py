"""Programs written for PyTorch, run unedited: what they print, their arguments, errors and exit codes."""

import os
import subprocess
import sys

import pytest

import tinygrad_edu as tg
from tinygrad_edu.interop.torch.names import backward_name

PROGRAM = """
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
print((x.mean() * 2), x.sum(1, keepdim=True).requires_grad)
print(F.cross_entropy(x.requires_grad_(), torch.tensor([0, 1, 2, 0, 1])))
print(gradcheck(lambda t: (t ** 3).sum(), Variable(torch.tensor([1.0, 2.0], dtype=torch.double), requires_grad=True)))
print(double(torch.ones(2)), default_collate([1, 2]), torch.finfo(torch.float32).max, torch.float16, [torch.int64])
print((x @ x.T).sum(), x[0], x.view(-1)[:4], torch.cat([x, x]).detach().max(dim=1), sep="\\n")
sys.exit(3)
"""


@pytest.fixture
def program(tmp_path):
    """Run a script; PyTorch's own interpreter if `torch`, else through the interop."""
    (tmp_path / "helper.py").write_text("import torch\ndef double(x):\n    return torch.add(x, x)\n")

    def run(text, *arguments, oracle=False, module=False):
        script = tmp_path / "program.py"
        script.write_text(text)
        how = [] if oracle else ["-m", "tinygrad_edu.interop.torch"]
        what = ["-m", "program"] if module else [str(script)]
        found_in = os.path.dirname(os.path.dirname(tg.__file__))
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": found_in}
        command = [sys.executable, *how, *what, *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=120)

    return run


def test_a_program_prints_what_it_prints_with_torch(program, torch):
    ours, theirs = program(PROGRAM, "--epochs", "3"), program(PROGRAM, "--epochs", "3", oracle=True)
    assert theirs.returncode == 3, theirs.stderr
    assert ours.stdout == theirs.stdout and ours.returncode == 3, ours.stderr


def test_a_program_runs_without_torch(program):
    done = program(PROGRAM, "-v")
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith(
        "cpu device(type='cpu') ['-v'] __main__ 2.13.0\nNet(\n  (hidden): Linear(in_features=3,"
    )
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
    assert "torch.tensor is not part" in program("import torch.tensor\n").stderr, "a function, not a module"
    assert missing.returncode == 1 and "torch.fx is not part of tinygrad_edu" in missing.stderr
    assert "torch.nonsense is not part" in program("import torch\ntorch.nonsense\n").stderr
    assert "SyntaxError" in program("import torch\nx = = 2\n").stderr


def test_usage():
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "tinygrad_edu.interop.torch", *arguments], capture_output=True, text=True
        )

    assert run("--help").stdout.startswith("usage:") and run("--help").returncode == 0
    assert (
        run().returncode == 2
        and run("no such file.py").returncode == 2
        and "no such file" in run("no such file.py").stderr
    )


PLACES = """
import importlib, sys
for line in sys.argv[1].splitlines():
    module, *names = line.split()
    whole = importlib.import_module(module)
    for name in names:
        found = whole
        for part in name.split("."):
            found = getattr(found, part)
        kind = "class " + found.__module__ if isinstance(found, type) else "function" if callable(found) else "module"
        print(module, name, kind)
"""

NAMES = """torch Tensor tensor Size FloatTensor nn.Linear nn.modules.linear.LazyLinear nn.modules.container.Sequential
torch utils.data.DataLoader utils.data.sampler.RandomSampler utils.data._utils.collate.default_collate autograd.Function
torch optim.lr_scheduler.StepLR optim.SGD nn.utils.rnn.PackedSequence nn.utils nn.parameter.Parameter
torch.random manual_seed
torch.nn.modules Linear linear.Linear instancenorm.InstanceNorm2d
torch.nn.modules.activation MultiheadAttention ReLU
torch.nn.modules.batchnorm BatchNorm2d _BatchNorm
torch.nn.modules.container ModuleDict ModuleList ParameterDict ParameterList Sequential
torch.nn.modules.conv Conv2d LazyConvTranspose1d
torch.nn.modules.loss CrossEntropyLoss PoissonNLLLoss TripletMarginLoss
torch.nn.modules.sparse Embedding EmbeddingBag
torch.nn.modules.utils _pair _triple
torch.nn.parallel.distributed DistributedDataParallel
torch.nn.parameter Parameter UninitializedParameter
torch.nn.utils clip_grad_norm_ skip_init
torch.nn.utils.clip_grad clip_grad_norm_
torch.nn.utils.rnn PackedSequence pad_sequence
torch.optim Adafactor Muon Optimizer
torch.optim.lr_scheduler LRScheduler OneCycleLR
torch.optim.radam RAdam
torch.optim.adamw AdamW
torch.autograd Variable no_grad
torch.autograd.gradcheck gradcheck
torch.autograd gradcheck
torch.utils.data StackDataset TensorDataset default_convert
torch.utils.data.dataloader DataLoader default_collate
torch.utils.data.dataset ChainDataset Subset
torch.utils.data._utils.collate default_convert
torch.nn functional.relu modules.Linear utils.clip_grad_norm_"""


def test_modules_have_what_those_of_pytorch_have(program, torch):
    ours, theirs = program(PLACES, NAMES), program(PLACES, NAMES, oracle=True)
    assert ours.returncode == 0, ours.stderr
    elsewhere = ("no_grad", "DistributedDataParallel", "Variable")  # these say where they come from
    for mine, other in zip(ours.stdout.splitlines(), theirs.stdout.splitlines(), strict=True):
        assert mine == other or mine.split()[1] in elsewhere


GRADIENTS = [
    lambda F, x, v: F.max_pool1d(x[0], 2), lambda F, x, v: F.max_pool2d(x, 2), lambda F, x, v: F.avg_pool2d(x, 2),
    lambda F, x, v: F.max_pool3d(x[None], 2), lambda F, x, v: F.avg_pool3d(x[None], 2), lambda F, x, v: F.gelu(x),
    lambda F, x, v: F.conv2d(x, x), lambda F, x, v: F.conv_transpose2d(x, x), lambda F, x, v: F.layer_norm(x, (4,)),
    lambda F, x, v: F.batch_norm(x, None, None, training=True), lambda F, x, v: F.group_norm(x, 2),
    lambda F, x, v: F.embedding((v > 0).long(), x[0, 0]), lambda F, x, v: F.pad(x, (1, 1)),
    lambda F, x, v: F.unfold(x, 3),
    lambda F, x, v: F.softmax(x, 1), lambda F, x, v: F.cross_entropy(x[0, 0], (v > 0).long()),
    lambda F, x, v: F.mse_loss(x, x.detach()), lambda F, x, v: F.l1_loss(x, x.detach()),
    lambda F, x, v: F.logsigmoid(x),
    lambda F, x, v: x + 1, lambda F, x, v: x - x, lambda F, x, v: x * 2, lambda F, x, v: x / 2, lambda F, x, v: x**2,
    lambda F, x, v: x.square(), lambda F, x, v: x.log1p(), lambda F, x, v: x.clamp(0, 1), lambda F, x, v: x.sum(),
    lambda F, x, v: x.sum(1), lambda F, x, v: x.mean(), lambda F, x, v: x.mean(1), lambda F, x, v: v.prod(),
    lambda F, x, v: x.amax(1), lambda F, x, v: x.var(), lambda F, x, v: x.norm(), lambda F, x, v: v.dot(v),
    lambda F, x, v: x[0, 0] @ v, lambda F, x, v: x[0, 0] @ x[0, 0], lambda F, x, v: x[0] @ x[0, 0],
    lambda F, x, v: F.linear(x[0, 0], x[0, 0], v), lambda F, x, v: F.linear(x[0, 0], x[0, 0]),
    lambda F, x, v: F.linear(x, x[0, 0], v), lambda F, x, v: x[0], lambda F, x, v: x[1:], lambda F, x, v: x[:, 0],
    lambda F, x, v: x[0, 1:], lambda F, x, v: x[x > 0], lambda F, x, v: x[(v > 0).long()], lambda F, x, v: x[[0, 1]],
    lambda F, x, v: x.reshape(-1), lambda F, x, v: x.transpose(0, 1), lambda F, x, v: x.movedim(0, 1),
    lambda F, x, v: x[:1].squeeze(), lambda F, x, v: x[:1].squeeze(0), lambda F, x, v: x.unfold(3, 2, 1),
    lambda F, x, v: v.scatter(0, (v > 0).long(), 1.0), lambda F, x, v: v.scatter_add(0, (v > 0).long(), v),
    lambda F, x, v: x.double(), lambda F, x, v: x.clone().add_(1), lambda F, x, v: F.dropout(x),
]  # fmt: skip


@pytest.mark.parametrize("call", GRADIENTS)
def test_names_of_gradients_are_those_of_pytorch(call, torch):
    ours, theirs = [
        call(T.nn.functional, T.ones(2, 2, 4, 4).requires_grad_(), T.ones(4).requires_grad_()) for T in (tg, torch)
    ]
    assert backward_name(ours.node) == theirs.grad_fn.name()


INSTALL = """
import sys
from tinygrad_edu.interop.torch import install, uninstall
install(); install()
import torch, torch.nn.utils.clip_grad
from torch.nn.utils import clip_grad_norm_
import tinygrad_edu
assert torch.tensor is tinygrad_edu.tensor and repr(torch.Size([2])) == "torch.Size([2])"
assert torch.Tensor.__module__ == "torch"
before = tinygrad_edu.nn.__spec__.name
import torch.nn.modules.container, torch.optim.adamw, torch.nn.modules.utils, torch.autograd.gradcheck
from torch import *
assert torch.nn.utils is tinygrad_edu.nn.utils and torch.autograd.gradcheck.__call__
assert tinygrad_edu.nn.__spec__.name == before == "tinygrad_edu.nn"
uninstall()
assert repr(tinygrad_edu.Size([2])) == "Size([2])" and tinygrad_edu.Tensor.__module__ == "tinygrad_edu.tensor"
assert "torch" not in sys.modules
assert tinygrad_edu.nn.modules is tinygrad_edu.nn and not hasattr(tinygrad_edu.nn, "container")
assert tinygrad_edu.autograd.gradcheck.__name__ == "gradcheck" and not hasattr(tinygrad_edu.optim, "adamw")
assert tinygrad_edu.nn.Linear.__module__ == "tinygrad_edu.nn.linear"
sys.modules["torch"] = sys
try:
    install()
except RuntimeError as error:
    print(error)
"""


def test_install_and_uninstall(program):
    done = program(INSTALL, oracle=True)
    assert done.stdout.startswith("torch is imported already") and done.returncode == 0, done.stderr


def test_names_that_do_nothing():
    assert not tg.cuda.is_available() and tg.cuda.device_count() == 0 and tg.backends.mps.is_available() is False
    assert tg.accelerator.current_accelerator() is None and not tg.distributed.is_available()
    for absent in (
        tg.cuda.current_device,
        tg.distributed.init_process_group,
        tg.cuda.Stream,
        tg.accelerator.synchronize,
    ):
        with pytest.raises(RuntimeError):
            absent()
    with pytest.raises(RuntimeError, match="ONNX"):
        tg.onnx.export(None)

    def double(x):
        return x * 2

    assert (
        tg.compile(double) is double
        and tg.compile(mode="max-autotune")(double) is double
        and tg.jit.script(double) is double
    )
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
    for kind in ("Float", "Double", "Long", "Int", "Bool", "Byte", "Half", "Short"):
        ours, theirs = getattr(tg, kind + "Tensor"), getattr(torch, kind + "Tensor")
        assert ours([1, 0]).type() == theirs([1, 0]).type().replace("torch", "tinygrad_edu")
        assert isinstance(ours([1]), ours) and not isinstance(tg.tensor(1j.imag, dtype=tg.uint16), ours)
        assert ours(2, 3).shape == (2, 3) and tg.ones(2).type(ours).dtype == ours([1]).dtype
        assert tg.ones(2).type(f"torch.{kind}Tensor").dtype == ours([1]).dtype
    assert tg.Tensor(2, 3).shape == (2, 3) and tg.Tensor([2, 3]).tolist() == [2, 3] and tg.Tensor().shape == (0,)
