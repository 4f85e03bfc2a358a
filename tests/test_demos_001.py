"""The demos of the course notes 001: that they run, and that they compute what the notes' formulas say."""


import numpy as np
import pytest
from demo_tools import check_pictures

import tinygrad_edu as tg
from demos import attention, batchnorm, clipping, conv, inception, init, names, resnet, transfer
from demos.__main__ import main
from tinygrad_edu import data, nn

pytestmark = pytest.mark.usefixtures("stand_ins")

PICTURES = {
    "init": ["init_boundaries.png", "init_costs.png", "init_he.png", "init_layers.png", "init_xavier.png"],
    "conv": ["conv_edges.png", "conv_numbers.png", "conv_sizes.png"],
    "names": ["names_costs.png", "names_next_dinosaurs.png", "names_next_given_names.png"],
    "batchnorm": ["batchnorm_averages.png", "batchnorm_costs.png"],
    "attention": ["attention_curves.png", "attention_weights.png"],
    "clipping": ["clipping_curves.png", "clipping_through_time.png"],
    "transfer": ["transfer_accuracy.png", "transfer_filters.png"],
    "faces": ["faces_distances.png", "faces_encodings.png", "faces_pairs.png", "faces_roc.png"],
    "style": ["style_curves.png", "style_results.png", "style_stages.png"],
    "detect": [
        "detect_heat.png", "detect_localization.png", "detect_single_shot.png", "detect_suppression.png",
        "detect_windows.png",
    ],
    "inception": ["inception_accuracy.png", "inception_block.svg"],
    "resnet": ["resnet_convolutional.svg", "resnet_curves.png", "resnet_identity.svg"],
}


@pytest.mark.parametrize("name", PICTURES)
def test_it_runs(name, capsys, tmp_path):
    assert main([name, "--quick", "--no-progress", "--out", str(tmp_path)]) == 0
    check_pictures(tmp_path, *PICTURES[name])
    capsys.readouterr()


# ---- init


def learnt(name, steps):
    """A network that began with these weights, after some steps on two circles; and its costs."""
    x, y = data.circles(300, factor=0.8, seed=300, dtype=tg.float64)
    model = init.network(init.SMALL, init.WEIGHTS[name], 0)
    costs, _ = init.descend(model, x, y, init.SMALL_RATE, steps, 300)
    return model, costs


def test_equal_weights_stay_equal():
    model, costs = learnt("zero", 50)
    assert np.allclose(costs, np.log(2), rtol=1e-12) and init.different_units(model[0]) == 1
    assert not model[0].weight.detach().numpy().any()
    model, costs = learnt("all equal", 50)
    assert costs[-1] < costs[0] and init.different_units(model[0]) == init.different_units(model[2]) == 1
    model, costs = learnt("He", 50)
    assert init.different_units(model[0]) == 10


def test_the_right_weights_learn():
    costs = {name: learnt(name, 1200)[1] for name in ("He", "too small", "too large")}
    assert costs["He"][-1] < 0.1 and costs["too small"][-1] > 0.69
    assert costs["too large"][0] > 100 and costs["too large"][-1] > 0.3


def test_values_and_gradients_of_thirty_layers():
    x, y = tg.randn(200, 64, dtype=tg.float64, generator=tg.Generator().manual_seed(0)), tg.arange(200) % 10
    for name, values_grow, gradients_grow in (("He", 1, 1), ("Xavier", 0.5**0.5, 0.5**0.5), ("too large", 50, 50)):
        values, gradients = init.sizes_by_layer(init.network(init.DEEP, init.WEIGHTS[name], 0), x, y)
        assert len(values) == len(gradients) == 30
        assert 0.8 < (values[-2] / values[1]) ** (1 / 27) / values_grow < 1.2, name  # the factor of a layer
        assert 0.8 < (gradients[1] / gradients[-2]) ** (1 / 27) / gradients_grow < 1.2, name


# ---- conv


