"""Triples of an anchor, another photograph of its person and one of another, their loss, and batches that hold some."""

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.nn import functional as F

from .verification import squared_distance

BATCH, PERSONS = 80, 20  # a batch has photographs of 20 persons
ALPHA = 0.2  # FaceNet's


def triples(distances, persons, way, random):
    """For each two photographs of one person one of another: index vectors (anchor, positive, negative).

    distances  squared, between all encodings of a batch: (B, B)
    persons    whom they show, (B,)
    way        random     any
               nearest    d(a, n) as near to d(a, p) as possible: the rule of the notes
               semi-hard  the smallest d(a, n) that is larger than d(a, p), FaceNet's rule; the largest if none is
               hardest    the smallest d(a, n)
    """
    same = persons[:, None] == persons
    anchor, positive = np.nonzero(same & ~np.eye(len(persons), dtype=bool))
    to_positive, to_others = distances[anchor, positive][:, None], distances[anchor]  # (T, 1), (T, B)
    cost = {  # (T, B): the negative is where it is least
        "random": random.random(to_others.shape),
        "nearest": abs(to_others - to_positive),
        "semi-hard": np.where(to_others > to_positive, to_others - 8, -to_others),  # distances are at most 4
        "hardest": to_others,
    }[way]
    return anchor, positive, np.where(same[anchor], np.inf, cost).argmin(1)


class TripletLoss:
    """The mean of max(‖f(a) − f(p)‖² − ‖f(a) − f(n)‖² + α, 0) over the triples of a batch.

    shares  for each batch, of how many triples it was more than 0: they are the ones that teach
    """

    def __init__(self, way, random):
        self.way, self.random, self.shares = way, random, []
        self.loss = nn.TripletMarginWithDistanceLoss(
            distance_function=squared_distance, margin=ALPHA, reduction="none"
        )

    def __call__(self, output, persons):
        f = F.normalize(output)  # (B, 32)
        found = f.detach()
        distances = squared_distance(found[:, None], found).numpy()  # (B, B)
        anchor, positive, negative = triples(distances, persons.numpy(), self.way, self.random)
        losses = self.loss(f[anchor], f[positive], f[negative])
        self.shares.append((losses > 0).float().mean().item())
        return losses.mean()


class SeveralOfEach:
    """Batches for a DataLoader: lists of indices, of several photographs of each of some persons.

    n, k  persons, and photographs of each; the photographs of a person follow each other
    """

    def __init__(self, n, k, batches, random):
        self.n, self.k, self.batches, self.random = n, k, batches, random

    def __len__(self):
        return self.batches

    def __iter__(self):
        count = min(PERSONS, self.n)
        for _ in range(self.batches):
            persons = self.random.permutation(self.n)[:count]
            yield [p * self.k + i for p in persons for i in self.random.permutation(self.k)[: BATCH // count]]
