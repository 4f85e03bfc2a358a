"""The parts of the demo `faces`: letters that stand for persons, triples, what is reached with encodings, pictures."""
