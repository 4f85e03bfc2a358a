"""Images of noise, to try a program without data."""

from ....generator import Generator
from ....ops.random import randint, randn
from ..transforms.functional import to_pil_image
from .vision import VisionDataset

__all__ = ["FakeData"]


class FakeData(VisionDataset):
    """`size` pairs of an image of Gaussian noise and a random label; sample i is always the same.

    size           how many
    image_size     (channels, height, width)
    num_classes    the labels are 0 ... num_classes − 1
    random_offset  sample i is made from the seed i + random_offset
    """

    def __init__(
        self,
        size=1000,
        image_size=(3, 224, 224),
        num_classes=10,
        transform=None,
        target_transform=None,
        random_offset=0,
    ):
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.num_classes, self.image_size = size, num_classes, image_size
        self.random_offset = random_offset

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(f"{type(self).__name__}: sample {index} of {len(self)}")
        # its own generator: samples may be made by several threads at once
        generator = Generator().manual_seed(index + self.random_offset)
        pixels = randn(*self.image_size, generator=generator)
        target = randint(0, self.num_classes, (1,), generator=generator)[0]
        image, target = self.transformed(to_pil_image(pixels), target)
        return image, target.item()
