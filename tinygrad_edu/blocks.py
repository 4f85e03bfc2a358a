"""Element-by-element functions of large arrays, block by block on several threads."""
LARGE = 1 << 60


def in_blocks(kernel, arrays):
    return kernel(*arrays)
