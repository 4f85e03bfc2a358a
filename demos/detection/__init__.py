"""The parts of the demo `detect`: canvases with digits on them, detectors, what they have found, and pictures."""
