"""Data sets, and loaders that bring them in batches."""

from . import augment, datasets
from .collate import default_collate, default_convert
from .dataset import (
    ChainDataset, ConcatDataset, Dataset, IterableDataset, StackDataset, Subset, TensorDataset, random_split,
)  # fmt: skip
from .datasets import (
    blobs, circles, flower, load_cats, load_cifar10, load_digits, load_dinosaurs, load_fashion_mnist, load_mnist,
    load_names, load_shakespeare, load_sign_digits, moons, spirals,
)  # fmt: skip
from .loader import DataLoader, get_worker_info
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler
from .splits import split, suggested_sizes
from .standardize import Standardize
from .vocabulary import Vocabulary

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "StackDataset", "Standardize", "Subset", "SubsetRandomSampler", "TensorDataset",
    "Vocabulary",
    "WeightedRandomSampler", "augment", "blobs", "circles", "datasets", "default_collate", "default_convert", "flower",
    "get_worker_info", "load_cats", "load_cifar10", "load_digits", "load_dinosaurs", "load_fashion_mnist", "load_mnist",
    "load_names", "load_shakespeare", "load_sign_digits", "moons", "random_split", "spirals", "split",
    "suggested_sizes",
]  # fmt: skip
