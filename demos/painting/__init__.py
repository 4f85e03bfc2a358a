"""The parts of the demo `style`: computed paint strokes, a network with its features, the losses of images."""
