"""What takes the place of data sets that are not found: made of what comes with scikit-learn, or with Python itself.

The images have the size and the number of classes of those that they stand for, so that programs run unchanged.
"""

import numpy as np

__all__ = ["bundled_digits", "digits_on_photographs", "enlarged", "manual", "unicode_words"]

INK = 16
"""The highest value in scikit-learn's digits."""


def bundled_digits(seed=0):
    """(images (1797, 8, 8) of float32 from 0 to 1, labels (1797,)): handwritten digits in a random order.

    The test set of Alpaydin & Kaynak 1998, which comes with scikit-learn.
    """
    data = sklearn_datasets().load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))
    return np.true_divide(data.images[order], np.float32(INK), dtype=np.float32), data.target[order]


def sklearn_datasets():
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            'the bundled digits are those of scikit-learn, which is not installed: pip install "tinygrad-edu[demos]"'
        ) from error
    return datasets


def enlarged(images, size, channels=None):
    """Images (N, h, w) with each pixel as a square of several, in the middle of (N, size, size), on 0; with `channels`,
    as so many equal channels (N, size, size, channels)."""
    factor = size // images.shape[1]
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    border = size - images.shape[1]
    images = np.pad(images, [(0, 0), *[(border // 2, border - border // 2)] * 2])
    return images if channels is None else np.repeat(images[..., None], channels, axis=3)


def digits_on_photographs(images, size, seed=0):
    """Images (N, h, w) of ink from 0 to 1, as (N, size, size, 3): where there is ink, a photograph is inverted.

    out = |photograph − ink|, on random parts of scikit-learn's two sample photographs: the idea of MNIST-M (Ganin &
    Lempitsky 2015).
    """
    photographs = np.stack(sklearn_datasets().load_sample_images().images)  # (2, 427, 640, 3)
    random = np.random.default_rng(seed)
    count, which = len(images), random.integers(len(photographs), size=len(images))
    rows, columns = [
        random.integers(0, length - size, (count, 1)) + np.arange(size) for length in photographs.shape[1:3]
    ]
    parts = photographs[which[:, None, None], rows[:, :, None], columns[:, None, :]]  # (N, size, size, 3)
    return np.abs(parts / np.float32(255) - enlarged(images, size, 3))


def unicode_words(shortest, longest):
    """The words of so many letters in the names of Unicode's characters, sorted: names of letters and signs of all
    scripts, "gimel" or "anusvara", and English words. From Python's copy of Unicode 3.2, which no version changes."""
    from unicodedata import ucd_3_2_0

    words = set()
    for number in range(0x3400):  # beyond are Chinese and Korean characters, which are numbered, not named
        words.update(ucd_3_2_0.name(chr(number), "").lower().split())
    return sorted(word for word in words if shortest <= len(word) <= longest and word.isalpha())


def manual():
    """Python's reference manual, as `help()` shows it: some 450,000 characters."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name].strip() for name in sorted(topics))