def test_convolution():
    assert (conv.convolved(conv.edge(), conv.VERTICAL)[0, 0].numpy() == [[0, 30, 30, 0]] * 4).all()
    image = tg.tensor(np.random.default_rng(0).standard_normal((1, 1, 7, 9)).astype(np.float32))
    for weight in conv.FILTERS.values():
        slow = [[(image[0, 0].numpy()[i : i + 3, j : j + 3] * weight).sum() for j in range(7)] for i in range(5)]
        assert np.allclose(conv.convolved(image, weight)[0, 0].numpy(), slow, atol=1e-5)
        assert abs(np.sum(weight)) < 1e-12  # where all is equally bright there is no edge


def test_sizes_of_convolutions():
    for n, f, p, s in [*conv.SIZES, (9, 4, 1, 3), (5, 5, 0, 4)]:
        result = conv.convolved(tg.zeros(1, 1, n, n), [[1] * f] * f, p, s)
        assert result.shape[2:] == (conv.size_after(n, f, p, s),) * 2
    uses = np.zeros((8, 8))
    for i in range(6):
        for j in range(6):
            uses[i : i + 3, j : j + 3] += 1
    assert (conv.times_used(8, 3, 0) == uses).all() and conv.times_used(8, 3, 1).sum() > uses.sum()


# ---- names


def test_what_is_learnt_from_a_name():
    vocabulary = data.Vocabulary(["anna", "bo", names.END, names.GAP])
    x, y = names.next_characters(["anna", "bo"], vocabulary)
    assert [vocabulary.decode(row) for row in x] == ["\nanna", "\nbo\n\n"]
    assert vocabulary.decode(y[0]) == "anna\n" and vocabulary.decode(y[1][:3]) == "bo\n"
    assert (y[1][3:] == names.NOTHING).all()
    x, y = names.gaps(["anna", "bo"], vocabulary, 0)
    for row, target, name in zip(x, y, ("anna", "bo")):
        (place,) = np.flatnonzero(target != names.NOTHING)
        assert vocabulary.decode(row[place : place + 1]) == names.GAP
        assert vocabulary.decode(target[place : place + 1]) == name[place - 1]


@pytest.mark.parametrize("kind", names.KINDS)
def test_only_a_bidirectional_network_knows_what_follows(kind):
    vocabulary = data.Vocabulary(["abc", names.END])
    for both in (False, True):
        tg.manual_seed(0)
        model = names.Reader(names.KINDS[kind], len(vocabulary), both)
        p, q = [names.probabilities(model, vocabulary, name) for name in ("abca", "abcb")]
        assert p.shape == (5, 4) and np.allclose(p.sum(1), 1, atol=1e-6)
        assert np.allclose(p[:4], q[:4], atol=1e-7) != both and not np.allclose(p[4], q[4], atol=1e-7)


def test_it_learns_a_name_by_heart():
    class Options:
        seed, no_progress = 0, True

    vocabulary = data.Vocabulary(["tyrannosaurus", names.END])
    tg.manual_seed(0)
    model = names.Reader(nn.GRU, len(vocabulary))
    pair = names.next_characters(["tyrannosaurus"] * 4, vocabulary)
    names.fit(model, pair, pair, 150, Options)
    assert names.invent(model, vocabulary, np.random.default_rng(0)) == "tyrannosaurus"
    assert names.invent(model, vocabulary, np.random.default_rng(0), longest=4) == "tyra"


# ---- batchnorm


def test_batch_normalization():
    z = np.random.default_rng(0).standard_normal((6, 3)) * [1, 5, 0.1] + [0, 2, 7]
    layer = nn.BatchNorm1d(3, dtype=tg.float64)
    with tg.no_grad():
        layer.weight.copy_(tg.tensor([1.0, 2, 3]))
        layer.bias.copy_(tg.tensor([4.0, 5, 6]))
    expected = batchnorm.formula(z, np.array([1, 2, 3]), np.array([4, 5, 6]))
    assert np.allclose(layer(tg.tensor(z)).detach(), expected, rtol=1e-12)
    assert np.allclose(layer.running_mean, 0.1 * z.mean(0))
    assert np.allclose(layer.running_var, 0.9 + 0.1 * z.var(0, ddof=1))


def test_single_images():
    tg.manual_seed(0)
    model, x = batchnorm.network(True), tg.randn(12, 64)
    for _ in range(3):
        model(x)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    y = model.eval()(x).argmax(1)
    assert batchnorm.accuracy_in_batches(model, x, y, 1, False) == 100  # alone as among others
    assert batchnorm.accuracy_in_batches(model, x, y, 2, True) < 100
    assert all((value == before[name]).all() for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="more than 1"):
        model.train()(x[:1])


