"""The parts of the demo `faces`: letters that stand for persons, and what is reached with encodings."""
