"""Characters as numbers."""

import numpy as np

from ..tensor import Tensor, of_array

__all__ = ["Vocabulary"]


class Vocabulary:
    """The characters of a text, sorted, each with its number.

        vocabulary = Vocabulary(load_shakespeare().text)
        vocabulary.decode(vocabulary.encode("to be"))  # "to be"

    text  a str, or a list of str: Vocabulary([*names, "\\n"]) has the characters of the names, and a newline to end
          them with

    `characters` is a str with all of them; len(vocabulary) is how many there are.
    """

    def __init__(self, text):
        self.characters = "".join(sorted(set(text if isinstance(text, str) else "".join(text))))
        if not self.characters:
            raise ValueError("Vocabulary: the text has no characters")
        self.numbers = {character: number for number, character in enumerate(self.characters)}

    def __len__(self):
        return len(self.characters)

    def __contains__(self, character):
        return character in self.numbers

    def encode(self, text):
        """The numbers of a text's characters: an int64 tensor (len(text),)."""
        try:
            numbers = [self.numbers[character] for character in text]
        except KeyError as error:
            place = text.index(error.args[0])
            raise ValueError(
                f"the character {error.args[0]!r}, at place {place} of the text, is none of the {len(self)} in the "
                f"vocabulary: {self.characters!r}. Leave it out, or make the vocabulary of a text that has it"
            ) from None
        return of_array(np.array(numbers, np.int64), None)

    def decode(self, numbers):
        """The text of these numbers: a tensor, an array or a list, of one dimension."""
        array = numbers.detach().numpy() if isinstance(numbers, Tensor) else np.asarray(numbers)
        if array.ndim != 1 or array.size and array.dtype.kind not in "iu":
            raise ValueError(
                f"decode takes integers of shape (length,), not {array.dtype} of shape {array.shape}; of one-hot "
                "vectors, take argmax(-1) first"
            )
        if array.size and not 0 <= array.min() <= array.max() < len(self):
            wrong = array.min() if array.min() < 0 else array.max()
            raise ValueError(f"there is no character of number {wrong}; they are 0 to {len(self) - 1}")
        return "".join([self.characters[number] for number in array.tolist()])

    def one_hot(self, text):
        """A text as float32 tensor (len(text), len(vocabulary)): row t is 1 at the number of character t, else 0."""
        return of_array(np.eye(len(self), dtype=np.float32)[self.encode(text).numpy()], None)

    def __repr__(self):
        return f"Vocabulary({self.characters!r})"
