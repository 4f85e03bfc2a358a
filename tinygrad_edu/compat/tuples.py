"""`torch.nn.modules.utils`: a setting for each dimension of an image."""

from functools import partial

from ..nn.conv import sized

_single, _pair, _triple, _quadruple = [partial(sized, count=count) for count in (1, 2, 3, 4)]