# ---- resnet


def test_blocks():
    tg.manual_seed(0)
    x = tg.randn(4, 8, 6, 6)
    identity, convolutional, plain = resnet.Block(8, 8), resnet.Block(8, 16, 2), resnet.Block(8, 8, shortcut=False)
    assert convolutional(x).shape == (4, 16, 3, 3)
    for block in (identity, plain):
        nn.init.zeros_(block.path[4].weight)  # F(x) = 0
    assert np.allclose(identity(x).detach(), np.maximum(x, 0)) and not plain(x).detach().numpy().any()


def test_shortcuts_keep_gradients():
    x, y = tg.randn(16, 1, 8, 8, generator=tg.Generator().manual_seed(0)), tg.arange(16) % 10
    ratios = []
    for shortcut in (False, True):
        tg.manual_seed(0)
        model = resnet.network(6, shortcut)
        gradients = resnet.gradients_by_layer(model, x, y)
        assert len(gradients) == 25 and all(p.grad is None for p in model.parameters())
        ratios.append(gradients[0] / gradients[-1])
    assert ratios[0] > 4 * ratios[1] > 0


# ---- attention


def test_dates():
    x, digits, texts = attention.dates(200, 0)
    assert x.shape == (200, attention.LONGEST) and digits.shape == (200, 8)
    for row, written, text in zip(x, digits.tolist(), texts):
        assert attention.LETTERS.decode(row) == text.ljust(attention.LONGEST)
        year, month, day = [int("".join(map(str, part))) for part in (written[:4], written[4:6], written[6:])]
        assert str(year) in text and str(day) in text
        assert str(month) in text or attention.MONTHS[month - 1][:3] in text
    assert attention.whole_date(tg.eye(10)[digits], digits).item() == 1


def test_attention_is_the_formula():
    tg.manual_seed(0)
    model, (x, *_) = attention.Translator(), attention.dates(3, 0)
    scores = model(x)
    assert scores.shape == (3, 8, 10) and len(model.weights) == 8
    for weights in model.weights:
        assert weights.shape == x.shape and np.allclose(weights.numpy().sum(1), 1, atol=1e-6)
    h, _ = model.reader(model.embedding(x))
    W, U, v = model.of_state, model.of_letters, model.energy.weight[0]
    s = tg.zeros(3, attention.HIDDEN)
    for step in range(2):
        e = tg.stack([(W(s) + U(h[:, t])).tanh() @ v for t in range(attention.LONGEST)], 1)
        α = e.exp() / e.exp().sum(1, keepdim=True)
        assert np.allclose(model.weights[step], α.detach(), atol=1e-6)
        s = model.writer(sum(α[:, t : t + 1] * h[:, t] for t in range(attention.LONGEST)), s)
        assert np.allclose(scores[:, step].detach(), model.scores(s).detach(), atol=1e-5)
    plain = attention.Translator(attention=False)
    plain(x)
    assert np.allclose(plain.weights[3].numpy(), 1 / attention.LONGEST)


# ---- clipping


def test_gradients_through_time():
    tg.manual_seed(0)
    length = 40
    vanish, keep, explode = [clipping.gradients_through_time(stretch, length) for stretch in (0.5, 1.0, 2.0)]
    assert vanish[0] < 1e-8 < 1e-3 < keep[0] < 1e3 < 1e8 < explode[0]
    assert len(keep) == length and 1 < keep[-1] < 30


def test_an_exploded_gradient_ends_training_unless_clipped():
    names_ = data.load_dinosaurs().names[:300]
    vocabulary = data.Vocabulary([*names_, "\n"])
    x, y = clipping.sequences(names_, vocabulary)
    costs = {name: clipping.learn(clip, x, y, vocabulary, 25, 0)[0] for name, clip in clipping.CLIPPINGS.items()}
    assert np.isnan(costs.pop("none")[-1]) and all(found[-1] < found[0] for found in costs.values())


