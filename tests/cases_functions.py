"""Functions and methods that are composed of operations: order statistics, counts, searches, parts replaced,
arrangements."""

import numpy as np

RNG = np.random.default_rng(0)
A, B, S = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4)), RNG.standard_normal((2, 3, 4))
V, W, T1 = RNG.standard_normal(6), RNG.standard_normal(6), np.array(1.5)
TIES = np.array([[1.0, 3, 3, 2], [2, 2, 1, 1], [4, 4, 4, 4]])
NANS = np.where(RNG.random((3, 5)) < 0.3, np.nan, RNG.standard_normal((3, 5)))
NANS[0] = np.nan
NANS[1, :2] = [1.0, 2.0]
I, N = np.array([2, 0]), np.array([[3, 1, 3], [0, 3, 1]])
ALONG = np.array([[0, 2, 2, 1], [1, 1, 0, 2], [1, 2, 0, 0]])
MASK = A > 0

CALLS = {
    "median": [
        ((V,), lambda T, x: x.median()), ((A,), lambda T, x: T.median(x, 1)),
        ((A,), lambda T, x: x.median(0, keepdim=True)),
        ((NANS,), lambda T, x: x.detach().median(1).values), ((NANS,), lambda T, x: x.detach().nanmedian(1).values),
        ((T1,), lambda T, x: x.median()),
        ((NANS,), lambda T, x: x.detach().nanmedian()), ((A,), lambda T, x: T.nanmedian(x)),
    ],
    "kthvalue": [((A,), lambda T, x: x.kthvalue(2)), ((A,), lambda T, x: T.kthvalue(x, 1, 0, True)),
                 ((T1,), lambda T, x: x.kthvalue(1))],
    "mode": [((TIES,), lambda T, x: T.mode(x).values), ((TIES,), lambda T, x: x.mode(0, True).values),
             ((V,), lambda T, x: x.mode())],
    "quantile": [
        ((V,), lambda T, x: T.quantile(x, 0.3)),
        ((A,), lambda T, x, q=np.array([0.0, 0.25, 1.0]): x.quantile(T.tensor(q, dtype=x.dtype), dim=1)),
        ((A,), lambda T, x: x.quantile(0.6, dim=0, keepdim=True)),
        ((A,), lambda T, x: T.quantile(x, 0.5, keepdim=True)),
        *[((A,), lambda T, x, how=how: T.quantile(x, 0.4, 1, interpolation=how))
          for how in ("lower", "higher", "midpoint", "nearest")],
        ((NANS[1:],), lambda T, x: T.nanquantile(x.detach(), 0.4, dim=1)),
        ((NANS,), lambda T, x: T.quantile(x.detach(), 0.4, dim=1)),
    ],
    "nansum": [((A,), lambda T, x: T.nansum(x, 1)), ((NANS,), lambda T, x: x.nansum(0)),
               ((NANS,), lambda T, x: x.nanmean(0)), ((A,), lambda T, x: x.nanmean())],
    "std_mean": [
        ((A,), lambda T, x: T.std_mean(x)), ((A,), lambda T, x: T.var_mean(x, dim=1, keepdim=True)),
        ((A,), lambda T, x: T.std_mean(x, 0, correction=0)),
        ((A,), lambda T, x: x.var(1, False)), ((A,), lambda T, x: x.std(unbiased=False)),
        ((A,), lambda T, x: T.var(x, dim=(0, 1), unbiased=True)),
    ],
    "aminmax": [((A,), lambda T, x: T.aminmax(x)), ((A,), lambda T, x: x.aminmax(dim=1, keepdim=True))],
    "cummax": [((A,), lambda T, x: x.cummax(1)), ((TIES,), lambda T, x: T.cummax(x, 0)),
               ((TIES,), lambda T, x: x.cummin(1)), ((S,), lambda T, x: x.cummin(-1)),
               ((T1,), lambda T, x: x.cummax(0))],
    "logcumsumexp": [((A,), lambda T, x: x.logcumsumexp(1)), ((A,), lambda T, x: T.logcumsumexp(x * 3, 0)),
                     ((T1,), lambda T, x: x.logcumsumexp(0))],
    "diff": [((A,), lambda T, x: T.diff(x)), ((A,), lambda T, x: x.diff(2, 0)),
             ((A, B), lambda T, x, y: T.diff(x, prepend=y[:, :1], append=y)), ((MASK,), lambda T, x: T.diff(x))],
    "trapezoid": [((A,), lambda T, y: T.trapezoid(y, dx=0.5)), ((A, B), lambda T, y, x: T.trapz(y, x)),
                  ((A, V[:3]), lambda T, y, x: T.trapezoid(y, x, dim=0))],
    "cov": [
        ((A,), lambda T, x: T.cov(x)), ((V,), lambda T, x: x.cov(correction=0)),
        ((A,), lambda T, x: T.cov(x, fweights=T.tensor([1, 2, 3, 1]))),
        ((A, np.abs(V[:4])), lambda T, x, w: T.cov(x, aweights=w)), ((A,), lambda T, x: T.corrcoef(x)),
        ((V,), lambda T, x: x.corrcoef()),
    ],
    "histc": [((A,), lambda T, x: T.histc(x.detach(), 5)),
              ((A,), lambda T, x: x.detach().histc(bins=4, min=-1, max=1))],
    "bincount": [((np.array([1, 4, 1]),), lambda T, x: T.bincount(x)),
                 ((np.array([1, 4, 1]), V[:3]), lambda T, x, w: x.bincount(w.detach(), minlength=7))],
    "unique": [
        ((N,), lambda T, x: T.unique(x)), ((N,), lambda T, x: x.unique(return_inverse=True, return_counts=True)),
        ((TIES,), lambda T, x: T.unique(x.detach(), dim=0)),
        ((N,), lambda T, x: T.unique(x, dim=1, return_counts=True)),
        ((N,), lambda T, x: T.unique_consecutive(x, return_inverse=True, return_counts=True)),
        ((TIES,), lambda T, x: x.detach().unique_consecutive(dim=1)), ((N[:0],), lambda T, x: x.unique_consecutive()),
    ],
    "searchsorted": [
        ((np.sort(V), A), lambda T, s, x: T.searchsorted(s.detach(), x.detach())),
        ((np.sort(A), B), lambda T, s, x: T.searchsorted(s.detach(), x.detach(), right=True)),
        ((A, B), lambda T, s, x: T.searchsorted(s.detach(), x.detach(), sorter=s.detach().argsort(), side="right")),
        ((np.sort(V),), lambda T, s: T.searchsorted(s.detach(), 0.3)),
        ((A, np.sort(V)), lambda T, x, b: T.bucketize(x.detach(), b.detach())),
        ((np.array([1, 3, 5]), N), lambda T, b, x: T.bucketize(x, b, right=True, out_int32=True)),
    ],
    "equal": [
        ((A, A), lambda T, x, y: T.equal(x, y)), ((A, B), lambda T, x, y: x.equal(y)),
        ((A, S), lambda T, x, y: x.equal(y)),
        ((A, A + 1e-9), lambda T, x, y: T.allclose(x, y)),
        ((NANS, NANS), lambda T, x, y: T.isclose(x, y, equal_nan=True)),
        ((A, A + 1e-6), lambda T, x, y: x.isclose(y, 0, 1e-6)),
        ((N,), lambda T, x: T.isin(x, T.tensor([3, 5]))), ((N,), lambda T, x: T.isin(x, 3, invert=True)),
    ],
    "index_add": [
        ((A, B[:2]), lambda T, x, y: x.index_add(0, T.tensor(I), y)),
        ((A, B[:, :3]), lambda T, x, y: T.index_add(x, 1, T.tensor([0, 0, 3]), y, alpha=-2)),
        ((A, B[:2]), lambda T, x, y: (x * 1).index_add_(0, T.tensor(I), y)),
    ],
    "index_copy": [((A, B[:2]), lambda T, x, y: x.index_copy(0, T.tensor(I), y)),
                   ((A, B[:, :2]), lambda T, x, y: (x * 1).index_copy_(1, T.tensor([3, 1]), y))],
    "index_fill": [
        ((A,), lambda T, x: x.index_fill(1, T.tensor([0, 2]), 7)),
        ((A, T1), lambda T, x, v: x.index_fill(0, T.tensor(I), v)),
        ((A,), lambda T, x: (x * 1).index_fill_(0, T.tensor(I), -1.5)),
    ],
    "scatter_reduce": [
        ((A, B),
         lambda T, x, y, how=how, include=include: x.scatter_reduce(0, T.tensor(ALONG), y, how, include_self=include))
        for how in ("sum", "prod", "mean", "amax", "amin") for include in (True, False)
    ],
    "index_reduce": [((A, B[:2]),
                      lambda T, x, y, how=how: x.detach().index_reduce(0, T.tensor([1, 1]), y.detach(), how))
                      for how in ("prod", "mean", "amax", "amin")],
    "masked_scatter": [((A, B), lambda T, x, y: x.masked_scatter(T.tensor(MASK), y)),
                       ((A, V), lambda T, x, y: (x * 1).masked_scatter_(T.tensor(MASK[:, :1]), T.cat([y, y])))],
    "select_scatter": [((A, V[:4]), lambda T, x, y: x.select_scatter(y, 0, 1)),
                       ((A, B), lambda T, x, y: T.slice_scatter(x, y[:, :2], 1, 0, 4, 2))],
    "take_along_dim": [
        ((A,), lambda T, x: T.take_along_dim(x, T.tensor(ALONG), 0)),
        ((A,), lambda T, x: x.take_along_dim(T.tensor([[1]]), 1)),
        ((A,), lambda T, x: x.take_along_dim(T.tensor([5, 0]))),
    ],
    "put": [((A, V), lambda T, x, y: x.put(T.tensor([0, 5, 11]), y[:3])),
            ((A, V), lambda T, x, y: x.put(T.tensor([0, 5, 0]), y[:3], accumulate=True))],
    "broadcast_tensors": [((A, V[:4]), lambda T, x, y: T.broadcast_tensors(x, y)),
                          ((), lambda T: tuple(T.broadcast_shapes((2, 1), (3,))))],
    "swapaxes": [((S,), lambda T, x: x.swapaxes(0, 2)), ((S,), lambda T, x: T.swapdims(x, 1, -1)),
                 ((S,), lambda T, x: (T.fliplr(x), x.flipud()))],
    "atleast": [((T1, V, A), lambda T, *xs: (T.atleast_1d(*xs), T.atleast_2d(*xs), T.atleast_3d(list(xs)))),
                ((T1,), lambda T, x: T.atleast_2d(x))],
    "stacks": [((A, B), lambda T, x, y: (T.dstack([x, y]), T.column_stack([x, y]))),
               ((V, W), lambda T, x, y: (T.dstack((x, y)), T.column_stack((x, y)), T.concat([x, y])))],
    "hsplit": [((A,), lambda T, x: (x.hsplit(2), T.hsplit(x, [1, 3]), T.vsplit(x, [1]))),
               ((V,), lambda T, x: x.hsplit(3))],
    "block_diag": [((A, V, T1), lambda T, *xs: T.block_diag(*xs))],
    "diag_embed": [((A,), lambda T, x: T.diag_embed(x)), ((A,), lambda T, x: x.diag_embed(1, 0, 2)),
                   ((A,), lambda T, x: x.diagflat(-1)), ((S,), lambda T, x: T.diag_embed(x, -2, 2, 1))],
    "combinations": [((V,), lambda T, x: T.combinations(x)),
                     ((V,), lambda T, x: T.combinations(x, 3, with_replacement=True)),
                     ((V,), lambda T, x: T.vander(x.detach(), 3)),
                     ((V,), lambda T, x: T.vander(x.detach(), increasing=True))],
    "triu_indices": [((), lambda T: (T.triu_indices(3, 4, 1), T.tril_indices(3, 3, -1))),
                     ((N,), lambda T, x: T.unravel_index(x, (2, 2)))],
    "msort": [((A,), lambda T, x: T.msort(x)), ((A,), lambda T, x: x.positive()),
              ((A,), lambda T, x: T.renorm(x, 2, 0, 1.0))],
    "views in place": [
        ((S,), lambda T, x: (x * 1).unsqueeze_(0).squeeze_()), ((A,), lambda T, x: (x * 2).t_()),
        ((S,), lambda T, x: (x * 2).transpose_(0, 2).mul_(2)),
        ((A,), lambda T, x: (x * 1)[1].unsqueeze_(0)),
        ((A,), lambda T, x: [y := x * 1, y[1].unsqueeze_(0).mul_(3), y][0]),
    ],
    "where as a method": [((A, B), lambda T, x, y: x.where(T.tensor(MASK), y)),
                          ((A,), lambda T, x: x.where(x > 0, 0.5))],
    "div": [
        ((A, B), lambda T, x, y: T.div(x, y)),
        ((A, B), lambda T, x, y: x.detach().div(y.detach(), rounding_mode="floor")),
        ((N, N), lambda T, x, y: T.div(x - 2, y + 1, rounding_mode="trunc")),
        ((A, B), lambda T, x, y: T.true_divide(x, y).detach().div(2, rounding_mode="trunc")),
        ((N,), lambda T, x: T.div(x - 5, 2, rounding_mode="floor")), ((A, B), lambda T, x, y: (x * 1).div_(y)),
    ],
    "iteration": [((A,), lambda T, x: [row * i for i, row in enumerate(x)])],
    "memory": [((S,),
                lambda T, x: (x[1, 1:].storage_offset(), x.is_cuda, x.is_contiguous(),
                              x.T.is_contiguous() if x.ndim == 2 else 0, x.get_device()))],
    "apply_": [((A, B),
                lambda T, x, y: (x.detach().clone().apply_(lambda v: v * 2),
                                 x.detach().clone().map_(y.detach(), lambda v, w: v + w)))],
}  # fmt: skip

