"""A picture of paint strokes that follow swirls: a style that no photograph has, computed anew on every machine."""

import numpy as np

PALETTE = np.array([(10, 20, 60), (30, 70, 150), (90, 150, 200), (230, 220, 140), (250, 190, 40)]) / 255
"""From the darkest blue to yellow, each as frequent as the others."""

SWIRLS, LENGTH = 9, 24  # how many there are, and how far a stroke reaches to both sides, in pixels


def strokes(height, width, random):
    """(height, width, 3), colours from 0 to 1.

    Line integral convolution (Cabral & Leedom 1993): noise is averaged along the lines of a field of directions, so
    that it becomes alike along them and stays different across.
    """
    down, right = directions(height, width, random)
    noise = blurred(random.standard_normal((height, width)))
    total = np.zeros((height, width))
    for sign in (1, -1):
        y, x = np.mgrid[:height, :width].astype(float)
        for _ in range(LENGTH):
            at = y.astype(int) % height, x.astype(int) % width
            total += noise[at]
            y, x = y + sign * down[at], x + sign * right[at]
    ranks = total.ravel().argsort().argsort().reshape(height, width) / (total.size - 1)  # from 0 to 1, equally frequent
    places = np.linspace(0, 1, len(PALETTE))
    return np.stack([np.interp(ranks, places, color) for color in PALETTE.T], 2)


def directions(height, width, random):
    """The field, vectors of length 1: two arrays (height, width), how far down and to the right."""
    y, x = np.mgrid[:height, :width]
    down, right = 0.25 * np.sin(6 * x / width), np.ones((height, width))
    for _ in range(SWIRLS):
        center_y, center_x = random.uniform(0, height), random.uniform(0, width)
        radius, turn = random.uniform(0.12, 0.3) * height, random.choice([-1, 1])
        dy, dx = y - center_y, x - center_x
        strength = 3 * turn / radius * np.exp(-(dy**2 + dx**2) / (2 * radius**2))
        down, right = down + strength * dx, right - strength * dy
    length = np.hypot(down, right) + 1e-9
    return down / length, right / length


def blurred(image, size=5):
    """The mean of size × size pixels around each, the image going on at the opposite edge."""
    shifts = range(-(size // 2), size // 2 + 1)
    return sum(np.roll(image, (i, j), (0, 1)) for i in shifts for j in shifts) / size**2