def test_sequences():
    vocabulary = data.Vocabulary(["abc", "\n"])
    x, y = clipping.sequences(["abc", "ca", "bcb"], vocabulary, length=5)
    assert [vocabulary.decode(row) for row in x] == ["abc\nc", "a\nbcb"]
    assert [vocabulary.decode(row) for row in y] == ["bc\nca", "\nbcb\n"]


def test_clipping_limits_gradients():
    for name, limit in (("norm ≤ 1", lambda g: np.linalg.norm(g) <= 1), ("values", lambda g: abs(g).max() <= 0.01)):
        parameter = nn.Parameter(tg.zeros(50))
        parameter.grad = tg.linspace(-3, 9, 50)
        clip = next(clip for key, clip in clipping.CLIPPINGS.items() if key.startswith(name))
        clip([parameter])
        assert limit(parameter.grad.numpy()) and parameter.grad[0] < 0 < parameter.grad[-1]


# ---- transfer


def test_what_is_transferred():
    tg.manual_seed(0)
    learnt = transfer.network(transfer.OLD)
    for frozen in (True, False):
        model = transfer.transferred(learnt, frozen)
        assert model(tg.zeros(1, 1, 28, 28)).shape == (1, 2)
        for name, p in model.named_parameters():
            last = name.startswith("7.")
            assert p.requires_grad == (last or not frozen)
            assert last or (p == learnt.state_dict()[name]).all() and p is not learnt.get_parameter(name)


def test_few_examples():
    y = tg.arange(100) % 10
    x = y.float().reshape(100, 1, 1, 1)
    (old_x, old_y), (new_x, new_y) = transfer.parts(x, y)
    assert len(old_x) == 80 and (old_x.flatten() == old_y).all() and (new_x.flatten() == new_y + 8).all()
    few_x, few_y = transfer.few(new_x, new_y, 3, np.random.default_rng(0))
    assert few_y.tolist() == [0, 0, 0, 1, 1, 1] and few_x.flatten().tolist() == [8, 8, 8, 9, 9, 9]


def test_frozen_layers_stay(monkeypatch):
    tg.manual_seed(0)
    learnt, models = transfer.network(transfer.OLD), []
    monkeypatch.setattr(transfer, "accuracy", lambda model, pair: models.append(model))
    x = tg.zeros(2, 1, 28, 28)
    x[0, 0, :14], x[1, 0, 14:] = 1, 1
    before = {name: value.clone() for name, value in learnt.state_dict().items()}
    for way in transfer.WAYS:
        transfer.learn_new(learnt, way, (x, tg.tensor([0, 1])), None, 40, 0)
        assert models[-1](x).argmax(1).tolist() == [0, 1]
    assert all((value == before[name]).all() for name, value in learnt.state_dict().items())
    same = [(model[0].weight == learnt[0].weight).all().item() for model in models]
    assert dict(zip(transfer.WAYS, same)) == {"from first weights": False, "frozen": True, "fine-tuned": False}


# ---- inception


def test_what_bottlenecks_save():
    costs = {name: [int(text.replace(",", "")) for text in texts] for name, *texts in inception.googlenet()}
    pixels = 28 * 28
    assert costs["5 × 5, without bottleneck"] == [25 * 192 * 32, pixels * 25 * 192 * 32]  # 120 million products
    assert costs["5 × 5, with bottleneck"] == [192 * 16 + 25 * 16 * 32, pixels * (192 * 16 + 25 * 16 * 32)]  # 12.4
    weights = 192 * 64 + 192 * 96 + 9 * 96 * 128 + 192 * 16 + 25 * 16 * 32 + 192 * 32
    assert costs["block, with bottleneck"] == [weights, pixels * weights]


def test_branches_are_joined():
    tg.manual_seed(0)
    x = tg.randn(2, 6, 5, 5)
    for bottleneck in (True, False):
        block = inception.Inception(6, 1, (2, 3), (4, 5), 7, bottleneck).eval()
        y = block(x)
        assert y.shape == (2, 16, 5, 5)
        for part, branch in zip(y.split([1, 3, 5, 7], 1), (block.one, block.three, block.five, block.pool)):
            assert np.allclose(part.detach(), branch(x).detach(), atol=1e-6)
    for make in inception.NETWORKS.values():
        assert make()(tg.zeros(2, 1, 8, 8)).shape == (2, 10)