ERRORS = {
    "div: mode": lambda T: T.div(T.zeros(3), 2, rounding_mode="round"),
    "median: empty": lambda T: T.zeros(2, 0).median(1),
    "kthvalue: rank": lambda T: T.zeros(3).kthvalue(4),
    "quantile: range": lambda T: T.zeros(3).quantile(1.5),
    "quantile: interpolation": lambda T: T.zeros(3).quantile(0.5, interpolation="cubic"),
    "bincount: negative": lambda T: T.bincount(T.tensor([-1])),
    "bincount: float": lambda T: T.bincount(T.tensor([1.0])),
    "histc: bins": lambda T: T.histc(T.zeros(3), 0),
    "searchsorted: sizes": lambda T: T.searchsorted(T.zeros(2, 3), T.zeros(3, 2)),
    "isclose: dtypes": lambda T: T.isclose(T.zeros(2), T.zeros(2, dtype=T.float64)),
    "index_add: index": lambda T: T.zeros(3).index_add(0, T.tensor([0.5]), T.zeros(1)),
    "index_add: out of range": lambda T: T.zeros(3).index_add(0, T.tensor([5]), T.zeros(1)),
    "index_fill: value": lambda T: T.zeros(3).index_fill(0, T.tensor([0]), T.zeros(2)),
    "masked_scatter: too few": lambda T: T.zeros(3).masked_scatter(T.tensor([True, True, False]), T.zeros(1)),
    "scatter_reduce: name": lambda T: T.zeros(3).scatter_reduce(0, T.tensor([0]), T.zeros(1), "median"),
    "diag_embed: same": lambda T: T.diag_embed(T.zeros(3), dim1=0, dim2=0),
    "unsqueeze_: leaf": lambda T: T.zeros(3, requires_grad=True).unsqueeze_(0),
    "cuda": lambda T: T.zeros(3).cuda(),
    "apply_: gradients": lambda T: T.zeros(3, requires_grad=True).apply_(abs),
    "iteration of a number": lambda T: list(T.tensor(1.0)),
}
