"""Attention and transformers beyond what the table of cases_attention.py compares with PyTorch."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.ops.attention import attention

RNG = np.random.default_rng(0)


def tensor(*shape, dtype=np.float32):
    return tg.tensor(RNG.standard_normal(shape).astype(dtype))


@pytest.mark.parametrize(
    "make",
    [
        lambda T: T.nn.MultiheadAttention(8, 2),
        lambda T: T.nn.MultiheadAttention(8, 2, add_bias_kv=True, bias=False),
        lambda T: T.nn.MultiheadAttention(8, 2, kdim=3, vdim=5),
        lambda T: T.nn.TransformerEncoderLayer(8, 2, 12),
        lambda T: T.nn.TransformerDecoderLayer(8, 2, 12),
        lambda T: T.nn.Transformer(8, 2, 2, 1, 12, batch_first=True),
    ],
)
def test_initial_values_as_torch(make, torch):
    """The same seed gives the same parameters: distributions and the order of draws are PyTorch's."""
    ours, theirs = (make(T) for T in (tg, torch) if T.manual_seed(5) is not None)
    for (name, p), (other_name, q) in zip(ours.named_parameters(), theirs.named_parameters()):
        assert name == other_name
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6, err_msg=name)


def test_dropout_of_weights_is_unbiased():
    q, k, v = tensor(1, 8, 4), tensor(1, 16, 4), tensor(1, 16, 2)
    tg.manual_seed(0)
    mean = sum(nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=0.3).numpy() for _ in range(2000)) / 2000
    np.testing.assert_allclose(mean, nn.functional.scaled_dot_product_attention(q, k, v).numpy(), atol=0.05)


def test_weights_are_dropped_in_training_only():
    layer, x = nn.MultiheadAttention(4, 2, dropout=0.5), tensor(6, 2, 4)
    tg.manual_seed(0)
    weights = layer(x, x, x, average_attn_weights=False)[1].numpy(force=True)
    assert 0.2 < (weights == 0).mean() < 0.8
    layer.eval()
    weights = layer(x, x, x, average_attn_weights=False)[1].numpy(force=True)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)


def test_copies_of_layers_share_nothing_but_start_equal():
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    encoder = nn.TransformerEncoder(layer, 2)
    one, other = encoder.layers
    for p, q, r in zip(layer.parameters(), one.parameters(), other.parameters()):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())
        assert not np.shares_memory(p.array, q.array) and not np.shares_memory(q.array, r.array)
    assert len(list(encoder.parameters())) == 2 * len(list(layer.parameters()))


@pytest.mark.parametrize("mask", [None, "causal", "bool"])
def test_long_sequences_in_single_precision(mask, torch):
    q, k, v = (RNG.standard_normal((2, 300, 16)).astype(np.float32) * 3 for _ in range(3))
    given = RNG.random((300, 300)) < 0.5 if mask == "bool" else None

    def run(T):
        xs = [T.tensor(x).requires_grad_() for x in (q, k, v)]
        out = T.nn.functional.scaled_dot_product_attention(
            *xs, None if given is None else T.tensor(given), is_causal=mask == "causal"
        )
        (out * out).sum().backward()
        return [x.detach().numpy() for x in (out, *[x.grad for x in xs])]

    for ours, theirs in zip(run(tg), run(torch)):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)


def test_a_query_to_which_nothing_is_shown_gets_zero_and_no_gradient():
    q, k, v = (tensor(2, 3, 4).requires_grad_() for _ in range(3))
    shown = tg.tensor([[True, False, True], [False, False, False], [True, True, True]])
    out = nn.functional.scaled_dot_product_attention(q, k, v, shown)
    out.sum().backward()
    assert (out.numpy(force=True)[:, 1] == 0).all() and (q.grad.numpy()[:, 1] == 0).all()
    assert all(np.isfinite(x.grad.numpy()).all() for x in (q, k, v))


def test_scores_of_any_size():
    """Neither overflow nor underflow: scores around ±10⁴ only make the weights 0 and 1."""
    q, k = tensor(1, 3, 4, dtype=np.float64), tensor(1, 5, 4, dtype=np.float64)
    v = tensor(1, 5, 2, dtype=np.float64)
    best = (q.numpy() @ k.numpy().swapaxes(-1, -2)).argmax(-1)[0]
    for scale in (1e4, 1e8):
        out = nn.functional.scaled_dot_product_attention(q, k, v, scale=scale)
        np.testing.assert_allclose(out.numpy()[0], v.numpy()[0, best], rtol=1e-6)
    offset = nn.functional.scaled_dot_product_attention(q, k, v, tg.full((3, 5), -1e4, dtype=tg.float64))
    np.testing.assert_allclose(offset.numpy(), nn.functional.scaled_dot_product_attention(q, k, v).numpy(), rtol=1e-9)


def test_half_precision():
    q, k, v = (tensor(2, 3, 4) for _ in range(3))
    half = nn.functional.scaled_dot_product_attention(q.half(), k.half(), v.half(), is_causal=True)
    assert half.dtype == tg.float16
    exact = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    np.testing.assert_allclose(half.numpy(), exact.numpy(), atol=5e-3)


def test_the_fused_operation_is_one_node():
    q = tensor(2, 3, 4).requires_grad_()
    assert nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True).node.op is attention.op


def test_inference_as_torch(torch):
    """In evaluation without gradients PyTorch computes encoder layers by other code; the results are the same."""
    theirs = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), 2).eval()
    ours = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), 2).eval()
    ours.load_state_dict({name: tg.tensor(p.numpy()) for name, p in theirs.state_dict().items()})
    x = RNG.standard_normal((3, 5, 8)).astype(np.float32)
    with torch.no_grad(), tg.no_grad():
        np.testing.assert_allclose(ours(tg.tensor(x)).numpy(), theirs(torch.tensor(x)).numpy(), rtol=1e-4, atol=1e-5)


def test_training_a_small_transformer():
    """It learns to reverse sequences: encoder, decoder, causal mask and optimizer together."""
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    embed, place, head = nn.Embedding(7, 16), nn.Embedding(6, 16), nn.Linear(16, 7)
    model = nn.Transformer(16, 2, 1, 1, 32, 0.0, batch_first=True)
    parameters = [p for m in (embed, place, head, model) for p in m.parameters()]
    optimizer = tg.optim.Adam(parameters, lr=5e-3)
    mask, places = nn.Transformer.generate_square_subsequent_mask(6), tg.arange(6)
    for _ in range(150):
        words = rng.integers(1, 7, (32, 6))
        backwards = words[:, ::-1].copy()
        given = tg.tensor(np.concatenate([np.zeros((32, 1), np.int64), backwards[:, :-1]], 1))
        source = embed(tg.tensor(words)) + place(places)
        out = head(model(source, embed(given) + place(places), tgt_mask=mask))
        loss = nn.functional.cross_entropy(out.reshape(-1, 7), tg.tensor(backwards.reshape(-1)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5
