"""The parts of the demo `tune`: where to search, trials side by side, and pictures."""
