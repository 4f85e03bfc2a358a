"""Colours of pictures: for light pages, for dark ones, and for printing without colour."""

import math


class Theme:
    """page, ink, pale, line     background; text; text that matters less; edges
    faint                     edges along which no gradient flows
    kinds                     kind of vertex -> (filling, outline); `styles` are the Graphviz attributes made of it
    clusters, frame           fillings of clusters, in turn; their outline
    ramp                      colours of gradients, from vanishing to exploding
    heat                      colours of a heat map, from low to high
    zero, bad                 colours of gradients that are zero; that are not finite
    """

    def __init__(self, page, ink, pale, line, faint, kinds, clusters, frame, ramp, heat, zero, bad):
        self.page, self.ink, self.pale, self.line, self.faint = page, ink, pale, line, faint
        self.clusters, self.frame, self.ramp, self.heat, self.zero, self.bad = clusters, frame, ramp, heat, zero, bad
        self.styles = {
            kind: {"fillcolor": fill, "color": outline, "style": OUTLINES[kind]}
            for kind, (fill, outline) in {**kinds, "input": kinds["leaf"]}.items()
        }
        for kind in ("output", "failed", "module"):
            self.styles[kind]["penwidth"] = "1.8"


ROUND, SQUARE, DASHED = "rounded,filled", "filled", "rounded,dashed,filled"

OUTLINES = {
    "operation": ROUND, "module": SQUARE, "parameter": SQUARE, "leaf": SQUARE, "input": SQUARE, "output": ROUND,
    "gradient": ROUND, "cut": DASHED, "failed": ROUND, "gap": DASHED,
}  # fmt: skip
"""Graphviz' style of each kind of vertex."""

THEMES = {
    # Calm colours that also differ when printed in grey; the shapes differ as well.
    "light": Theme(
        page="#ffffff", ink="#2b2f36", pale="#6b7280", line="#6b7280", faint="#b3b9c4",
        kinds={
            "operation": ("#ffffff", "#8b93a1"), "module": ("#ffffff", "#5d6778"),
            "parameter": ("#d9e7f5", "#47719c"), "leaf": ("#fbefcd", "#b08a1e"), "output": ("#dcefdc", "#3f8a4b"),
            "gradient": ("#f1e6f7", "#8e5ea8"), "cut": ("#ffffff", "#c07a1c"), "failed": ("#fbd5d0", "#c3281a"),
            "gap": ("#f1f2f4", "#8b93a1"),
        },
        clusters=("#f4f6f9", "#e9edf3"), frame="#c3cad5",
        ramp=("#2a4a9e", "#7fa6dc", "#f3efe4", "#eea15a", "#b3201f"), heat=("#2f62b5", "#f5f5f2", "#c8452f"),
        zero="#5a5f68", bad="#c2188b",
    ),
    "dark": Theme(
        page="#16191f", ink="#e6e9ef", pale="#9aa3b2", line="#8b95a6", faint="#4d5563",
        kinds={
            "operation": ("#252a33", "#667085"), "module": ("#252a33", "#98a2b3"),
            "parameter": ("#1d3550", "#6fa3d8"), "leaf": ("#43381a", "#cfa63a"), "output": ("#1f3d27", "#63b573"),
            "gradient": ("#37264a", "#b48ad0"), "cut": ("#16191f", "#d99a45"), "failed": ("#571c1a", "#ff6b5e"),
            "gap": ("#1f242c", "#667085"),
        },
        clusters=("#1c2028", "#222731"), frame="#3a424f",
        ramp=("#4d7df2", "#35548f", "#333842", "#9a5a22", "#ee4b3c"), heat=("#5b93ee", "#20242b", "#ee7a5f"),
        zero="#0a0b0e", bad="#e83fae",
    ),
    "print": Theme(
        page="#ffffff", ink="#000000", pale="#444444", line="#333333", faint="#999999",
        kinds={
            "operation": ("#ffffff", "#333333"), "module": ("#ffffff", "#000000"),
            "parameter": ("#dddddd", "#333333"), "leaf": ("#f2f2f2", "#333333"), "output": ("#ffffff", "#000000"),
            "gradient": ("#ececec", "#333333"), "cut": ("#ffffff", "#000000"), "failed": ("#bbbbbb", "#000000"),
            "gap": ("#ffffff", "#333333"),
        },
        clusters=("#ffffff", "#ffffff"), frame="#999999",
        ramp=("#ffffff", "#e4e4e4", "#c2c2c2", "#8c8c8c", "#333333"), heat=("#ffffff", "#bbbbbb", "#222222"),
        zero="#ffffff", bad="#000000",
    ),
}  # fmt: skip


def theme_called(name):
    if name not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(map(repr, THEMES))}, not {name!r}")
    return THEMES[name]


def between(colours, share):
    """The colour at a share from 0 to 1 of the way along some colours."""
    place = min(max(share, 0.0), 1.0) * (len(colours) - 1)
    index = min(int(place), len(colours) - 2)
    first, second = ([int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (colours[index], colours[index + 1]))
    mixed = [round(a + (b - a) * (place - index)) for a, b in zip(first, second)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def ink_on(colour):
    """Black or white, whichever is read better on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#111111" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"


VANISHING, EXPLODING = -8, 4
"""The decades at the ends of the scale of gradients; it is the same in all pictures, so that they can be compared."""


def colour_of_gradient(theme, magnitude):
    if not math.isfinite(magnitude):
        return theme.bad
    if magnitude == 0:
        return theme.zero
    return between(theme.ramp, (math.log10(magnitude) - VANISHING) / (EXPLODING - VANISHING))
